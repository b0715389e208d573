/* Asks a program of the host what it makes of something, without a shell. */
#ifndef LIB_ORACLE_H
#define LIB_ORACLE_H

#include "text.h"

/* Runs `arguments` (NULL at the end; the program is looked for in PATH) with TZ=UTC, and appends
 * what it prints to `out`. Returns its exit status, or -1 where there is no such program. */
int oracle_run(const char *const arguments[], struct text *out);
/* The same with what it says of errors. */
int oracle_run_all(const char *const arguments[], struct text *out);

#endif
