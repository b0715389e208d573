/*
 * What others have done since the last hold: whether they had a journal, and what is free now.
 *
 * Within each hold the freelist is known to be what the file has. Where nobody has committed, it is
 * what our last commit has made of it. In WAL mode the wal-index tells which pages were written
 * since, and only such trunks are read again. Where the log has begun anew the list is read whole:
 * at first, and if it takes too long for a hold, in a snapshot ahead of it. With a rollback journal
 * nothing tells, and all trunks are read in each hold. Runs in a worker.
 */
#include "compact_inside.h"

#include "clock.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { LIST_SLOW = 10 /* in a row */ };

static const double list_load_most = 0.7; /* of max_lock */

/* --- others ------------------------------------------------------------------------------- */

/* The file's header tells WAL mode, which others may have turned to meanwhile
 * (fileformat2.html#the_database_header, 18 and 19). */
static enum status list_without_journal(struct compact *compact, struct error *error)
{
    const unsigned char *first = NULL;
    enum status status = pageedit_read(compact->edit, 1, &first, error);

    if (status)
        return status;
    if (first[18] == 2)
        return error_set(error, STATUS_BUSY,
                         "the application has changed the journal mode to WAL meanwhile");
    return error_set(error, STATUS_REFUSED,
                     "somebody has committed without a journal beside the file, as with "
                     "journal_mode=OFF or MEMORY, so that the file is damaged when he is killed in "
                     "a commit: have the application use another mode");
}

/* `others` have committed since the last hold. They must have had a journal. */
static enum status list_others(struct compact *compact, bool others, struct error *error)
{
    if (!compact->watch)
        return STATUS_OK;
    bool used = journalwatch_used(compact->watch);
    return others && !used ? list_without_journal(compact, error) : STATUS_OK;
}

/* PRAGMA data_version goes up with each commit of another connection; SQLite keeps its own copies
 * of pages by it. So where it stands still, the list is what our last commit has made of it. */
static enum status list_version(struct compact *compact, bool *same, struct error *error)
{
    const struct fileheader *header = pageedit_header(compact->edit);
    struct compact_known *known = &compact->known;
    int64_t version = 0;
    enum status status =
        database_integer(compact->engine->database, "PRAGMA data_version", -1, &version, error);

    *same = known->list && version == known->version &&
            compact->free_pages.head == header->freelist &&
            compact->free_pages.total == header->free_pages;
    if (status == STATUS_OK)
        status = list_others(compact, version != known->version, error);
    known->version = version;
    return status;
}

/* --- by the wal-index --------------------------------------------------------------------- */

static bool list_index(struct compact *compact, struct walindex *index)
{
    struct database *database = compact->engine->database;

    return database_facts(database)->wal &&
           walindex_read(database_sql(database), index, NULL) == STATUS_OK;
}

static void list_doubt(void *free_pages, uint32_t page)
{
    freepages_doubt(free_pages, page);
}

/* Doubts what has been written since; false where that can't be told. The log's salts are others
 * when it has begun anew; then what was written to the former one before that is not known. */
static bool list_follow(struct compact *compact, const struct walindex *now)
{
    const struct compact_known *known = &compact->known;
    struct error ignored;

    return known->marked && memcmp(now->salts, known->mark.salts, sizeof now->salts) == 0 &&
           now->max_frame >= known->mark.max_frame &&
           walindex_written(database_sql(compact->engine->database), now, known->mark.max_frame,
                            list_doubt, &compact->free_pages, &ignored) == STATUS_OK;
}

/* --- reading ------------------------------------------------------------------------------ */

static double list_most_ms(const struct compact *compact)
{
    return engine_max_lock_ms(compact->engine) * list_load_most;
}

/* A long list takes long to be read. Beside others who write all the time that is every hold. */
static enum status list_slow(struct compact *compact, double ms, struct error *error)
{
    compact->known.slow = ms > list_most_ms(compact) ? compact->known.slow + 1 : 0;
    if (compact->known.slow < LIST_SLOW)
        return STATUS_OK;
    return error_set(error, STATUS_FAILED,
                     "reading the freelist of %" PRIu32 " pages takes %.0f ms of each step, and "
                     "max_lock is %.0f ms: raise max_lock, or take mode: full",
                     compact->free_pages.total, ms, engine_max_lock_ms(compact->engine));
}

/* Of this hold's moment the list is known. */
static void list_mark(struct compact_known *known, bool wal, const struct walindex *now)
{
    known->marked = wal;
    if (wal)
        known->mark = *now;
}

/* Leaves what is known and not doubted. */
static void list_prepare(struct compact *compact, bool wal, const struct walindex *now)
{
    struct compact_known *known = &compact->known;

    if (!known->list)
        freepages_forget(&compact->free_pages);
    else if (!wal)
        freepages_doubt_all(&compact->free_pages);
    else if (!list_follow(compact, now)) {
        freepages_forget(&compact->free_pages);
        known->ahead = known->whole_ms > list_most_ms(compact);
    }
}

enum status compact_list_load(struct compact *compact, struct error *error)
{
    struct compact_known *known = &compact->known;
    double begun_ms = clock_monotonic_ms();
    struct walindex now;
    bool same = false, wal = list_index(compact, &now);
    enum status status = list_version(compact, &same, error);

    if (status)
        return status;
    if (same) {
        known->slow = 0;
        list_mark(known, wal, &now);
        return STATUS_OK;
    }
    list_prepare(compact, wal, &now);
    known->list = false;
    if (known->ahead)
        return STATUS_OK;
    if ((status = freepages_load(&compact->free_pages, compact->edit, error)))
        return status;
    list_mark(known, wal, &now);
    return list_slow(compact, clock_monotonic_ms() - begun_ms, error);
}

/* The mark stays what it was before the commit: ours is behind it, as are those of others. */
void compact_list_ended(struct compact *compact, bool committed)
{
    compact->known.list = committed;
    compact->known.ahead = !committed && database_facts(compact->engine->database)->wal;
}

/* What is committed while this is read is behind the mark. */
enum status compact_list_ahead(struct compact *compact, struct error *error)
{
    struct compact_known *known = &compact->known;
    struct database *database = compact->engine->database;
    double begun_ms = clock_monotonic_ms();
    enum status status = STATUS_OK;

    if (!known->ahead)
        return STATUS_OK;
    assert(sqlite3_txn_state(database_sql(database), "main") == SQLITE_TXN_NONE);
    known->ahead = known->list = false;
    known->marked = list_index(compact, &known->mark);
    freepages_forget(&compact->free_pages);
    if (!known->marked || (status = database_exec(database, "BEGIN", error)))
        return status;
    if ((status = pageedit_begin(compact->edit, error)) == STATUS_OK)
        status = freepages_load(&compact->free_pages, compact->edit, error);
    sqlite3_exec(database_sql(database), "ROLLBACK", NULL, NULL, NULL);
    pageedit_end(compact->edit);
    known->list = status == STATUS_OK;
    known->whole_ms = clock_monotonic_ms() - begun_ms;
    if (status == STATUS_INVALID) /* of bytes in the file */
        error->status = status = STATUS_FAILED;
    return status;
}
