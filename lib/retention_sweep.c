/*
 * Sweeps old rows away from the old end of an index. Before each DELETE a look ahead finds the time
 * that is so many rows further on; the DELETE takes all between that passes
 * the SQL function litekeeper_old(), which is timestamp_read() against the cut-off. So the DELETE
 * itself judges every row, and garbage in between stays. Of one time that more rows have than a
 * statement should take, it takes some at once.
 */
#include "retention_sweep.h"

#include "clock.h"

#include <math.h>
#include <string.h>

enum { SWEEP_FIRST = 64, SWEEP_LEAST = 1, SWEEP_MOST = 4096 };

static const double sweep_share = 0.1; /* of max_lock: what one statement should take */

enum sweep_mode {
    SWEEP_RANGE, /* from <= time < to */
    SWEEP_SAME,  /* some of those whose time is `from` */
    SWEEP_REST   /* from <= time, and it is less than a statement should take */
};

/* Where the sweep stands; a step that is rolled back returns to where it began. */
struct sweep_position {
    sqlite3_value *from; /* NULL: nothing is left */
    bool beyond;         /* all of the time `from` is dealt with */
    int64_t removed;
};

struct sweep {
    struct engine *engine;
    const struct retention_facts *facts;
    sqlite3_stmt *first, *ahead, *next, *range, *same, *rest;
    struct sweep_position at;
    int64_t rows; /* that a statement should take */
};

static bool sweep_is_old(const struct retention_facts *facts, sqlite3_value *time)
{
    int64_t us;

    return timestamp_read(&facts->rules, time, &us) && us < facts->cutoff_us;
}

static void sweep_old(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context, sweep_is_old(sqlite3_user_data(context), values[0]));
}

bool sweep_possible(const struct retention_facts *facts)
{
    return facts->by_age && facts->most < 0 && facts->ties == 0 && !facts->table.triggers &&
           !facts->holds && referrers_none(facts->referrers);
}

/* Appends "verb FROM table INDEXED BY index WHERE time ". */
static void sweep_from(const struct table *table, const char *verb, struct text *sql)
{
    text_addf(sql, "%s FROM ", verb);
    text_add_identifier(sql, table->name);
    if (table->index) {
        text_add(sql, " INDEXED BY ");
        text_add_identifier(sql, table->index);
    }
    text_add(sql, " WHERE ");
}

static void sweep_before(const struct sweep *sweep, struct text *sql)
{
    struct text low = {0}, high = {0};

    timestamp_range(sweep->facts->rules.format, sweep->facts->cutoff_us, &low, &high);
    text_add_identifier(sql, sweep->facts->table.column);
    text_addf(sql, " < %s", high.bytes);
    text_free(&low);
    text_free(&high);
}

/* The statements, from a template: %T is the time column, %R the condition on it for all that may
 * go, %< its upper end alone. Of two lower ends SQLite takes any to begin from, and if that is not
 * ours it reads again whatever stayed before. */
static enum status sweep_prepare_one(struct sweep *sweep, const char *verb, const char *template,
                                     sqlite3_stmt **statement, struct error *error)
{
    const struct table *table = &sweep->facts->table;
    struct text sql = {0};

    sweep_from(table, verb, &sql);
    for (const char *at = template; *at; at++) {
        if (*at != '%')
            text_add_length(&sql, at, 1);
        else if (*++at == 'T')
            text_add_identifier(&sql, table->column);
        else if (*at == '<')
            sweep_before(sweep, &sql);
        else
            retention_between(sweep->facts, sweep->facts->cutoff_us, &sql);
    }
    enum status status = database_prepare(sweep->engine->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

static enum status sweep_prepare_same(struct sweep *sweep, struct error *error)
{
    const struct table *table = &sweep->facts->table;
    struct text verb = {0};

    text_add(&verb, "DELETE FROM ");
    text_add_identifier(&verb, table->name);
    text_add(&verb, " WHERE litekeeper_old(");
    text_add_identifier(&verb, table->column);
    text_add(&verb, ") AND (");
    table_key_columns(&table->key, "", &verb);
    text_add(&verb, ") IN (SELECT ");
    table_key_columns(&table->key, "", &verb);
    enum status status =
        sweep_prepare_one(sweep, verb.bytes, "%T = ?1 AND litekeeper_old(%T) LIMIT ?2)",
                          &sweep->same, error);
    text_free(&verb);
    return status;
}

static enum status sweep_prepare(struct sweep *sweep, struct error *error)
{
    struct text select = {0};
    enum status status;

    text_add(&select, "SELECT ");
    text_add_identifier(&select, sweep->facts->table.column);
    if ((status = sweep_prepare_one(sweep, select.bytes, "%R ORDER BY %T LIMIT 1", &sweep->first,
                                    error)) == STATUS_OK &&
        (status =
             sweep_prepare_one(sweep, select.bytes, "%< AND %T >= ?1 ORDER BY %T LIMIT 1 OFFSET ?2",
                               &sweep->ahead, error)) == STATUS_OK &&
        (status = sweep_prepare_one(sweep, select.bytes, "%< AND %T > ?1 ORDER BY %T LIMIT 1",
                                    &sweep->next, error)) == STATUS_OK &&
        (status = sweep_prepare_one(sweep, "DELETE", "%T >= ?1 AND %T < ?2 AND litekeeper_old(%T)",
                                    &sweep->range, error)) == STATUS_OK &&
        (status = sweep_prepare_one(sweep, "DELETE", "%< AND %T >= ?1 AND litekeeper_old(%T)",
                                    &sweep->rest, error)) == STATUS_OK)
        status = sweep_prepare_same(sweep, error);
    text_free(&select);
    return status;
}

/* The first time that the query gives, a copy; NULL if none. */
static enum status sweep_time(struct sweep *sweep, sqlite3_stmt *query, sqlite3_value **time,
                              struct error *error)
{
    bool row = false;
    enum status status = database_step(sweep->engine->database, query, &row, error);

    *time = status == STATUS_OK && row ? sqlite3_value_dup(sqlite3_column_value(query, 0)) : NULL;
    sqlite3_reset(query);
    return status;
}

static void sweep_move(struct sweep *sweep, sqlite3_value *from)
{
    sqlite3_value_free(sweep->at.from);
    sweep->at.from = from;
    sweep->at.beyond = false;
}

static bool sweep_equal(sqlite3_value *a, sqlite3_value *b)
{
    int length = sqlite3_value_bytes(a); /* numbers as text, which is exact enough for "same" */

    return length == sqlite3_value_bytes(b) &&
           memcmp(sqlite3_value_text(a), sqlite3_value_text(b), (size_t)length) == 0;
}

/* What the next statement should take; `*to` is the end of a range. */
static enum status sweep_look_ahead(struct sweep *sweep, enum sweep_mode *mode, sqlite3_value **to,
                                    struct error *error)
{
    enum status status;

    if (sweep->at.beyond) {
        sqlite3_value *next;
        sqlite3_bind_value(sweep->next, 1, sweep->at.from);
        if ((status = sweep_time(sweep, sweep->next, &next, error)))
            return status;
        sweep_move(sweep, next);
        if (!next)
            return STATUS_OK;
    }
    sqlite3_bind_value(sweep->ahead, 1, sweep->at.from);
    sqlite3_bind_int64(sweep->ahead, 2, sweep->rows);
    status = sweep_time(sweep, sweep->ahead, to, error);
    *mode = !*to ? SWEEP_REST : sweep_equal(sweep->at.from, *to) ? SWEEP_SAME : SWEEP_RANGE;
    return status;
}

static enum status sweep_delete(struct sweep *sweep, enum sweep_mode mode, sqlite3_value *to,
                                int *changes, struct error *error)
{
    sqlite3_stmt *const statements[] = {
        [SWEEP_RANGE] = sweep->range, [SWEEP_SAME] = sweep->same, [SWEEP_REST] = sweep->rest};
    sqlite3_stmt *statement = statements[mode];
    bool row;

    sqlite3_bind_value(statement, 1, sweep->at.from);
    if (mode == SWEEP_RANGE)
        sqlite3_bind_value(statement, 2, to);
    else if (mode == SWEEP_SAME)
        sqlite3_bind_int64(statement, 2, sweep->rows);
    enum status status = database_step(sweep->engine->database, statement, &row, error);
    *changes = sqlite3_changes(database_sql(sweep->engine->database));
    sqlite3_reset(statement);
    return status;
}

/* The next statement takes as many rows as its share of max_lock is worth. */
static void sweep_adapt(struct sweep *sweep, double took_ms)
{
    double wanted =
        sweep_share * (double)units_span_us(&sweep->engine->job->database->limits.max_lock) / 1e3;
    double factor = took_ms > 0 ? wanted / took_ms : 2;
    int64_t rows = (int64_t)((double)sweep->rows * fmin(fmax(factor, 0.25), 2));

    sweep->rows = rows < SWEEP_LEAST ? SWEEP_LEAST : rows > SWEEP_MOST ? SWEEP_MOST : rows;
}

/* One look ahead and one DELETE. Where many rows have one value that is no old time, a DELETE would
 * read all of them for nothing, which can take longer than any hold may. */
static enum status sweep_some(struct sweep *sweep, struct error *error)
{
    double begin = clock_monotonic_ms();
    sqlite3_value *to = NULL;
    enum sweep_mode mode;
    int changes = 0;

    enum status status = sweep_look_ahead(sweep, &mode, &to, error);
    if (status || !sweep->at.from)
        return status;
    if (mode == SWEEP_SAME && !sweep_is_old(sweep->facts, sweep->at.from)) {
        sqlite3_value_free(to);
        sweep->at.beyond = true;
        return STATUS_OK;
    }
    if ((status = sweep_delete(sweep, mode, to, &changes, error))) {
        sqlite3_value_free(to);
        return status;
    }
    sweep->at.removed += changes;
    if (mode != SWEEP_SAME)
        sweep_move(sweep, to);
    else
        sqlite3_value_free(to);
    sweep->at.beyond = mode == SWEEP_SAME && changes < sweep->rows;
    if (mode != SWEEP_REST)
        sweep_adapt(sweep, clock_monotonic_ms() - begin);
    return STATUS_OK;
}

static struct sweep_position sweep_remember(const struct sweep *sweep)
{
    return (struct sweep_position){sqlite3_value_dup(sweep->at.from), sweep->at.beyond,
                                   sweep->at.removed};
}

/* One hold; `*done` if it was committed. */
static enum status sweep_hold(struct sweep *sweep, bool *done, struct error *error)
{
    struct lease *lease = sweep->engine->lease;
    enum status status = lease_begin(lease, error);

    if (status)
        return status;
    do
        status = sweep_some(sweep, error);
    while (status == STATUS_OK && !lease_spent(lease) && sweep->at.from);
    if (status)
        return lease_failed(lease, status, sweep->rows > SWEEP_LEAST, error);
    status = lease_end(lease, error);
    *done = status == STATUS_OK;
    return status == STATUS_BUSY ? STATUS_OK : status; /* readers kept it from happening */
}

/* What was rolled back is next again, in smaller statements. */
static enum status sweep_step(struct sweep *sweep, struct error *error)
{
    struct sweep_position before = sweep_remember(sweep);
    bool done = false;
    enum status status = sweep_hold(sweep, &done, error);

    if (done) {
        sqlite3_value_free(before.from);
        return STATUS_OK;
    }
    sweep->rows = sweep->rows / 4 + 1;
    sqlite3_value_free(sweep->at.from);
    sweep->at = before;
    return status;
}

static void sweep_free(struct sweep *sweep)
{
    sqlite3_value_free(sweep->at.from);
    sqlite3_finalize(sweep->first);
    sqlite3_finalize(sweep->ahead);
    sqlite3_finalize(sweep->next);
    sqlite3_finalize(sweep->range);
    sqlite3_finalize(sweep->same);
    sqlite3_finalize(sweep->rest);
}

enum status retention_sweep(struct engine *engine, const struct retention_facts *facts,
                            int64_t *removed, struct error *error)
{
    struct sweep sweep = {.engine = engine, .facts = facts, .rows = SWEEP_FIRST};
    sqlite3_value *from = NULL;

    sqlite3_create_function_v2(database_sql(engine->database), "litekeeper_old", 1,
                               SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                               (void *)(uintptr_t)facts, sweep_old, NULL, NULL, NULL);
    enum status status = sweep_prepare(&sweep, error);
    if (status == STATUS_OK)
        status = sweep_time(&sweep, sweep.first, &from, error);
    if (status == STATUS_OK)
        sweep_move(&sweep, from);
    while (status == STATUS_OK && sweep.at.from) {
        status = sweep_step(&sweep, error);
        engine_progress(engine, sweep.at.removed, facts->old);
    }
    *removed = sweep.at.removed;
    sweep_free(&sweep);
    return status;
}
