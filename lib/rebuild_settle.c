/*
 * Settles what the triggers noted. A note tells that a row may have changed, and what it was: all
 * that it was goes from the copy, and what it is now, if it is there, comes in. The order of the
 * notes does not matter, and one too many does no harm.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"

#include <stdlib.h>

enum {
    SETTLE_BATCH = 32,    /* notes */
    SETTLE_PATIENCE = 500 /* steps without getting nearer to the end */
};

struct settle {
    struct rebuild *rebuild;
    sqlite3_stmt *horizon;  /* the last note */
    sqlite3_stmt *earliest; /* the first note up to ?1 */
    sqlite3_stmt *stale;    /* the entries that the noted rows ?1 to ?2 had */
    sqlite3_stmt *remove;   /* an entry */
    sqlite3_stmt *rows;     /* which rows these are */
    sqlite3_stmt *refresh;  /* the entry that a row has now */
    sqlite3_stmt *twins;    /* whether another row has its key */
    sqlite3_stmt *again;    /* notes a row */
    sqlite3_stmt *forget;   /* the notes ?1 to ?2 */
};

/* --- statements --------------------------------------------------------------------------- */

/* The noted rows as if they were rows of the table, by its name and those of the rowid. */
static void settle_add_noted(const struct shape *shape, struct text *sql)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};

    text_add(sql, "(SELECT 1");
    for (size_t i = 0; i < shape->noted_count; i++) {
        text_add(sql, ", ");
        text_add_identifier(sql, shape->noted[i].name);
    }
    for (size_t i = 0; shape->rowid && i < sizeof names / sizeof *names; i++) {
        bool hidden = false;
        for (size_t j = 0; j < shape->noted_count; j++)
            hidden = hidden || sqlite3_stricmp(shape->noted[j].name, names[i]) == 0;
        if (!hidden)
            text_addf(sql, ", _litekeeper_id AS %s", names[i]);
    }
    text_add(sql, " FROM " REBUILD_NOTES
                  " WHERE _litekeeper_n BETWEEN ?1 AND ?2 AND _litekeeper_old) AS ");
    text_add_identifier(sql, shape->table);
}

static void settle_add_stale(const struct shape *shape, struct text *sql)
{
    text_add(sql, "SELECT ");
    shape_add_values(shape, sql);
    text_add(sql, " FROM ");
    settle_add_noted(shape, sql);
    text_add(sql, " WHERE 1");
    shape_add_where(shape, sql);
}

static void settle_add_remove(const struct shape *shape, struct text *sql)
{
    text_add(sql, "DELETE FROM " REBUILD_NEW " WHERE ");
    for (size_t i = 0; i < shape->count; i++)
        text_addf(sql, "%sk%zu IS ?%zu", i ? " AND " : "", i + 1, i + 1);
}

/* Byte for byte: what is equal to the notes need not be to the primary key. */
static void settle_add_rows(const struct shape *shape, struct text *sql)
{
    text_add(sql, "SELECT DISTINCT ");
    if (shape->rowid)
        text_add(sql, "_litekeeper_id");
    for (size_t i = 0; !shape->rowid && i < shape->identities; i++)
        text_addf(sql, "%s%s COLLATE BINARY", i ? ", " : "",
                  shape->columns[shape->identity[i].at].sql);
    text_add(sql, " FROM " REBUILD_NOTES " WHERE _litekeeper_n BETWEEN ?1 AND ?2");
}

/* " FROM table WHERE it is the row of ?1 ... AND (condition)". */
static void settle_add_row(const struct shape *shape, struct text *sql)
{
    text_add(sql, " FROM ");
    text_add_identifier(sql, shape->table);
    text_add(sql, " NOT INDEXED WHERE ");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(sql, "%s%s COLLATE %s = ?%zu", i ? " AND " : "",
                  shape->columns[shape->identity[i].at].sql, shape->identity[i].collation, i + 1);
    shape_add_where(shape, sql);
}

static void settle_add_refresh(const struct shape *shape, struct text *sql)
{
    text_add(sql, "INSERT OR REPLACE INTO " REBUILD_NEW " SELECT ");
    shape_add_values(shape, sql);
    settle_add_row(shape, sql);
}

static void settle_add_twins(const struct shape *shape, struct text *sql)
{
    text_add(sql, "SELECT 1 FROM (SELECT ");
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, "%s%s AS k%zu", i ? ", " : "", shape->columns[i].sql, i + 1);
    settle_add_row(shape, sql);
    text_add(sql, ") AS r CROSS JOIN " REBUILD_NEW " AS n WHERE ");
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, "%sn.k%zu = r.k%zu", i ? " AND " : "", i + 1, i + 1);
    text_add(sql, " LIMIT 1 OFFSET 1");
}

static void settle_add_again(const struct shape *shape, struct text *sql)
{
    text_add(sql, "INSERT INTO " REBUILD_NOTES "(_litekeeper_old");
    if (shape->rowid)
        text_add(sql, ", _litekeeper_id");
    for (size_t i = 0; !shape->rowid && i < shape->identities; i++)
        text_addf(sql, ", %s", shape->columns[shape->identity[i].at].sql);
    text_add(sql, ") VALUES(0");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(sql, ", ?%zu", i + 1);
    text_add(sql, ")");
}

static void settle_add_horizon(const struct shape *shape, struct text *sql)
{
    (void)shape;
    text_add(sql, "SELECT coalesce(max(_litekeeper_n), 0) FROM " REBUILD_NOTES);
}

static void settle_add_earliest(const struct shape *shape, struct text *sql)
{
    (void)shape;
    text_add(sql, "SELECT _litekeeper_n FROM " REBUILD_NOTES
                  " WHERE _litekeeper_n <= ?1 ORDER BY _litekeeper_n LIMIT 1");
}

static void settle_add_forget(const struct shape *shape, struct text *sql)
{
    (void)shape;
    text_add(sql, "DELETE FROM " REBUILD_NOTES " WHERE _litekeeper_n BETWEEN ?1 AND ?2");
}

static const struct settle_statement {
    size_t offset;
    void (*add)(const struct shape *shape, struct text *sql);
} settle_statements[] = {
    {offsetof(struct settle, horizon), settle_add_horizon},
    {offsetof(struct settle, earliest), settle_add_earliest},
    {offsetof(struct settle, stale), settle_add_stale},
    {offsetof(struct settle, remove), settle_add_remove},
    {offsetof(struct settle, rows), settle_add_rows},
    {offsetof(struct settle, refresh), settle_add_refresh},
    {offsetof(struct settle, twins), settle_add_twins},
    {offsetof(struct settle, again), settle_add_again},
    {offsetof(struct settle, forget), settle_add_forget},
};

enum { SETTLE_STATEMENTS = sizeof settle_statements / sizeof *settle_statements };

static sqlite3_stmt **settle_at(struct settle *settle, size_t i)
{
    return (sqlite3_stmt **)((char *)settle + settle_statements[i].offset);
}

enum status settle_open(struct rebuild *rebuild, struct settle **result, struct error *error)
{
    struct settle *settle = memory_new(struct settle);
    enum status status = STATUS_OK;

    settle->rebuild = rebuild;
    for (size_t i = 0; status == STATUS_OK && i < SETTLE_STATEMENTS; i++) {
        struct text sql = {0};
        settle_statements[i].add(&rebuild->shape, &sql);
        status = database_prepare(rebuild->database, sql.bytes, settle_at(settle, i), error);
        text_free(&sql);
    }
    if (status)
        settle_close(settle);
    else
        *result = settle;
    return status;
}

void settle_close(struct settle *settle)
{
    for (size_t i = 0; settle && i < SETTLE_STATEMENTS; i++)
        sqlite3_finalize(*settle_at(settle, i));
    free(settle);
}

/* --- settling ----------------------------------------------------------------------------- */

static enum status settle_run(struct settle *settle, sqlite3_stmt *statement, bool *row,
                              struct error *error)
{
    enum status status = database_step(settle->rebuild->database, statement, row, error);

    sqlite3_reset(statement);
    return status;
}

/* Binds the first values of `row` to the parameters from ?1 on. */
static void settle_pass(sqlite3_stmt *row, sqlite3_stmt *statement, size_t count)
{
    for (int i = 0; i < (int)count; i++)
        sqlite3_bind_value(statement, i + 1, sqlite3_column_value(row, i));
}

static enum status settle_remove(struct settle *settle, struct error *error)
{
    enum status status;
    bool row = false, ignored;

    while ((status = database_step(settle->rebuild->database, settle->stale, &row, error)) ==
               STATUS_OK &&
           row) {
        settle_pass(settle->stale, settle->remove, settle->rebuild->shape.count);
        if ((status = settle_run(settle, settle->remove, &ignored, error)))
            break;
    }
    sqlite3_reset(settle->stale);
    return status;
}

/* The row of a new unique index that has the key of another stays noted: it may be that the other
 * is to be settled later, and if not it is found at the end. */
static enum status settle_twins(struct settle *settle, struct error *error)
{
    const struct rebuild *rebuild = settle->rebuild;
    bool twins = false, ignored;
    enum status status;

    if (!rebuild->create || !rebuild->shape.unique)
        return STATUS_OK;
    settle_pass(settle->rows, settle->twins, rebuild->shape.identities);
    if ((status = settle_run(settle, settle->twins, &twins, error)) || !twins)
        return status;
    settle_pass(settle->rows, settle->again, rebuild->shape.identities);
    return settle_run(settle, settle->again, &ignored, error);
}

static enum status settle_refresh(struct settle *settle, bool twins, struct error *error)
{
    struct rebuild *rebuild = settle->rebuild;
    enum status status;
    bool row = false, ignored;

    while ((status = database_step(rebuild->database, settle->rows, &row, error)) == STATUS_OK &&
           row) {
        settle_pass(settle->rows, settle->refresh, rebuild->shape.identities);
        status = twins ? settle_twins(settle, error)
                       : settle_run(settle, settle->refresh, &ignored, error);
        if (status)
            break;
        rebuild->result->settled += !twins;
    }
    sqlite3_reset(settle->rows);
    return status;
}

static enum status settle_batch(struct settle *settle, int64_t first, int64_t last,
                                struct error *error)
{
    sqlite3_stmt *const ranged[] = {settle->stale, settle->rows, settle->forget};
    enum status status;
    bool ignored;

    for (size_t i = 0; i < sizeof ranged / sizeof *ranged; i++) {
        sqlite3_bind_int64(ranged[i], 1, first);
        sqlite3_bind_int64(ranged[i], 2, last);
    }
    if ((status = settle_remove(settle, error)) ||
        (status = settle_refresh(settle, false, error)) ||
        (status = settle_refresh(settle, true, error)))
        return status;
    return settle_run(settle, settle->forget, &ignored, error);
}

static enum status settle_number(struct settle *settle, sqlite3_stmt *statement, int64_t *number,
                                 struct error *error)
{
    bool row = false;
    enum status status = database_step(settle->rebuild->database, statement, &row, error);

    *number = status == STATUS_OK && row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return status;
}

static int64_t settle_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum status settle_some(struct settle *settle, double stretch_ms, int64_t *left, int64_t *doubles,
                        struct error *error)
{
    double end_ms = clock_monotonic_ms() + stretch_ms;
    struct rebuild *rebuild = settle->rebuild;
    int64_t horizon = 0, first = 0, last = 0;
    enum status status = settle_number(settle, settle->horizon, &horizon, error);

    sqlite3_bind_int64(settle->earliest, 1, horizon);
    while (status == STATUS_OK &&
           (status = settle_number(settle, settle->earliest, &first, error)) == STATUS_OK &&
           first) {
        last = first + settle_least(SETTLE_BATCH, rebuild->batch) - 1;
        status = settle_batch(settle, first, settle_least(last, horizon), error);
        if (lease_spent(rebuild->lease) && clock_monotonic_ms() >= end_ms)
            break;
    }
    if (status == STATUS_OK)
        status = settle_number(settle, settle->earliest, &first, error);
    *left = first ? horizon - first + 1 : 0;
    if (status == STATUS_OK)
        status = settle_number(settle, settle->horizon, &last, error);
    *doubles = last > horizon ? last - horizon : 0;
    return status;
}

/* --- till little is left ------------------------------------------------------------------ */

struct settle_progress {
    struct settle *settle;
    int64_t left, doubles;
};

static enum status settle_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct settle_progress *progress = argument;

    (void)rebuild;
    return settle_some(progress->settle, 0, &progress->left, &progress->doubles, error);
}

enum status rebuild_settle(struct rebuild *rebuild, struct error *error)
{
    struct settle_progress progress = {0};
    int64_t least = INT64_MAX;
    int patience = SETTLE_PATIENCE;
    bool done = false;
    enum status status = settle_open(rebuild, &progress.settle, error);

    while (status == STATUS_OK && !(done && progress.left == 0)) {
        status = rebuild_step(rebuild, settle_work, &progress, &done, error);
        if (status == STATUS_OK && done && progress.left < least) {
            least = progress.left;
            patience = SETTLE_PATIENCE;
        } else if (status == STATUS_OK && done && --patience == 0)
            status = error_set(error, STATUS_BUSY,
                               "the application changes the rows of %s faster than litekeeper can "
                               "follow; run it when there is less to do",
                               rebuild->shape.table);
    }
    settle_close(progress.settle);
    return status;
}
