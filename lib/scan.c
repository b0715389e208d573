/* A resumable scan over a table, by age or by key. Only reads. */
#include "scan.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/*
 * Its position. By key: the last key, and the next slice begins behind it. By age: the last time
 * value, with the number of rows of this value already passed, which the next slice skips; so any
 * index will do, whatever columns follow in it.
 */
struct scan {
    struct database *database;
    sqlite3_stmt *first, *next;
    bool by_age, begun;
    size_t keys;
    sqlite3_value *position[TABLE_KEY_COLUMNS]; /* by age: the time alone */
    int64_t passed;
};

static void scan_select(const struct table *table, bool by_age, struct text *sql)
{
    text_add(sql, "SELECT ");
    text_add_identifier(sql, table->column);
    text_add(sql, ", ");
    table_key_columns(&table->key, "", sql);
    text_add(sql, " FROM ");
    text_add_identifier(sql, table->name);
    if (by_age && table->index) {
        text_add(sql, " INDEXED BY ");
        text_add_identifier(sql, table->index);
    }
}

static void scan_position(const struct table *table, bool by_age, struct text *sql)
{
    if (by_age) {
        text_add_identifier(sql, table->column);
        text_add(sql, " >= ?1");
        return;
    }
    text_add(sql, "(");
    table_key_columns(&table->key, "", sql);
    text_add(sql, ") > (");
    for (size_t i = 0; i < table->key.count; i++)
        text_addf(sql, "%s?%zu", i ? ", " : "", i + 1);
    text_add(sql, ")");
}

static enum status scan_prepare(struct database *database, const struct table *table,
                                const char *condition, bool by_age, bool from_position,
                                sqlite3_stmt **statement, struct error *error)
{
    struct text sql = {0};

    scan_select(table, by_age, &sql);
    if (condition || from_position)
        text_addf(&sql, " WHERE %s%s", condition ? condition : "",
                  condition && from_position ? " AND " : "");
    if (from_position)
        scan_position(table, by_age, &sql);
    text_add(&sql, " ORDER BY ");
    if (by_age)
        text_add_identifier(&sql, table->column);
    else
        table_key_columns(&table->key, "", &sql);
    if (by_age && from_position)
        text_add(&sql, " LIMIT -1 OFFSET ?2");
    enum status status = database_prepare(database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

enum status scan_open(struct database *database, const struct table *table, const char *condition,
                      bool by_age, struct scan **result, struct error *error)
{
    struct scan *scan = memory_new(struct scan);
    enum status status;

    scan->database = database;
    scan->by_age = by_age;
    scan->keys = by_age ? 1 : table->key.count;
    if ((status = scan_prepare(database, table, condition, by_age, false, &scan->first, error)) ||
        (status = scan_prepare(database, table, condition, by_age, true, &scan->next, error))) {
        scan_close(scan);
        return status;
    }
    *result = scan;
    return STATUS_OK;
}

void scan_close(struct scan *scan)
{
    if (!scan)
        return;
    sqlite3_finalize(scan->first);
    sqlite3_finalize(scan->next);
    for (size_t i = 0; i < scan->keys; i++)
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

static void scan_remember(struct scan *scan, sqlite3_stmt *row)
{
    for (size_t i = 0; i < scan->keys; i++) {
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
    scan_remember(scan, row);
    scan->passed = 1;
}

static sqlite3_stmt *scan_bind(struct scan *scan)
{
    if (!scan->begun)
        return scan->first;
    for (size_t i = 0; i < scan->keys; i++)
        sqlite3_bind_value(scan->next, (int)i + 1, scan->position[i]);
    if (scan->by_age)
        sqlite3_bind_int64(scan->next, 2, scan->passed);
    return scan->next;
}

enum status scan_slice(struct scan *scan, scan_row *each, void *argument, bool *more,
                       struct error *error)
{
    sqlite3_stmt *statement = scan_bind(scan);
    enum status status;
    bool row = false, go_on = true;

    while ((status = database_step(scan->database, statement, &row, error)) == STATUS_OK && row) {
        go_on = each(argument, statement);
        if (scan->by_age)
            scan_count(scan, statement);
        else if (!go_on)
            scan_remember(scan, statement);
        if (!go_on)
            break;
    }
    *more = status == STATUS_OK && row;
    sqlite3_reset(statement);
    return status;
}
