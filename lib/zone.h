/*
 * Time zones of the host's tz database, each loaded into memory of its own. Nothing here reads or
 * changes the process's own zone, so any number of them serve side by side.
 */
#ifndef ZONE_H
#define ZONE_H

#include "error.h"

#include <stdint.h>

struct zone;

/* Loads "UTC", "Europe/Berlin" ...; NULL is the host's own zone (TZ, else /etc/localtime, else
 * UTC). STATUS_INVALID: this host knows no such zone. The zone is the caller's, for zone_free. */
enum status zone_load(const char *name, struct zone **zone, struct error *error) MUST_CHECK;
void zone_free(struct zone *zone);

/* Seconds east of Greenwich at that moment: local time = UTC + offset. Any moment is fine. */
int32_t zone_offset(const struct zone *zone, int64_t utc_us);
/* The first moment after that one from which the offset is another; INT64_MAX: it stays. */
int64_t zone_change(const struct zone *zone, int64_t utc_us);

/* The moments at which clocks of the zone show `local_us`, microseconds since 1970 as if on
 * Greenwich, in order: one; two, where a clock is put back to show it again; or none, where it is
 * put forward past it: then `moments[0]` is when that happens. Returns how many. */
int zone_moments(const struct zone *zone, int64_t local_us, int64_t moments[2]);

#endif
