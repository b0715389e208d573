/* What `litekeeper check` does, but for its command line. */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include <stdio.h>

enum policy_form { POLICY_TEXT, POLICY_DUMP, POLICY_JSON };

/* Loads the policy at `path` and prints what it has to `out`; what is wrong with it goes to
 * `wrong`, but for POLICY_JSON. Returns the exit status: 0, or 78 where it is not valid. */
int policy_check(const char *path, enum policy_form form, FILE *out, FILE *wrong);

#endif
