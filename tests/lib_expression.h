/* Random calendar expressions, and whether the host's systemd can be asked about them. */
#ifndef LIB_EXPRESSION_H
#define LIB_EXPRESSION_H

#include "text.h"

#include <stdbool.h>

/* Appends one, mostly right, now and then wrong; some with a zone where `zones` says so. By
 * random(). */
void expression_random(struct text *text, bool zones);

/* Whether there is a systemd-analyze of the version whose oddities are ours: Debian 12's. */
bool expression_has_oracle(void);

#endif
