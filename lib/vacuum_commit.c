/*
 * Whether a step can be as short as max_lock says: it ends in a commit, which takes what the disk
 * takes for it, however little there is in it. So before any page is edited a few commits are made
 * as any application makes them: user_version is set to what it is.
 */
#include "vacuum_care.h"

#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    COMMIT_PROBES = 5, /* the fastest counts */
    COMMIT_TRIES = 30  /* where readers are in the way */
};

static enum status commit_one(struct engine *engine, bool *done, struct error *error)
{
    int64_t version = 0;
    enum status status = lease_begin(engine->lease, error);

    *done = false;
    if (status)
        return status;
    status = database_integer(engine->database, "PRAGMA main.user_version", 0, &version, error);
    char *sql = memory_format("PRAGMA main.user_version = %" PRId64, version);
    if (status == STATUS_OK)
        status = database_exec(engine->database, sql, error);
    free(sql);
    if (status)
        return lease_failed(engine->lease, status, true, error);
    status = lease_end(engine->lease, error);
    *done = status == STATUS_OK;
    return status == STATUS_BUSY ? STATUS_OK : status;
}

/* Of the fastest one: what was slow by chance is no reason. */
static enum status commit_judge(struct engine *engine, struct error *error)
{
    double commit_ms = lease_least_commit(engine->lease), most_ms = engine_max_lock_ms(engine);

    if (2 * commit_ms <= most_ms)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "a commit takes %.1f ms here, and a step that moves pages ends in one: set "
                     "max_lock, which is %.0f ms, to at least twice that, or take mode: full",
                     commit_ms, most_ms);
}

enum status vacuum_commit_probe(struct engine *engine, struct error *error)
{
    enum status status = STATUS_OK;
    int made = 0;

    for (int i = 0; i < COMMIT_TRIES && made < COMMIT_PROBES && !status; i++) {
        bool done;
        status = commit_one(engine, &done, error);
        made += done;
    }
    if (status == STATUS_OK && made < COMMIT_PROBES)
        return error_set(error, STATUS_BUSY,
                         "%d commits that change nothing came to nothing within max_lock (%.0f ms)",
                         COMMIT_TRIES, engine_max_lock_ms(engine));
    return status ? status : commit_judge(engine, error);
}
