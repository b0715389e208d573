/*
 * Rows that follow what they refer to: those that are old are collected by key, some thousand at a
 * time, and for each its rows are read, table by table down the way of the pass. In every table of
 * the way the place is a key, so a slice may end at any row and the next one goes on behind it,
 * whatever was inserted or deleted meanwhile; how many rows refer to one does not matter. Only
 * reads.
 */
#include "retention_passes.h"

#include "clock.h"
#include "memory.h"
#include "referrers_tree.h"
#include "retention_source.h"
#include "rowlist.h"

#include <stdlib.h>
#include <string.h>

enum {
    FOLLOW_BATCH = 4096,    /* old rows that are collected at a time ... */
    FOLLOW_BYTES = 1 << 20, /* ... of so many bytes together */
    FOLLOW_READ = 4096,     /* keys that one statement gives: it may have to sort them */
    FOLLOW_LOOK = 16        /* rows between two looks at the clock */
};

/* A table of the way, and the row at which it stands: what refers to that was read as far as the
 * next table has begun, or all of it. */
struct follow_level {
    struct table_key key;
    int above; /* parameters that name the row above it */
    sqlite3_stmt *first, *next;
    sqlite3_value *place[TABLE_KEY_COLUMNS];
    bool begun;
};

struct follow {
    struct source base;
    struct engine *engine;
    const struct pass *pass;
    struct source *old; /* the rows that are referred to */
    struct rowlist batch;
    int64_t *times; /* of the batch */
    size_t at;      /* in the batch */
    bool more_old;
    struct follow_level levels[PASS_DEPTH];
    sqlite3_stmt *fetch; /* the columns of a row of the last table, by its key */
    source_row *each;    /* of the slice */
    void *argument;
    double until_ms;
    int64_t seen;
    bool stopped; /* the slice is over */
};

/* --- the rows that are referred to -------------------------------------------------------- */

static bool follow_collect_row(void *argument, sqlite3_stmt *row, int first, int64_t time_us)
{
    struct follow *follow = argument;

    follow->times[follow->batch.count] = time_us;
    rowlist_add(&follow->batch, row, first);
    return follow->batch.count < FOLLOW_BATCH && follow->batch.length < FOLLOW_BYTES;
}

static enum status follow_collect(struct follow *follow, struct error *error)
{
    rowlist_clear(&follow->batch);
    follow->at = 0;
    return source_slice(follow->old, follow_collect_row, follow, follow->until_ms,
                        &follow->more_old, error);
}

/* --- down the way ------------------------------------------------------------------------- */

static void follow_remember(struct follow_level *level, sqlite3_stmt *row)
{
    for (size_t i = 0; i < level->key.count; i++) {
        sqlite3_value_free(level->place[i]);
        level->place[i] = sqlite3_value_dup(sqlite3_column_value(row, (int)i));
    }
    level->begun = true;
}

static void follow_bind_place(const struct follow_level *level, int first, sqlite3_stmt *statement)
{
    for (size_t i = 0; i < level->key.count; i++)
        sqlite3_bind_value(statement, first + (int)i, level->place[i]);
}

/* The statement that gives the rows from where the table stands. */
static sqlite3_stmt *follow_begin(struct follow *follow, size_t depth)
{
    const struct follow_level *level = &follow->levels[depth];
    sqlite3_stmt *statement = level->begun ? level->next : level->first;

    if (depth == 0)
        rowlist_bind(&follow->batch, follow->at, 0, level->above, statement);
    else
        follow_bind_place(&follow->levels[depth - 1], 1, statement);
    if (level->begun)
        follow_bind_place(level, level->above + 1, statement);
    return statement;
}

static enum status follow_walk(struct follow *follow, size_t depth, struct error *error);

/* By key alone, since what is sorted must not have all columns. */
static enum status follow_give(struct follow *follow, const struct follow_level *level,
                               struct error *error)
{
    bool row = false;

    follow_bind_place(level, 1, follow->fetch);
    enum status status = database_step(follow->engine->database, follow->fetch, &row, error);
    if (!status && row) {
        follow->base.given++;
        follow->stopped =
            !follow->each(follow->argument, follow->fetch, 0, follow->times[follow->at]);
    }
    sqlite3_reset(follow->fetch);
    return status;
}

/* One of the table's rows: it is what is wanted, or what is wanted refers to it. */
static enum status follow_row(struct follow *follow, size_t depth, sqlite3_stmt *row,
                              struct error *error)
{
    struct follow_level *level = &follow->levels[depth];
    bool look = ++follow->seen % FOLLOW_LOOK == 0;
    enum status status = STATUS_OK;

    follow_remember(level, row);
    if (depth + 1 < follow->pass->depth)
        status = follow_walk(follow, depth + 1, error);
    else
        status = follow_give(follow, level, error);
    follow->stopped = follow->stopped || (look && clock_monotonic_ms() >= follow->until_ms);
    return status;
}

/* Some rows of the table; `*rows` of them. */
static enum status follow_some(struct follow *follow, size_t depth, int *rows, struct error *error)
{
    sqlite3_stmt *statement = follow_begin(follow, depth);
    enum status status = STATUS_OK;
    bool row = true;

    for (*rows = 0; !status && !follow->stopped; ++*rows) {
        status = database_step(follow->engine->database, statement, &row, error);
        if (status || !row)
            break;
        status = follow_row(follow, depth, statement, error);
    }
    sqlite3_reset(statement);
    return status;
}

/* From where the tables stand to the end of what refers to the row above, or of the slice. */
static enum status follow_walk(struct follow *follow, size_t depth, struct error *error)
{
    struct follow_level *level = &follow->levels[depth];
    enum status status = STATUS_OK;
    int rows = FOLLOW_READ;

    if (level->begun && depth + 1 < follow->pass->depth && follow->levels[depth + 1].begun)
        status = follow_walk(follow, depth + 1, error);
    while (!status && !follow->stopped && rows == FOLLOW_READ)
        status = follow_some(follow, depth, &rows, error);
    if (!follow->stopped)
        level->begun = false;
    return status;
}

static enum status follow_slice(struct source *source, source_row *each, void *argument,
                                double until_ms, bool *more, struct error *error)
{
    struct follow *follow = (struct follow *)source;
    enum status status = STATUS_OK;

    follow->each = each;
    follow->argument = argument;
    follow->until_ms = until_ms;
    follow->stopped = false;
    if (follow->at >= follow->batch.count && follow->more_old)
        status = follow_collect(follow, error);
    while (!status && !follow->stopped && follow->at < follow->batch.count) {
        if ((status = follow_walk(follow, 0, error)) || follow->stopped)
            break;
        follow->at++;
        follow->stopped = clock_monotonic_ms() >= until_ms;
    }
    *more = !status && (follow->at < follow->batch.count || follow->more_old);
    return status;
}

/* --- its statements ----------------------------------------------------------------------- */

/* The row above, of which there is one or none any more: the old row must still have its time, and
 * nothing must keep it. */
static void follow_add_above(const struct follow *follow, size_t depth, struct text *sql)
{
    const struct retention_facts *root = follow->pass->root;

    text_add(sql, " WHERE ");
    if (depth > 0) {
        table_key_equals(&follow->levels[depth - 1].key, "p.", 1, sql);
        return;
    }
    text_add(sql, "p.");
    text_add_identifier(sql, root->table.column);
    text_add(sql, " IS ?1 AND ");
    table_key_equals(&root->table.key, "p.", 2, sql);
    referrers_unblocked(root->referrers, "p", sql);
}

/* Parents' columns stand first, so that their affinity and collation count, as SQLite has it. */
static void follow_add_reference(const struct referrer *item, struct text *sql)
{
    for (size_t i = 0; i < item->columns.count; i++) {
        text_add(sql, " AND p.");
        text_add_identifier(sql, item->parent_columns.columns[i]);
        text_add(sql, " = c.");
        text_add_identifier(sql, item->columns.columns[i]);
    }
}

/* "SELECT c.key FROM above AS p CROSS JOIN table AS c ...", behind the place if `behind`.
 */
static void follow_select(const struct follow *follow, size_t depth, const char *index, bool behind,
                          struct text *sql)
{
    const struct pass *pass = follow->pass;
    const struct follow_level *level = &follow->levels[depth];
    const struct table_key *key = &level->key;

    text_add(sql, "SELECT ");
    table_key_columns(key, "c.", sql);
    text_add(sql, " FROM ");
    text_add_identifier(sql, depth ? pass->way[depth - 1]->table : pass->root->table.name);
    text_add(sql, " AS p CROSS JOIN ");
    text_add_identifier(sql, pass->way[depth]->table);
    text_add(sql, " AS c");
    if (index) {
        text_add(sql, " INDEXED BY ");
        text_add_identifier(sql, index);
    }
    follow_add_above(follow, depth, sql);
    follow_add_reference(pass->way[depth], sql);
    if (behind) {
        text_add(sql, " AND (");
        table_key_columns(key, "c.", sql);
        for (size_t i = 0; i < key->count; i++)
            text_addf(sql, "%s?%zu", i ? ", " : ") > (", (size_t)level->above + 1 + i);
        text_add(sql, ")");
    }
    text_add(sql, " ORDER BY ");
    table_key_columns(key, "c.", sql);
    text_addf(sql, " LIMIT %d", FOLLOW_READ);
}

/* By the index, which SQLite's planner may think little of; where it can't serve, as SQLite likes.
 */
static enum status follow_prepare(struct follow *follow, size_t depth, const char *index,
                                  bool behind, sqlite3_stmt **statement, struct error *error)
{
    struct text sql = {0};

    follow_select(follow, depth, index, behind, &sql);
    enum status status = database_prepare(follow->engine->database, sql.bytes, statement, error);
    text_free(&sql);
    return status && index ? follow_prepare(follow, depth, NULL, behind, statement, error) : status;
}

static enum status follow_prepare_fetch(struct follow *follow, const char *columns,
                                        struct error *error)
{
    const struct follow_level *last = &follow->levels[follow->pass->depth - 1];
    struct text sql = {0};

    text_addf(&sql, "SELECT %s FROM ", columns);
    text_add_identifier(&sql, follow->pass->facts.table.name);
    text_add(&sql, " WHERE ");
    table_key_equals(&last->key, "", 1, &sql);
    enum status status =
        database_prepare(follow->engine->database, sql.bytes, &follow->fetch, error);
    text_free(&sql);
    return status;
}

static enum status follow_prepare_level(struct follow *follow, size_t depth, struct error *error)
{
    const struct pass *pass = follow->pass;
    const struct referrer *item = pass->way[depth];
    struct follow_level *level = &follow->levels[depth];
    struct table table = {0};
    enum status status =
        table_load(follow->engine->database, item->table, item->columns.columns[0], &table, error);

    if (status)
        return status;
    const char *index = item->columns.count == 1 ? table.index : NULL;
    level->above =
        depth ? (int)follow->levels[depth - 1].key.count : 1 + (int)pass->root->table.key.count;
    level->key = table.key;
    table.key = (struct table_key){0};
    status = follow_prepare(follow, depth, index, false, &level->first, error);
    if (!status)
        status = follow_prepare(follow, depth, index, true, &level->next, error);
    table_free(&table);
    return status;
}

static void follow_close(struct source *source)
{
    struct follow *follow = (struct follow *)source;

    for (size_t depth = 0; depth < follow->pass->depth; depth++) {
        struct follow_level *level = &follow->levels[depth];
        sqlite3_finalize(level->first);
        sqlite3_finalize(level->next);
        for (size_t i = 0; i < level->key.count; i++)
            sqlite3_value_free(level->place[i]);
        table_key_free(&level->key);
    }
    sqlite3_finalize(follow->fetch);
    source_close(follow->old);
    rowlist_free(&follow->batch);
    free(follow->times);
    free(follow);
}

static const struct source_kind follow_kind = {follow_slice, follow_close};

enum status source_by_reference(struct engine *engine, const struct pass *pass, int partition,
                                const char *columns, struct source **source, struct error *error)
{
    struct follow *follow = memory_new(struct follow);

    follow->base.kind = &follow_kind;
    follow->engine = engine;
    follow->pass = pass;
    follow->more_old = true;
    follow->times = memory_zeroed(FOLLOW_BATCH, sizeof *follow->times);
    enum status status = source_by_age(engine, pass->root, partition, NULL, &follow->old, error);
    for (size_t depth = 0; !status && depth < pass->depth; depth++)
        status = follow_prepare_level(follow, depth, error);
    if (!status)
        status = follow_prepare_fetch(follow, columns, error);
    if (status)
        source_close(&follow->base);
    else
        *source = &follow->base;
    return status;
}
