/*
 * A hold: the lock, what is read anew within it, the work, what it changed, the commit. Where the
 * transaction is rolled back, so is what was noted of it in memory. Runs in a worker.
 */
#include "compact_inside.h"

#include "clock.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOLD_FIRST = 32, /* moves */
    HOLD_LEAST = 2,
    HOLD_BARREN = 30,          /* in a row */
    HOLD_BYTES_MOST = 8 << 20, /* of pages: what SQLite keeps in memory till the commit is 16 MiB */
};

static const double hold_share_least = 0.6, hold_share_most = 0.9; /* of max_lock */

/* --- around it ---------------------------------------------------------------------------- */

static enum status hold_enter(struct compact *compact, struct error *error)
{
    enum status status;

    compact->changed = compact->moved_schema = compact->moved_root = false;
    compact->undo_count = 0;
    compact->before = compact->result;
    if ((status = pageedit_begin(compact->edit, error)))
        return status;
    compact->end = pageedit_header(compact->edit)->pages;
    if ((status = compact_grow(compact, compact->end, error)) ||
        (status = compact_list_load(compact, error)) || compact->known.ahead)
        return status;
    if (compact->live.pages < compact->end)
        pageset_reset(&compact->live, compact->capacity);
    else
        memset(compact->live.bits, 0, compact->live.pages / 8 + 1);
    return schemaroots_load(&compact->roots, compact->edit, error);
}

/* A page that is both a trunk and in a b-tree would be written over. */
static enum status hold_prove_trunks(struct compact *compact, struct error *error)
{
    const struct freepages *list = &compact->free_pages;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < list->used && !status; i++)
        if (list->trunks[i].page && list->trunks[i].changed)
            status = compact_prove_free(compact, list->trunks[i].page, error);
    return status;
}

static enum status hold_store(struct compact *compact, struct error *error)
{
    if (!compact->changed)
        return STATUS_OK;
    enum status status = hold_prove_trunks(compact, error);
    if (status == STATUS_OK)
        status = freepages_store(&compact->free_pages, error);
    return status ? status
                  : pageedit_store(compact->edit, compact->end, compact->moved_root, error);
}

/* The last change first, so that each number gets back what it was before the first. */
static void hold_undo(struct compact *compact)
{
    while (compact->undo_count > 0) {
        const struct compact_undo *undo = &compact->undos[--compact->undo_count];
        *undo->number = undo->before;
    }
    compact->result = compact->before;
}

/* Of this hold. */
static int64_t hold_moves(const struct compact *compact)
{
    const struct compact_result *now = &compact->result, *before = &compact->before;

    return now->moved - before->moved + 2 * (now->swapped - before->swapped) +
           2 * (now->merged - before->merged) + now->given - before->given;
}

bool compact_spent(struct compact *compact)
{
    int64_t trunks = /* which are written at the end */
        (int64_t)compact->free_pages.changed * pageedit_header(compact->edit)->page_size;

    return lease_spent(compact->engine->lease) || hold_moves(compact) >= compact->most ||
           pageedit_bytes(compact->edit) + trunks > HOLD_BYTES_MOST;
}

/* What a move costs shows when its pages are written and committed, at the end of the hold. */
static void hold_size(struct compact *compact)
{
    double share = (clock_monotonic_ms() - compact->begun_ms) / engine_max_lock_ms(compact->engine);

    if (share > hold_share_most)
        compact->most = compact->most * 7 / 10 > HOLD_LEAST ? compact->most * 7 / 10 : HOLD_LEAST;
    else if (share < hold_share_least && hold_moves(compact) >= compact->most)
        compact->most += compact->most / 8 + 1;
}

/* --- the hold ----------------------------------------------------------------------------- */

static enum status hold_work(struct compact *compact, compact_work *work, void *argument,
                             struct error *error)
{
    enum status status = hold_enter(compact, error);

    if (status == STATUS_OK && !compact->known.ahead)
        status = work(compact, argument, error);
    if (status == STATUS_OK)
        status = hold_store(compact, error);
    if (status == STATUS_INVALID) /* of bytes in the file */
        error->status = status = STATUS_FAILED;
    return status;
}

/* Readers, or the time: it is done again. */
static enum status hold_again(struct compact *compact, struct error *error)
{
    if (++compact->barren < HOLD_BARREN)
        return STATUS_OK;
    return error_set(error, STATUS_FAILED,
                     "%d steps in a row came to nothing within max_lock: reading the freelist of "
                     "%" PRIu32
                     " pages or a commit takes that long, or the application's log begins "
                     "anew with each of its commits; raise max_lock",
                     compact->barren, pageedit_header(compact->edit)->free_pages);
}

static enum status hold_commit(struct compact *compact, bool *done, struct error *error)
{
    if (compact->watch && compact->changed)
        journalwatch_commit(compact->watch);
    enum status status = lease_end(compact->engine->lease, error);

    *done = lease_committed(compact->engine->lease);
    compact->result.steps += *done && compact->changed;
    return status == STATUS_BUSY ? STATUS_OK : status;
}

enum status compact_hold(struct compact *compact, compact_work *work, void *argument, bool *done,
                         struct error *error)
{
    enum status status;
    bool in_vain = false;

    *done = false;
    if ((status = compact_list_ahead(compact, error)) ||
        (status = lease_begin(compact->engine->lease, error)))
        return status;
    compact->begun_ms = clock_monotonic_ms();
    status = hold_work(compact, work, argument, error);
    if (status) {
        status = lease_failed(compact->engine->lease, status, true, error);
        in_vain = status == STATUS_OK;
    } else if (compact->known.ahead) {
        lease_leave(compact->engine->lease);
        in_vain = true;
    } else {
        status = hold_commit(compact, done, error);
    }
    hold_size(compact);
    compact_list_ended(compact, *done);
    if (*done)
        compact->barren = 0;
    else
        hold_undo(compact);
    pageedit_end(compact->edit);
    return in_vain ? hold_again(compact, error) : status;
}

/* --- its life ----------------------------------------------------------------------------- */

/* From here on others are watched: first the journal, then what they have committed. */
static enum status open_watch(struct compact *compact, struct error *error)
{
    struct database *database = compact->engine->database;
    enum status status = STATUS_OK;

    if (!database_facts(database)->wal)
        status = journalwatch_open(database_name(database), &compact->watch, error);
    return status ? status
                  : database_integer(database, "PRAGMA data_version", -1, &compact->known.version,
                                     error);
}

enum status compact_open(struct engine *engine, struct database *reading, struct compact **result,
                         struct error *error)
{
    struct compact *compact = memory_new(struct compact);
    enum status status = pageedit_open(engine->database, &compact->edit, error);

    compact->engine = engine;
    compact->most = HOLD_FIRST;
    compact->reading = reading;
    compact->known.ahead = database_facts(engine->database)->wal;
    if (status == STATUS_OK)
        status = open_watch(compact, error);
    if (status)
        compact_close(compact);
    else
        *result = compact;
    return status;
}

void compact_close(struct compact *compact)
{
    if (!compact)
        return;
    pageedit_close(compact->edit);
    journalwatch_close(compact->watch);
    freepages_free(&compact->free_pages);
    schemaroots_free(&compact->roots);
    pagelink_free(&compact->links);
    pageset_free(&compact->live);
    free(compact->hints);
    free(compact->filled);
    free(compact->parents);
    free(compact->order);
    free(compact->rank);
    free(compact->undos);
    free(compact->path);
    free(compact);
}

const struct compact_result *compact_result(const struct compact *compact)
{
    return &compact->result;
}
