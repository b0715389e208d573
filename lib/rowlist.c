/* Rows' values, packed: a byte for the type, then 8 bytes of number, or a length and the bytes. */
#include "rowlist.h"

#include "archive_value.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static void rowlist_put(struct rowlist *list, const void *bytes, size_t length)
{
    if (list->length + length > list->capacity) {
        list->capacity = (list->length + length) * 2;
        list->bytes = memory_resize(list->bytes, list->capacity, 1);
    }
    if (length)
        memcpy(list->bytes + list->length, bytes, length);
    list->length += length;
}

void rowlist_add_value(struct rowlist *list, const struct archive_value *value)
{
    uint8_t type = (uint8_t)value->type;
    int length = (int)value->length; /* SQLite has no longer ones */

    rowlist_put(list, &type, sizeof type);
    if (type == SQLITE_INTEGER) {
        rowlist_put(list, &value->integer, sizeof value->integer);
    } else if (type == SQLITE_FLOAT) {
        rowlist_put(list, &value->real, sizeof value->real);
    } else if (type != SQLITE_NULL) {
        rowlist_put(list, &length, sizeof length);
        rowlist_put(list, value->bytes, value->length);
    }
}

void rowlist_begin(struct rowlist *list)
{
    if (list->count == list->start_capacity) {
        list->start_capacity = list->start_capacity ? list->start_capacity * 2 : 1024;
        list->starts = memory_resize(list->starts, list->start_capacity, sizeof *list->starts);
    }
    list->starts[list->count++] = list->length;
}

/* Text is never asked for in another encoding than the list's, which would change it. */
static void rowlist_value_of(const struct rowlist *list, sqlite3_stmt *row, int column,
                             struct archive_value *value)
{
    if (!list->wide || sqlite3_column_type(row, column) != SQLITE_TEXT) {
        archive_value_of(row, column, value);
        return;
    }
    *value = (struct archive_value){.type = SQLITE_TEXT};
    value->bytes = sqlite3_column_text16(row, column);
    value->length = (size_t)sqlite3_column_bytes16(row, column);
}

void rowlist_add(struct rowlist *list, sqlite3_stmt *row, int columns)
{
    struct archive_value value;

    rowlist_begin(list);
    for (int i = 0; i < columns; i++) {
        rowlist_value_of(list, row, i, &value);
        rowlist_add_value(list, &value);
    }
}

/* Reads the value at `at`; returns where the next one begins. */
static const uint8_t *rowlist_value(const uint8_t *at, struct archive_value *value)
{
    int length;

    *value = (struct archive_value){.type = *at++};
    if (value->type == SQLITE_NULL)
        return at;
    if (value->type == SQLITE_INTEGER || value->type == SQLITE_FLOAT) {
        memcpy(&value->integer, at, sizeof value->integer);
        memcpy(&value->real, at, sizeof value->real);
        return at + sizeof value->integer;
    }
    memcpy(&length, at, sizeof length);
    at += sizeof length;
    value->bytes = (const char *)at;
    value->length = (size_t)length;
    return at + length;
}

bool rowlist_same(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement)
{
    const uint8_t *at = list->bytes + list->starts[row];
    struct archive_value ours = {0}, theirs = {0};
    bool same = true;

    for (int i = 0; same && i < from + columns; i++) {
        at = rowlist_value(at, &ours);
        if (i < from)
            continue;
        rowlist_value_of(list, statement, i - from, &theirs);
        same = archive_value_same(&ours, &theirs);
    }
    return same;
}

bool rowlist_same_at(const struct rowlist *list, size_t row, int from, size_t column,
                     sqlite3_stmt *statement)
{
    const uint8_t *at = list->bytes + list->starts[row];
    struct archive_value ours = {0}, theirs = {0};

    for (int i = 0; i <= from + (int)column; i++)
        at = rowlist_value(at, &ours);
    rowlist_value_of(list, statement, (int)column, &theirs);
    return archive_value_same(&ours, &theirs);
}

void rowlist_value_at(const struct rowlist *list, size_t row, int column,
                      struct archive_value *value)
{
    const uint8_t *at = list->bytes + list->starts[row];

    for (int i = 0; i <= column; i++)
        at = rowlist_value(at, value);
}

/* Binds a value to the parameter. */
static void rowlist_bind_value(const struct archive_value *value, bool wide,
                               sqlite3_stmt *statement, int parameter)
{
    int length = (int)value->length;

    if (value->type == SQLITE_NULL)
        sqlite3_bind_null(statement, parameter);
    else if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(statement, parameter, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(statement, parameter, value->real);
    else if (value->type == SQLITE_TEXT && wide)
        sqlite3_bind_text16(statement, parameter, value->bytes, length, SQLITE_STATIC);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text(statement, parameter, value->bytes, length, SQLITE_STATIC);
    else
        sqlite3_bind_blob(statement, parameter, value->bytes, length, SQLITE_STATIC);
}

void rowlist_bind(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement)
{
    const uint8_t *at = list->bytes + list->starts[row];
    struct archive_value value;

    for (int i = 0; i < from + columns; i++) {
        at = rowlist_value(at, &value);
        if (i >= from)
            rowlist_bind_value(&value, list->wide, statement, i - from + 1);
    }
}

void rowlist_give(const struct rowlist *list, size_t row, int column, sqlite3_context *context)
{
    const uint8_t *at = list->bytes + list->starts[row];
    struct archive_value value = {0};

    for (int i = 0; i <= column; i++)
        at = rowlist_value(at, &value);
    int length = (int)value.length;
    if (value.type == SQLITE_INTEGER)
        sqlite3_result_int64(context, value.integer);
    else if (value.type == SQLITE_FLOAT)
        sqlite3_result_double(context, value.real);
    else if (value.type == SQLITE_TEXT && list->wide)
        sqlite3_result_text16(context, value.bytes, length, SQLITE_TRANSIENT);
    else if (value.type == SQLITE_TEXT)
        sqlite3_result_text(context, value.bytes, length, SQLITE_STATIC);
    else if (value.type == SQLITE_BLOB)
        sqlite3_result_blob(context, value.bytes, length, SQLITE_STATIC);
}

void rowlist_clear(struct rowlist *list)
{
    list->length = list->count = 0;
}

void rowlist_free(struct rowlist *list)
{
    free(list->bytes);
    free(list->starts);
    *list = (struct rowlist){0};
}
