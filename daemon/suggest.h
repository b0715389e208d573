/* Which of the names that there are was meant by one that there isn't. */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <stddef.h>

/* The name nearest to `wanted` by letters to change, or NULL where none is near. */
const char *suggest_nearest(const char *wanted, const char *const *names, size_t count);

/* "no database \"x\"; nearest: \"y\"; there are: a, y": on standard error, as one line. `where`
 * stands before it ("litekeeper run"), `what` is the kind of name ("database"). */
void suggest_report(const char *where, const char *what, const char *wanted,
                    const char *const *names, size_t count);

#endif
