/*
 * The way of a rebuild, from the first look to the last page: learn the index, install the notes,
 * copy, settle, compare, exchange, check, drop. Whatever fails before the exchange leaves the old
 * index as it is, and all of ours is taken away again.
 */
#include "rebuild_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

static const double rebuild_lease_s = 60;

static struct rebuild rebuild_begin(struct database *database, struct lease *lease,
                                    const struct rebuild_limits *limits,
                                    struct rebuild_result *result)
{
    *result = (struct rebuild_result){0};
    return (struct rebuild){.database = database,
                            .lease = lease,
                            .limits = limits,
                            .result = result,
                            .lease_s = limits->lease_s > 0 ? limits->lease_s : rebuild_lease_s,
                            .batch = REBUILD_BATCH};
}

static enum status rebuild_version(struct rebuild *rebuild, struct error *error)
{
    int64_t wide = 0;
    enum status status =
        database_integer(rebuild->database, "PRAGMA schema_version", 0, &rebuild->schema, error);

    if (status == STATUS_OK)
        status =
            database_integer(rebuild->database, "SELECT encoding <> 'UTF-8' FROM pragma_encoding",
                             0, &wide, error);
    rebuild->wide = wide;
    return status;
}

/* A way is a list of such. */
typedef enum status rebuild_stage(struct rebuild *rebuild, struct error *error);

static enum status rebuild_stages(struct rebuild *rebuild, rebuild_stage *const *stages,
                                  struct error *error)
{
    enum status status = STATUS_OK;

    while (status == STATUS_OK && *stages) {
        rebuild_progress(rebuild, rebuild->result->entries, rebuild->index_entries);
        status = (*stages++)(rebuild, error);
    }
    return status;
}

static rebuild_stage *const rebuild_again[] = {
    rebuild_install, rebuild_check_order, rebuild_make_room, rebuild_copy, rebuild_settle,
    rebuild_compare, rebuild_exchange,    rebuild_check,     NULL};

static rebuild_stage *const rebuild_anew[] = {rebuild_install, rebuild_fill,
                                              rebuild_settle,  rebuild_twins,
                                              rebuild_compare, rebuild_exchange,
                                              rebuild_check,   NULL};

static enum status rebuild_space(struct rebuild *rebuild, struct error *error)
{
    return rebuild_check_space(rebuild, rebuild->index_pages, error);
}

static rebuild_stage *const rebuild_look[] = {rebuild_measure, rebuild_space, NULL};

/* The reason of a failure goes before whatever happens while cleaning up. */
static enum status rebuild_end(struct rebuild *rebuild, enum status status, struct error *error)
{
    struct error ignored = {0};

    if (rebuild->installed) {
        rebuild_imposters_end(rebuild);
        enum status dropped = rebuild_drop(rebuild, status ? &ignored : error);
        status = status ? status : dropped;
    }
    shape_free(&rebuild->shape);
    free(rebuild->create);
    return status;
}

enum status rebuild_index(struct database *database, struct lease *lease, const char *index,
                          const struct rebuild_limits *limits, struct rebuild_result *result,
                          struct error *error)
{
    struct rebuild rebuild = rebuild_begin(database, lease, limits, result);
    enum status status;

    if ((status = rebuild_imposter_possible(error)) ||
        (status = rebuild_version(&rebuild, error)) ||
        (status = shape_load(database, database_sql(database), index, &rebuild.shape, error)))
        return status;
    if ((status = rebuild_stages(&rebuild, rebuild_look, error)) == STATUS_OK)
        status = rebuild_stages(&rebuild, rebuild_again, error);
    return rebuild_end(&rebuild, status, error);
}

enum status rebuild_create(struct database *database, struct lease *lease, const char *sql,
                           const struct rebuild_limits *limits, struct rebuild_result *result,
                           struct error *error)
{
    struct rebuild rebuild = rebuild_begin(database, lease, limits, result);
    enum status status;

    if ((status = rebuild_imposter_possible(error)) == STATUS_OK &&
        (status = rebuild_version(&rebuild, error)) == STATUS_OK &&
        (status = rebuild_catalog(&rebuild, sql, error)) == STATUS_OK)
        status = rebuild_stages(&rebuild, rebuild_anew, error);
    return rebuild_end(&rebuild, status, error);
}

enum status rebuild_possible(struct database *database, const char *index, struct error *error)
{
    struct shape shape;
    enum status status = rebuild_imposter_possible(error);

    if (status == STATUS_OK)
        status = shape_load(database, database_sql(database), index, &shape, error);
    if (status == STATUS_OK)
        shape_free(&shape);
    return status;
}

enum status rebuild_create_possible(struct database *database, const char *sql, struct error *error)
{
    const struct rebuild_limits limits = {0};
    struct rebuild_result result;
    struct rebuild rebuild = rebuild_begin(database, NULL, &limits, &result);
    enum status status = rebuild_imposter_possible(error);

    if (status == STATUS_OK)
        status = rebuild_catalog(&rebuild, sql, error);
    return rebuild_end(&rebuild, status, error);
}

enum status rebuild_retire_possible(struct database *database, const char *index,
                                    struct error *error)
{
    const struct rebuild_limits limits = {0};
    struct rebuild_result result;
    struct rebuild rebuild = rebuild_begin(database, NULL, &limits, &result);
    enum status status = rebuild_imposter_possible(error);

    if (status == STATUS_OK)
        status = rebuild_retire_learn(&rebuild, index, error);
    return rebuild_end(&rebuild, status, error);
}

enum status rebuild_retire(struct database *database, struct lease *lease, const char *index,
                           const struct rebuild_limits *limits, struct rebuild_result *result,
                           struct error *error)
{
    struct rebuild rebuild = rebuild_begin(database, lease, limits, result);
    enum status status;

    if ((status = rebuild_imposter_possible(error)) == STATUS_OK &&
        (status = rebuild_version(&rebuild, error)) == STATUS_OK)
        status = rebuild_retire_stage(&rebuild, index, error);
    return rebuild_end(&rebuild, status, error);
}

/* --- leftovers ---------------------------------------------------------------------------- */

enum status rebuild_leftovers(struct database *database, bool *found, struct error *error)
{
    int64_t count = 0;
    enum status status =
        database_integer(database,
                         "SELECT count(*) FROM sqlite_master WHERE name IN ('" REBUILD_COPY
                         "', '" REBUILD_NOTES "', '" REBUILD_LEASE "', '" REBUILD_FILLED "')",
                         0, &count, error);

    *found = count > 0;
    return status;
}

enum status rebuild_clean(struct database *database, struct lease *lease,
                          const struct rebuild_limits *limits, struct error *error)
{
    struct rebuild_result result;
    struct rebuild rebuild = rebuild_begin(database, lease, limits, &result);

    return rebuild_drop(&rebuild, error);
}
