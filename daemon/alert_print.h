/* Alerts that are raised, for people: in `alerts` and in `status`. */
#ifndef ALERT_PRINT_H
#define ALERT_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Prints an "alert" line of the daemon's on standard output, `indent` columns in; with `advice`
 * what to do about it. */
void alert_print(const json_t *alert, size_t indent, bool advice);

#endif
