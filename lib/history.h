/*
 * What litekeeper remembers: every run with its reason and effect, samples, and what the clock's
 * guard needs. A SQLite file in the state folder, opened in a worker of its own, as litekeeper's
 * own user; never an application's database.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "engine_host.h"
#include "error.h"
#include "units.h"

#include <jansson.h>

struct history;

/* Opens FOLDER/history.db, makes the folder (0700) and the file if missing. A newer version's
 * file is refused with STATUS_REFUSED. */
enum status history_open(const char *folder, struct history **history,
                         struct error *error) MUST_CHECK;
void history_close(struct history *history);

/* Remembers an outcome event (event.h), begun at `started_us` for the file at `path`. A sample's
 * effect goes to tables of its own. */
enum status history_record(struct history *history, const json_t *outcome, const char *path,
                           int64_t started_us, struct error *error) MUST_CHECK;

/* Notes the clock as it is now (boot id, wall less boot clock, whether synchronised) and returns
 * what was known before. `sure` is the operator's word that it is right. A time that is neither
 * sure nor synchronised and over 7 days ahead of all that was known is not believed: it must not
 * vouch for itself in the next run. */
enum status history_clock(struct history *history, bool sure, struct engine_memory *memory,
                          struct error *error) MUST_CHECK;

/* Forgets what is older than `keep` (the policy's `history:`). */
enum status history_prune(struct history *history, const struct span *keep, int64_t now_us,
                          struct error *error) MUST_CHECK;

#endif
