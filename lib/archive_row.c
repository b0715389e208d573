/* Rows as lines of JSON, and which columns a table's rows have. Only reads the schema. */
#include "archive_row.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Column 3 says what it is: 0 an ordinary one, 2 and 3 a generated one. */
static const char row_sql_columns[] =
    "SELECT name, type, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";

static bool row_is_utf8(const char *name)
{
    for (const unsigned char *at = (const unsigned char *)name; *at;) {
        size_t sequence = text_sequence(at);
        if (!sequence)
            return false;
        at += sequence;
    }
    return true;
}

enum status archive_columns_add(struct archive_columns *columns, const char *name, const char *type,
                                struct error *error)
{
    struct text json = {0};

    if (!row_is_utf8(name))
        return error_set(error, STATUS_REFUSED,
                         "a column has a name that is not UTF-8, which no archive can hold");
    text_add(&json, columns->count ? "," : "{");
    archive_value_write_text(name, strlen(name), &json);
    text_add(&json, ":");
    columns->list = memory_resize(columns->list, columns->count + 1, sizeof *columns->list);
    columns->list[columns->count++] = (struct archive_column){.name = memory_copy(name),
                                                              .type = memory_copy(type ? type : ""),
                                                              .json = json.bytes,
                                                              .json_length = json.length};
    return STATUS_OK;
}

static enum status row_add_columns(struct database *database, const char *table,
                                   struct archive_columns *columns, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = database_prepare(database, row_sql_columns, &statement, error);

    if (status == STATUS_OK)
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    while (status == STATUS_OK &&
           (status = database_step(database, statement, &row, error)) == STATUS_OK && row) {
        status = archive_columns_add(columns, (const char *)sqlite3_column_text(statement, 0),
                                     (const char *)sqlite3_column_text(statement, 1), error);
        if (status == STATUS_OK)
            columns->list[columns->count - 1].generated = sqlite3_column_int(statement, 2) > 1;
    }
    sqlite3_finalize(statement);
    return status;
}

bool archive_columns_find(const struct archive_columns *columns, const char *name, size_t *found)
{
    for (size_t i = 0; name && i < columns->count; i++)
        if (strcasecmp(columns->list[i].name, name) == 0) {
            *found = i;
            return true;
        }
    return false;
}

/* The rowid by a name of its own is the first column; where it is also a column's, that will do. */
static bool row_hides_rowid(const struct archive_columns *columns, const struct table *table)
{
    size_t found;

    return !table->integer && !archive_columns_find(columns, table->key.columns[0], &found);
}

static enum status row_place(const struct table *table, struct archive_columns *columns,
                             struct error *error)
{
    columns->key_count = table->key.count;
    for (size_t i = 0; i < table->key.count; i++)
        if (!archive_columns_find(columns, table->key.columns[i], &columns->key[i]) &&
            !archive_columns_find(columns, table->integer, &columns->key[i]))
            return error_set(error, STATUS_FAILED, "%s has no column %s", table->name,
                             table->key.columns[i]);
    if (!archive_columns_find(columns, table->column, &columns->time))
        return error_set(error, STATUS_FAILED, "%s has no column %s", table->name, table->column);
    return STATUS_OK;
}

enum status archive_columns_load(struct database *database, const struct table *table,
                                 struct archive_columns *columns, struct error *error)
{
    struct archive_columns found = {0}, plain = {0};
    enum status status = row_add_columns(database, table->name, &plain, error);

    if (status == STATUS_OK && row_hides_rowid(&plain, table) &&
        (status = archive_columns_add(&found, table->key.columns[0], "INTEGER", error)) ==
            STATUS_OK)
        found.list[0].hidden = true;
    if (status == STATUS_OK)
        status = row_add_columns(database, table->name, &found, error);
    if (status == STATUS_OK)
        status = row_place(table, &found, error);
    archive_columns_free(&plain);
    if (status)
        archive_columns_free(&found);
    else
        *columns = found;
    return status;
}

void archive_columns_free(struct archive_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->list[i].name);
        free(columns->list[i].type);
        free(columns->list[i].json);
    }
    free(columns->list);
    *columns = (struct archive_columns){0};
}

bool archive_columns_same(const struct archive_columns *one, const struct archive_columns *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->list[i].name, other->list[i].name) != 0)
            return false;
    return true;
}

void archive_columns_sql(const struct archive_columns *columns, struct text *sql)
{
    for (size_t i = 0; i < columns->count; i++) {
        text_add(sql, i ? ", " : "");
        text_add_identifier(sql, columns->list[i].name);
    }
}

void archive_row_init(const struct archive_columns *columns, struct archive_row *row)
{
    *row = (struct archive_row){.count = columns->count};
    row->values = memory_zeroed(columns->count, sizeof *row->values);
    for (size_t i = 0; i < row->count; i++)
        row->values[i].type = SQLITE_NULL;
}

static void row_clear(struct archive_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        archive_value_free(&row->values[i]);
    json_decref(row->json);
    row->json = NULL;
}

void archive_row_free(struct archive_row *row)
{
    row_clear(row);
    free(row->values);
    text_free(&row->bytes);
    *row = (struct archive_row){0};
}

void archive_row_of(sqlite3_stmt *statement, int first, struct archive_row *row)
{
    row_clear(row);
    for (size_t i = 0; i < row->count; i++)
        archive_value_of(statement, first + (int)i, &row->values[i]);
}

void archive_row_write(const struct archive_columns *columns, const struct archive_row *row,
                       struct text *line)
{
    for (size_t i = 0; i < columns->count; i++) {
        text_add_length(line, columns->list[i].json, columns->list[i].json_length);
        archive_value_write(&row->values[i], line);
    }
    text_add_length(line, "}\n", 2);
}

enum status archive_row_parse(const struct archive_columns *columns, const char *line,
                              size_t length, struct archive_row *row, struct error *error)
{
    enum status status = STATUS_OK;
    json_error_t problem;

    row_clear(row);
    row->json = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
    if (!row->json)
        return error_set(error, STATUS_INVALID, "a line is no JSON: %s", problem.text);
    if (json_object_size(row->json) != columns->count)
        return error_set(error, STATUS_INVALID, "a line has not %zu values", columns->count);
    for (size_t i = 0; !status && i < columns->count; i++) {
        const json_t *value = json_object_get(row->json, columns->list[i].name);
        status = value ? archive_value_parse(value, &row->values[i], error)
                       : error_set(error, STATUS_INVALID, "a line has no value of %s",
                                   columns->list[i].name);
    }
    return status;
}

enum status archive_row_read(const struct archive_columns *columns, const char *line, size_t length,
                             struct archive_row *row, struct error *error)
{
    row_clear(row);
    return archive_line_parse(columns, line, length, row)
               ? STATUS_OK
               : archive_row_parse(columns, line, length, row, error);
}

bool archive_row_same(const struct archive_row *one, const struct archive_row *other)
{
    bool same = one->count == other->count;

    for (size_t i = 0; same && i < one->count; i++)
        same = archive_value_same(&one->values[i], &other->values[i]);
    return same;
}

void archive_row_digest(const struct archive_row *row, struct digest *digest)
{
    for (size_t i = 0; i < row->count; i++)
        archive_value_digest(&row->values[i], digest);
}
