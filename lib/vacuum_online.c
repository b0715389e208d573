/*
 * The online way: checks all of the file, compacts it under the lease (compact.h), checks it again.
 * The pages are edited on a connection of its own, which never queries a table of the
 * application's; what is checked, on another one. Killed, it leaves a sound file: each step is a
 * transaction, and the next run begins anew with what it finds. Runs in a worker.
 */
#include "vacuum.h"

#include "clock.h"
#include "compact.h"
#include "pageedit.h"
#include "pagefile.h"
#include "readwatch.h"
#include "walindex.h"

#include <inttypes.h>

#define ONLINE_GO_BACK "stop the application and go back to your copy of the file"

struct online {
    struct engine *engine;
    struct database *reading; /* the engine's connection till now */
    const struct vacuum_options *options;
    struct compact *compact;
    struct vacuum_check before, after;
    int64_t version; /* of the data, when the first check began */
    bool counted;    /* nobody wrote, so the rows must be as many as before */
    bool checked;    /* afterwards, too */
    double looked_ms;
    int64_t waits; /* bytes of the WAL that wait for a checkpoint */
    bool enough;   /* of them: more than max_wal */
};

enum { ONLINE_LOOK_MS = 100 };

/* --- guards ------------------------------------------------------------------------------- */

/* The header alone, which measuring may read at any time; what takes the whole file comes later. */
enum status vacuum_online_guard(struct engine *engine, struct error *error)
{
    const struct pagefile_pace pace = {.slice_ms = engine_slice_ms(engine)};
    struct pagefile file;
    enum status status;

    if ((status = pageedit_available(error)) ||
        (status = pagefile_open(&file, database_sql(engine->database), &pace, error)))
        return status;
    status = pageedit_refuse(&file.header, error);
    if (status == STATUS_OK && file.header.pages != file.pages)
        status = error_set(error, STATUS_REFUSED,
                           "its header counts %" PRIu32 " pages, and SQLite %" PRIu32
                           ": run the integrity task",
                           file.header.pages, file.pages);
    pagefile_close(&file);
    return status;
}

/* --- the connections ---------------------------------------------------------------------- */

/* The lease goes to the new one, which the engine has from now on. */
static enum status online_connect(struct online *online, struct error *error)
{
    struct engine *engine = online->engine;
    struct database *own = NULL;
    enum status status = database_open(engine->job->file, &engine->job->seen, DATABASE_WRITE,
                                       engine_busy_ms(engine), &engine->job->host, &own, error);

    if (status)
        return status;
    lease_free(engine->lease);
    engine->lease = NULL;
    online->reading = engine->database;
    engine->database = own;
    engine_take_lease(engine);
    return compact_open(engine, online->reading, &online->compact, error);
}

/* Goes up with every commit of others, and not with our own. */
static enum status online_version(struct online *online, int64_t *version, struct error *error)
{
    return database_integer(online->engine->database, "PRAGMA data_version", -1, version, error);
}

/* --- the checks and the WAL --------------------------------------------------------------- */

/* A check reads in one snapshot, beyond which nothing can be checkpointed. */
static void online_heard(void *argument, int64_t bytes)
{
    struct online *online = argument;
    double now = clock_monotonic_ms();
    struct walindex index;

    (void)bytes;
    if (now - online->looked_ms < ONLINE_LOOK_MS || !database_facts(online->reading)->wal)
        return;
    online->looked_ms = now;
    if (walindex_read(database_sql(online->reading), &index, NULL) != STATUS_OK ||
        index.max_frame <= index.backfilled)
        return;
    online->waits = (int64_t)(index.max_frame - index.backfilled) * index.page_size;
    online->enough = online->waits > online->engine->job->database->limits.max_wal;
    if (online->enough)
        sqlite3_interrupt(database_sql(online->reading));
}

static enum status online_check(struct online *online, struct vacuum_check *check, bool audit,
                                struct error *error)
{
    char waits[TEXT_SHORT], limit[TEXT_SHORT];
    struct readwatch *watch = readwatch_open(database_sql(online->reading), online_heard, online);

    database_deadlines(online->reading, engine_busy_ms(online->engine), 0);
    enum status status = vacuum_check(online->engine, online->reading, check, error);
    if (status == STATUS_OK && audit)
        status = compact_audit(online->compact, &online->enough, error);
    readwatch_close(watch);
    if (status && online->enough)
        return error_set(
            error, STATUS_BUSY,
            "the check %s the pages are moved ended before it was through: %s of the WAL wait to "
            "be checkpointed (max_wal %s), and its snapshot keeps them",
            audit ? "before" : "after", text_bytes(waits, online->waits),
            text_bytes(limit, online->engine->job->database->limits.max_wal));
    return status;
}

/* --- before, during, after ---------------------------------------------------------------- */

static enum status online_before(struct online *online, struct error *error)
{
    enum status status = online_version(online, &online->version, error);

    return status ? status : online_check(online, &online->before, true, error);
}

static enum status online_compact(struct online *online, int64_t free_pages, struct error *error)
{
    enum status status = STATUS_OK;

    if (online->options->order)
        status = compact_order(online->compact, NULL, error);
    return status ? status : compact_shrink(online->compact, free_pages, error);
}

/* In rollback-journal mode the check keeps writers out, so it needs the window, too. */
static enum status online_after(struct online *online, struct error *error)
{
    struct engine *engine = online->engine;
    int64_t version = 0;
    enum status status;
    struct error wrong;

    if (!database_facts(engine->database)->wal && engine_window_left(engine) <= 0)
        return STATUS_OK;
    status = online_check(online, &online->after, false, &wrong);
    if (status)
        return error_set(error, status == STATUS_REFUSED ? STATUS_FAILED : status,
                         "after online compaction: %.300s%s", wrong.text,
                         status == STATUS_REFUSED ? "; " ONLINE_GO_BACK : "");
    if ((status = online_version(online, &version, error)))
        return status;
    online->checked = true;
    online->counted = version == online->version;
    if (online->counted && !vacuum_check_same(&online->before, &online->after))
        return error_set(error, STATUS_FAILED,
                         "after online compaction tables have other numbers of rows than before, "
                         "and nobody else has written; " ONLINE_GO_BACK);
    return STATUS_OK;
}

/* A guard that says no in the middle is a doubt about what was done before. */
static enum status online_doubt(const struct online *online, enum status status,
                                struct error *error)
{
    const struct compact_result *result = compact_result(online->compact);

    if (status == STATUS_REFUSED && result->moved + result->swapped + result->given > 0)
        error->status = status = STATUS_FAILED;
    return status;
}

/* --- what is told ------------------------------------------------------------------------- */

static json_t *online_found(const struct online *online)
{
    const struct compact_result *result = compact_result(online->compact);
    json_t *found =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b}", "order", online->options->order,
                  "pages_given", (json_int_t)result->given, "pages_moved",
                  (json_int_t)result->moved, "pages_swapped", (json_int_t)result->swapped,
                  "pages_left", (json_int_t)result->left, "scans", (json_int_t)result->scans,
                  "fragmentation_before", online->before.fragmentation, "checked", online->checked,
                  "rows_compared", online->counted);

    if (online->checked)
        json_object_set_new(found, "fragmentation", json_real(online->after.fragmentation));
    return found;
}

static void online_say(const struct online *online, struct text *said)
{
    if (!online->checked) {
        text_add(said, "; it was not checked afterwards, since the window had closed");
        return;
    }
    text_addf(said, "; fragmentation %.1f%%, before %.1f%%; integrity_check is ok",
              online->after.fragmentation * 100, online->before.fragmentation * 100);
    if (online->counted)
        text_add(said, ", and all tables have as many rows as before");
}

enum status vacuum_online(struct engine *engine, const struct vacuum_options *options,
                          const struct vacuum_facts *facts, json_t **found, struct text *said,
                          struct error *error)
{
    struct online online = {.engine = engine, .options = options};
    enum status status = online_connect(&online, error);

    if (status == STATUS_OK)
        status = online_before(&online, error);
    if (status == STATUS_OK) {
        status = online_compact(&online, facts->free_pages, error);
        lease_settle(engine->lease);
        if (status == STATUS_OK)
            status = online_after(&online, error);
        status = online_doubt(&online, status, error);
        *found = online_found(&online);
        online_say(&online, said);
    }
    compact_close(online.compact);
    vacuum_check_free(&online.before);
    vacuum_check_free(&online.after);
    database_close(online.reading);
    return status;
}
