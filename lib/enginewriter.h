/*
 * Which SQLite the application writes with. The header names the library that has written page 1
 * last (fileformat2.html#the_database_header, bytes 96 to 99), and once that was ours, it tells
 * nothing of the application's. So the history keeps whom it named before.
 */
#ifndef ENGINEWRITER_H
#define ENGINEWRITER_H

#include "engine_host.h"
#include "identity.h"

#include <stdbool.h>
#include <stdint.h>

/* Whom to believe in where the header names ours; 0: nobody. It is forgotten after 30 days in
 * which the header named nobody else: then the application may well use the same version. */
int enginewriter_known(const struct engine_writer *remembered, const struct identity *seen,
                       int64_t now_us);

/* Whether what the header names is to be remembered: it is not ours, and it has the WAL-reset bug,
 * or another version than this one is `known`. Not more often than once a week. */
bool enginewriter_news(const struct engine_writer *remembered, int known, int header, int ours,
                       int64_t now_us);

#endif
