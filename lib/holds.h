/* What is held of a table, as the history and jobs have it: an array of [first_us, last_us,
 * set_us]. */
#ifndef HOLDS_H
#define HOLDS_H

#include "digest.h"

#include <jansson.h>

/* Tells two such arrays apart. NULL is as if nothing were held. */
void holds_digest(const json_t *holds, char hex[DIGEST_HEX]);

#endif
