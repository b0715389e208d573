/* A resumable scan over a table, by age or by key. Only reads. */
#include "scan.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/*
 * Its position. By key: the last key, and the next slice begins behind it. By age: the last time
 * value, and where the index has its rows of one time in the order of their keys the last key, too;
 * else the number of rows of this value already passed, which the next slice skips; so any index
 * will do, whatever columns follow in it.
 */
struct scan {
    struct database *database;
    const char *columns; /* further ones; NULL once all is prepared, or if there are none */
    sqlite3_stmt *first, *same, *next; /* `same`: the rest of the last time's rows, or NULL */
    bool by_age, counts;               /* it `counts` the rows passed */
    bool begun, ended;
    size_t values;
    sqlite3_value *position[1 + TABLE_KEY_COLUMNS];
    int64_t passed;
};

static void scan_select(const struct scan *scan, const struct table *table, struct text *sql)
{
    text_add(sql, "SELECT ");
    text_add_identifier(sql, table->column);
    text_add(sql, ", ");
    table_key_columns(&table->key, "", sql);
    if (scan->columns) {
        text_add(sql, ", ");
        text_add(sql, scan->columns);
    }
    text_add(sql, " FROM ");
    text_add_identifier(sql, table->name);
    if (scan->by_age && table->index) {
        text_add(sql, " INDEXED BY ");
        text_add_identifier(sql, table->index);
    }
}

/* What a scan goes by: "time", "time, key" or "key". */
static void scan_columns(const struct scan *scan, const struct table *table, struct text *sql)
{
    if (scan->by_age)
        text_add_identifier(sql, table->column);
    if (scan->by_age && !scan->counts)
        text_add(sql, ", ");
    if (!scan->by_age || !scan->counts)
        table_key_columns(&table->key, "", sql);
}

/* Behind the last key, behind the last time, or from the last time on. */
static void scan_behind(const struct scan *scan, const struct table *table, struct text *sql)
{
    if (scan->by_age) {
        text_add_identifier(sql, table->column);
        text_add(sql, scan->counts ? " >= ?1" : " > ?1");
        return;
    }
    text_add(sql, "(");
    table_key_columns(&table->key, "", sql);
    text_add(sql, ") > (");
    for (size_t i = 0; i < scan->values; i++)
        text_addf(sql, "%s?%zu", i ? ", " : "", i + 1);
    text_add(sql, ")");
}

/* The rows of the last time that are behind the last key. */
static enum status scan_prepare_same(struct scan *scan, const struct table *table,
                                     struct error *error)
{
    struct text sql = {0};

    scan_select(scan, table, &sql);
    text_add(&sql, " WHERE ");
    text_add_identifier(&sql, table->column);
    text_add(&sql, " = ?1 AND ");
    table_key_columns(&table->key, "", &sql);
    text_add(&sql, " > ?2 ORDER BY ");
    table_key_columns(&table->key, "", &sql);
    enum status status = database_prepare(scan->database, sql.bytes, &scan->same, error);
    text_free(&sql);
    return status;
}

/* From the beginning, which is `from` where there is a range, or from the position on. Never with
 * both conditions: SQLite would begin at any of them, and read again all that is behind us. */
static enum status scan_prepare(struct scan *scan, const struct table *table,
                                const struct scan_range *range, bool from_position,
                                sqlite3_stmt **statement, struct error *error)
{
    struct text sql = {0};

    scan_select(scan, table, &sql);
    if (range || from_position)
        text_add(&sql, " WHERE ");
    if (from_position)
        scan_behind(scan, table, &sql);
    else if (range) {
        text_add_identifier(&sql, table->column);
        text_addf(&sql, range->from ? " >= %s" : " NOT NULL", range->from);
    }
    if (range && range->before) {
        text_add(&sql, " AND ");
        text_add_identifier(&sql, table->column);
        text_addf(&sql, " < %s", range->before);
    }
    text_add(&sql, " ORDER BY ");
    scan_columns(scan, table, &sql);
    if (from_position && scan->counts)
        text_add(&sql, " LIMIT -1 OFFSET ?2");
    enum status status = database_prepare(scan->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

enum status scan_open(struct database *database, const struct table *table,
                      const struct scan_range *range, struct scan **scan, struct error *error)
{
    return scan_open_columns(database, table, range, NULL, scan, error);
}

enum status scan_open_columns(struct database *database, const struct table *table,
                              const struct scan_range *range, const char *columns,
                              struct scan **result, struct error *error)
{
    struct scan *scan = memory_new(struct scan);
    enum status status;

    scan->database = database;
    scan->columns = columns;
    scan->by_age = range != NULL;
    scan->counts = range && !table->index_by_key;
    scan->values = (scan->by_age ? 1 : 0) + (scan->counts ? 0 : table->key.count);
    status = scan_prepare(scan, table, range, false, &scan->first, error);
    if (status == STATUS_OK && range && !scan->counts)
        status = scan_prepare_same(scan, table, error);
    if (status == STATUS_OK)
        status = scan_prepare(scan, table, range, true, &scan->next, error);
    scan->columns = NULL;
    if (status)
        scan_close(scan);
    else
        *result = scan;
    return status;
}

void scan_close(struct scan *scan)
{
    if (!scan)
        return;
    sqlite3_finalize(scan->first);
    sqlite3_finalize(scan->same);
    sqlite3_finalize(scan->next);
    for (size_t i = 0; i < scan->values; i++)
        sqlite3_value_free(scan->position[i]);
    free(scan);
}

/* Bytes for bytes: collations play no part in where the scan stands. */
static bool scan_same(sqlite3_value *a, sqlite3_value *b)
{
    int type = a ? sqlite3_value_type(a) : SQLITE_NULL;

    if (!b || sqlite3_value_type(b) != type)
        return false;
    if (type == SQLITE_INTEGER)
        return sqlite3_value_int64(a) == sqlite3_value_int64(b);
    if (type == SQLITE_FLOAT)
        return !(sqlite3_value_double(a) < sqlite3_value_double(b)) &&
               !(sqlite3_value_double(a) > sqlite3_value_double(b));
    int length = sqlite3_value_bytes(a);
    return length == sqlite3_value_bytes(b) &&
           (!length || memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b), (size_t)length) == 0);
}

bool scan_at_position(const struct scan *scan, sqlite3_value *value)
{
    return scan->by_age && scan->begun && scan_same(scan->position[0], value);
}

void scan_forget(struct scan *scan, int64_t deleted_at_position)
{
    scan->passed -= deleted_at_position;
    if (scan->passed < 0)
        scan->passed = 0;
}

static void scan_remember(struct scan *scan, sqlite3_stmt *row, size_t values)
{
    for (size_t i = 0; i < values; i++) {
        sqlite3_value_free(scan->position[i]);
        scan->position[i] = sqlite3_value_dup(sqlite3_column_value(row, (int)i + !scan->by_age));
    }
    scan->begun = true;
}

/* By age, the time of each row must be known to count how many of the last one were passed. It
 * is copied only when it changes. */
static void scan_count(struct scan *scan, sqlite3_stmt *row)
{
    if (scan_at_position(scan, sqlite3_column_value(row, 0))) {
        scan->passed++;
        return;
    }
    scan_remember(scan, row, 1);
    scan->passed = 1;
}

static void scan_bind(struct scan *scan, sqlite3_stmt *statement)
{
    int count = sqlite3_bind_parameter_count(statement);

    for (int i = 0; i < count && i < (int)scan->values; i++)
        sqlite3_bind_value(statement, i + 1, scan->position[i]);
    if (scan->counts)
        sqlite3_bind_int64(statement, 2, scan->passed);
}

/* Reads what the statement gives until `each` has enough: then there may be `*more`. */
static enum status scan_read(struct scan *scan, sqlite3_stmt *statement, scan_row *each,
                             void *argument, bool *more, struct error *error)
{
    enum status status = STATUS_OK;
    bool row = false;

    if (scan->begun)
        scan_bind(scan, statement);
    while (!*more &&
           (status = database_step(scan->database, statement, &row, error)) == STATUS_OK && row) {
        *more = !each(argument, statement);
        if (scan->by_age)
            scan_count(scan, statement);
        if (*more && !scan->counts)
            scan_remember(scan, statement, scan->values);
    }
    sqlite3_reset(statement);
    return status;
}

enum status scan_slice(struct scan *scan, scan_row *each, void *argument, bool *more,
                       struct error *error)
{
    bool begun = scan->begun;
    enum status status = STATUS_OK;

    *more = false;
    if (scan->ended)
        return STATUS_OK;
    if (!begun)
        status = scan_read(scan, scan->first, each, argument, more, error);
    else if (scan->same)
        status = scan_read(scan, scan->same, each, argument, more, error);
    if (status == STATUS_OK && begun && !*more)
        status = scan_read(scan, scan->next, each, argument, more, error);
    scan->ended = status != STATUS_OK || !*more;
    *more = *more && status == STATUS_OK;
    return status;
}
