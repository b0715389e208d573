/*
 * Statements that are one hold, stopped with nothing changed where they would outlast the window.
 * What builds an index sorts all entries into a temporary file first, and then fills the index.
 * Runs in a worker, as the file's owner, in the file's folder.
 */
#include "engine_whole.h"

#include "clock.h"
#include "text.h"

#include <math.h>
#include <sys/statvfs.h>

enum {
    WHOLE_SPACE = 4, /* times what is sorted: that, the log or journal, and as much again */
    WHOLE_SPARE = 16 << 20
};

static enum status whole_allow(struct engine *engine, struct error *error)
{
    database_temp(engine_temp(engine));
    return database_exec(engine->database, "PRAGMA temp_store=FILE", error);
}

static void whole_forbid(struct engine *engine)
{
    struct error ignored;

    (void)!database_exec(engine->database, "PRAGMA temp_store=MEMORY", &ignored);
    database_temp(NULL);
}

static enum status whole_space(const struct engine_whole *whole, struct error *error)
{
    struct statvfs about;
    char wanted[TEXT_SHORT], there[TEXT_SHORT];
    int64_t needed = whole->bytes * WHOLE_SPACE + WHOLE_SPARE;

    if (!whole->bytes || statvfs(".", &about) < 0)
        return STATUS_OK; /* a full disk is noticed when it is full: the statement is undone */
    int64_t free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    if (free_bytes >= needed)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "%s are free on its disk, and %s may need %s",
                     text_bytes(there, free_bytes), whole->what, text_bytes(wanted, needed));
}

enum status engine_whole(struct engine *engine, const struct engine_whole *whole,
                         struct error *error)
{
    double left = engine_window_left(engine);
    enum status status;

    if ((status = whole_space(whole, error)) == STATUS_OK &&
        (status = whole_allow(engine, error)) == STATUS_OK) {
        lease_whole_until(engine->lease, whole->windowed && isfinite(left)
                                             ? clock_monotonic_ms() + left * 1e3
                                             : 0);
        status = lease_hold_whole(engine->lease, whole->sql, error);
    }
    whole_forbid(engine);
    return status;
}
