/*
 * Listens to a connection that reads all of the file in one snapshot, and ends that before anybody
 * suffers: in WAL mode when the log gets too long, which can't be checkpointed beyond a snapshot;
 * in rollback-journal mode, where a reader keeps writers out, when the policy's window closes.
 */
#include "vacuum_care.h"

#include "clock.h"
#include "walindex.h"

enum {
    LISTEN_LOOK_MS = 100,
    LISTEN_PAGE = 512 /* bytes; fewer are a header */
};

static void listen_end(struct vacuum_listen *listen)
{
    listen->care->enough = true;
    sqlite3_interrupt(database_sql(listen->database));
}

static void listen_look(struct vacuum_listen *listen)
{
    struct vacuum_care *care = listen->care;
    struct walindex index;

    if (!database_facts(listen->database)->wal) {
        care->closed = clock_monotonic_ms() >= care->until_ms;
        if (care->closed)
            listen_end(listen);
        return;
    }
    if (walindex_look(database_sql(listen->database), &index, NULL) != STATUS_OK ||
        index.max_frame <= index.backfilled)
        return;
    care->waits = (int64_t)(index.max_frame - index.backfilled) * index.page_size;
    if (care->waits > care->engine->job->database->limits.max_wal)
        listen_end(listen);
}

static void listen_heard(void *argument, int64_t bytes)
{
    struct vacuum_listen *listen = argument;
    int64_t page_size = database_facts(listen->database)->page_size;
    double now = clock_monotonic_ms();

    if (listen->begun) {
        listen->begun(listen->argument);
        listen->begun = NULL;
    }
    if (bytes >= LISTEN_PAGE)
        listen->bytes += bytes;
    if (!listen->silent)
        engine_progress(listen->care->engine, listen->bytes / page_size,
                        listen->bytes < listen->total ? listen->total / page_size : -1);
    if (listen->harmless || now - listen->care->looked_ms < LISTEN_LOOK_MS)
        return;
    listen->care->looked_ms = now;
    listen_look(listen);
}

void vacuum_listen_open(struct vacuum_listen *listen)
{
    struct vacuum_care *care = listen->care;

    care->enough = care->closed = false;
    care->looked_ms = 0;
    care->until_ms = clock_monotonic_ms() + engine_window_left(care->engine) * 1e3;
    engine_progress_anew(care->engine);
    sqlite3_db_release_memory(database_sql(listen->database)); /* what the disk has is to be read */
    database_deadlines(listen->database, engine_busy_ms(care->engine), 0);
    listen->watch = readwatch_open(database_sql(listen->database), listen_heard, listen);
}

void vacuum_listen_close(struct vacuum_listen *listen)
{
    readwatch_close(listen->watch);
    listen->watch = NULL;
    engine_progress_anew(listen->care->engine);
}

enum status vacuum_listen_ended(const struct vacuum_care *care, const char *what,
                                enum status status, struct error *error)
{
    char waits[TEXT_SHORT], limit[TEXT_SHORT];

    if (!status || status == STATUS_REFUSED || !care->enough) /* it had found something before */
        return status;
    if (care->closed)
        return error_set(error, STATUS_BUSY,
                         "%s ended before it was through: it keeps writers out, and the policy's "
                         "window has closed",
                         what);
    return error_set(error, STATUS_BUSY,
                     "%s ended before it was through: %s of the WAL wait to be checkpointed "
                     "(max_wal %s), and its snapshot keeps them",
                     what, text_bytes(waits, care->waits),
                     text_bytes(limit, care->engine->job->database->limits.max_wal));
}
