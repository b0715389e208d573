/* A moment, as an operator writes it on the command line. */
#ifndef MOMENT_H
#define MOMENT_H

#include "error.h"

#include <stdint.h>

/* RFC 3339 ("2026-11-23T04:00:00Z", "...+01:00"), or "2026-11-23[ 04:00[:00]]" in UTC. In
 * microseconds since 1970. Years 1970 to 9999. */
enum status moment_parse(const char *text, int64_t *time_us, struct error *error) MUST_CHECK;

#endif
