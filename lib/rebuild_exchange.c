/*
 * The exchange: in one step the last notes are settled, the triggers go, and the copy takes the
 * index's place in sqlite_master by its root page.
 */
#include "rebuild_inside.h"

enum { EXCHANGE_PATIENCE = 500 /* steps */ };

struct exchange {
    struct settle *settle;
    bool exchanged; /* in the step that was done last */
    int64_t doubles;
};

/* Of max_lock: all that is left must be settled in this one hold, so it may take longer. */
static const double exchange_stretch = 1.5;

static const char exchange_sql_swap[] =
    "UPDATE sqlite_master SET rootpage = CASE name WHEN ?1 THEN ?2 ELSE ?3 END"
    " WHERE (type = 'index' AND name = ?1 AND rootpage = ?3)"
    " OR (type = 'table' AND name = '" REBUILD_COPY "' AND rootpage = ?2)";
/* The copy itself becomes the index. */
static const char exchange_sql_name[] =
    "UPDATE sqlite_master SET type = 'index', name = ?1, tbl_name = ?4, sql = ?5"
    " WHERE type = 'table' AND name = '" REBUILD_COPY "' AND rootpage = ?2 AND ?3 = 0";

struct exchange_roots {
    uint32_t copy, index;
};

static enum status exchange_update(struct rebuild *rebuild, void *argument, struct error *error)
{
    const struct exchange_roots *roots = argument;
    sqlite3_stmt *statement = NULL;
    bool row;
    enum status status =
        database_prepare(rebuild->database, rebuild->create ? exchange_sql_name : exchange_sql_swap,
                         &statement, error);

    if (status)
        return status;
    sqlite3_bind_text(statement, 1, rebuild->shape.index, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, roots->copy);
    sqlite3_bind_int64(statement, 3, roots->index);
    if (rebuild->create) {
        sqlite3_bind_text(statement, 4, rebuild->shape.table, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 5, rebuild->create, -1, SQLITE_STATIC);
    }
    status = database_step(rebuild->database, statement, &row, error);
    sqlite3_finalize(statement);
    int wanted = rebuild->create ? 1 : 2,
        changes = sqlite3_changes(database_sql(rebuild->database));
    if (status == STATUS_OK && changes != wanted)
        return error_set(error, STATUS_FAILED,
                         "the schema's entry of %s is not as it was; nothing was exchanged",
                         rebuild->shape.index);
    return status;
}

/* Where auto_vacuum is on, each DROP may move another root page, so they come first. */
static enum status exchange_now(struct rebuild *rebuild, struct error *error)
{
    struct exchange_roots roots = {0};
    enum status status;

    if ((status = rebuild_uninstall(rebuild, error)) ||
        (status = rebuild_find_root(rebuild, REBUILD_COPY, &roots.copy, error)) ||
        (status = rebuild_find_root(rebuild, rebuild->shape.index, &roots.index, error)))
        return status;
    return rebuild_write_schema(rebuild, exchange_update, &roots, error);
}

static enum status exchange_violated(struct rebuild *rebuild, struct error *error)
{
    return error_set(error, STATUS_REFUSED,
                     "rows of %s have the same key of the unique index %s, so it was not built",
                     rebuild->shape.table, rebuild->shape.index);
}

static enum status exchange_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct exchange *exchange = argument;
    double stretch_ms = exchange_stretch * rebuild->limits->max_lock_ms;
    int64_t left = 0;
    enum status status =
        settle_some(exchange->settle, stretch_ms, &left, &exchange->doubles, error);

    exchange->exchanged = false;
    if (status || left > 0)
        return status;
    if (exchange->doubles > 0)
        return exchange_violated(rebuild, error);
    settle_close(exchange->settle); /* an open statement would forbid the DROPs */
    exchange->settle = NULL;
    if ((status = exchange_now(rebuild, error)) == STATUS_OK)
        exchange->exchanged = true;
    return status;
}

/* A step that was rolled back has taken the imposters with it, and the statements on them. */
static enum status exchange_prepare(struct rebuild *rebuild, struct exchange *exchange,
                                    struct error *error)
{
    enum status status;

    if (exchange->settle)
        return STATUS_OK;
    if ((status = rebuild_imposters(rebuild, error)))
        return status;
    return settle_open(rebuild, true, &exchange->settle, error);
}

/* Where it does not come to an end, either the rows of a new unique index violate it, too many to
 * be looked at in one step, or the application is too fast. */
static enum status exchange_give_up(struct rebuild *rebuild, struct error *error)
{
    enum status status = rebuild->create ? rebuild_twins(rebuild, error) : STATUS_OK;

    return status ? status : rebuild_too_fast(rebuild, error);
}

enum status rebuild_exchange(struct rebuild *rebuild, struct error *error)
{
    struct exchange exchange = {0};
    int patience = EXCHANGE_PATIENCE;
    bool done = false;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !(done && exchange.exchanged)) {
        exchange.exchanged = false;
        if ((status = exchange_prepare(rebuild, &exchange, error)) == STATUS_OK)
            status = rebuild_step(rebuild, exchange_work, &exchange, &done, error);
        if (status == STATUS_OK && done && !exchange.exchanged && --patience == 0)
            status = exchange_give_up(rebuild, error);
    }
    settle_close(exchange.settle);
    rebuild_imposters_end(rebuild);
    rebuild->result->exchanged = status == STATUS_OK;
    if (status == STATUS_OK)
        rebuild->schema = 0; /* whatever comes, the index is the new one */
    return status;
}
