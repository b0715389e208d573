/* Finds the database files of a path or a glob: the worker's job "discover". */
#ifndef DISCOVER_H
#define DISCOVER_H

#include "error.h"

#include <jansson.h>

/* Emits one "found" or "refused" event a file, in the order of their names. The files that SQLite
 * keeps beside a database match no glob. */
enum status discover_serve(json_t *job, struct error *error) MUST_CHECK;

#endif
