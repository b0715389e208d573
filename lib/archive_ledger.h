/*
 * The ledger: a table `_litekeeper_archive` in the application's database, there only while rows
 * of it are being archived. It says how many rows of a segment are dealt with, and which of these
 * were not deleted by us; both in the very transactions that delete the others. So whatever is
 * killed, and wherever, this much is known for certain.
 */
#ifndef ARCHIVE_LEDGER_H
#define ARCHIVE_LEDGER_H

#include "task_engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_ledger {
    struct engine *engine;
    const char *segment; /* its file's name; borrowed */
    sqlite3_stmt *keep, *deal;
};

/* What it says of a segment. */
struct archive_ledger_state {
    bool found;
    int64_t dealt; /* rows of the segment, from its first on ... */
    int64_t *kept; /* ... but for these, in order; the caller's to free */
    size_t kept_count;
};

/* Makes the table if it is missing. Takes the lease, as do those below unless they say else. */
enum status archive_ledger_make(struct engine *engine, struct error *error) MUST_CHECK;
/* Enters a segment, with synchronous=FULL. */
enum status archive_ledger_enter(struct archive_ledger *ledger, struct error *error) MUST_CHECK;

/* Within a hold: a row was not deleted by us. */
enum status archive_ledger_keep(struct archive_ledger *ledger, int64_t row,
                                struct error *error) MUST_CHECK;
/* Within a hold: so many rows are dealt with. */
enum status archive_ledger_deal(struct archive_ledger *ledger, int64_t rows,
                                struct error *error) MUST_CHECK;

/* Makes all that was committed before last, by a commit with synchronous=FULL. */
enum status archive_ledger_seal(struct archive_ledger *ledger, struct error *error) MUST_CHECK;
/* Reads what it says; without the lease. */
enum status archive_ledger_read(struct archive_ledger *ledger, struct archive_ledger_state *state,
                                struct error *error) MUST_CHECK;
/* How many segments it knows, of this table and of others. */
enum status archive_ledger_count(struct engine *engine, int64_t *count,
                                 struct error *error) MUST_CHECK;
/* Strikes the segment out, for good; that it isn't there is fine. */
enum status archive_ledger_strike(struct archive_ledger *ledger, struct error *error) MUST_CHECK;
/* Removes the table, unless another segment is in it. */
enum status archive_ledger_drop(struct engine *engine, struct error *error) MUST_CHECK;

void archive_ledger_free(struct archive_ledger *ledger);

#endif
