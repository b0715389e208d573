/* What SQLite's parser says of a statement, before there is a database to run it on. */
#ifndef SQLSYNTAX_H
#define SQLSYNTAX_H

#include "error.h"

/* STATUS_INVALID with SQLite's message where it is no SQL; names are not looked up. */
enum status sqlsyntax_check(const char *sql, struct error *error) MUST_CHECK;

#endif
