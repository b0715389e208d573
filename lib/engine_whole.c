/* Statements that are one hold, however long that is. Runs in a worker, in the file's folder. */
#include "engine_whole.h"

#include "clock.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

enum status engine_whole_allow(struct engine *engine, struct error *error)
{
    const char *temp = engine->job->database->limits.temp;

    sqlite3_temp_directory = memory_copy(temp ? temp : ".");
    return database_exec(engine->database, "PRAGMA temp_store=FILE", error);
}

void engine_whole_forbid(struct engine *engine)
{
    struct error ignored;

    (void)!database_exec(engine->database, "PRAGMA temp_store=MEMORY", &ignored);
    free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
}

enum status engine_whole(struct engine *engine, const char *sql, double seconds, bool *late,
                         struct error *error)
{
    bool windowed = seconds * 1e3 > engine_max_lock_ms(engine);
    double left = engine_window_left(engine);

    *late = windowed && seconds > left;
    if (*late)
        return STATUS_OK;
    lease_whole_until(engine->lease,
                      windowed && isfinite(left) ? clock_monotonic_ms() + left * 1e3 : 0);
    return lease_hold_whole(engine->lease, sql, error);
}
