/* Finds the database files of a path or a glob: the worker's jobs "discover" and "search". */
#ifndef DISCOVER_H
#define DISCOVER_H

#include "error.h"

#include <jansson.h>

/* Emits one "found" or "refused" event a file, in the order of their names. The files that SQLite
 * keeps beside a database match no glob. */
enum status discover_serve(json_t *job, struct error *error) MUST_CHECK;

/* The same for several paths and globs, with a "searched" event at the end: the job "search". If
 * nothing is other than it was when the digest was the `known` one, that event is all. */
enum status discover_search(json_t *job, struct error *error) MUST_CHECK;

enum { DISCOVER_DIGEST = 17 }; /* bytes of a digest's text, its NUL among them */

#endif
