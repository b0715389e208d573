/*
 * Which SQLite the application writes with. The header names the library that has written page 1
 * last (fileformat2.html#the_database_header, bytes 96 to 99), and once that was ours, it tells
 * nothing of the application's. So the history keeps whom it named before.
 */
#ifndef ENGINEWRITER_H
#define ENGINEWRITER_H

#include "engine_host.h"

#include <stdbool.h>
#include <stdint.h>

/* What is remembered, where it is of this file and younger than 30 days; else nothing. An
 * application that has not let its file grow or shrink for so long, which would name it, may well
 * use the version that litekeeper has. (A device's number need not outlive a restart, so the inode
 * alone is compared: to take another file for this one only makes us careful.) */
struct engine_writer enginewriter_known(const struct engine_writer *remembered, uint64_t inode,
                                        int64_t now_us);

/* Whose version it is that the header names: it, or whom it named before us. `ours` is that of the
 * library we run with; what we ran with when it was remembered is ours as well. */
int enginewriter_believed(const struct engine_writer *known, int header, int ours);

/* Whether what the header names is to be remembered: it has the WAL-reset bug, or is another
 * version than the one that is known. The same one not more often than once a week. */
bool enginewriter_news(const struct engine_writer *known, int header, int ours, int64_t now_us);

#endif
