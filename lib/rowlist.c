/* Rows' values, packed: a byte for the type, then 8 bytes of number, or a length and the bytes. */
#include "rowlist.h"

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

static void rowlist_put_value(struct rowlist *list, sqlite3_stmt *row, int column)
{
    uint8_t type = (uint8_t)sqlite3_column_type(row, column);

    rowlist_put(list, &type, sizeof type);
    if (type == SQLITE_INTEGER) {
        int64_t integer = sqlite3_column_int64(row, column);
        rowlist_put(list, &integer, sizeof integer);
    } else if (type == SQLITE_FLOAT) {
        double real = sqlite3_column_double(row, column);
        rowlist_put(list, &real, sizeof real);
    } else if (type != SQLITE_NULL) {
        bool wide = type == SQLITE_TEXT && list->wide;
        const void *bytes = wide                  ? sqlite3_column_text16(row, column)
                            : type == SQLITE_TEXT ? (const void *)sqlite3_column_text(row, column)
                                                  : sqlite3_column_blob(row, column);
        int length = wide ? sqlite3_column_bytes16(row, column) : sqlite3_column_bytes(row, column);
        rowlist_put(list, &length, sizeof length);
        rowlist_put(list, bytes, (size_t)length);
    }
}

void rowlist_add(struct rowlist *list, sqlite3_stmt *row, int columns)
{
    if (list->count == list->start_capacity) {
        list->start_capacity = list->start_capacity ? list->start_capacity * 2 : 1024;
        list->starts = memory_resize(list->starts, list->start_capacity, sizeof *list->starts);
    }
    list->starts[list->count++] = list->length;
    for (int i = 0; i < columns; i++)
        rowlist_put_value(list, row, i);
}

/* Binds the value at `at` to the parameter (0: to none) and returns where the next one begins. */
static const uint8_t *rowlist_bind_value(const uint8_t *at, bool wide, sqlite3_stmt *statement,
                                         int parameter)
{
    int type = *at++, length;
    int64_t integer;
    double real;

    if (type == SQLITE_NULL) {
        if (parameter)
            sqlite3_bind_null(statement, parameter);
        return at;
    }
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        memcpy(&integer, at, sizeof integer);
        memcpy(&real, at, sizeof real);
        if (parameter && type == SQLITE_INTEGER)
            sqlite3_bind_int64(statement, parameter, integer);
        else if (parameter)
            sqlite3_bind_double(statement, parameter, real);
        return at + sizeof integer;
    }
    memcpy(&length, at, sizeof length);
    at += sizeof length;
    if (parameter && type == SQLITE_TEXT && wide)
        sqlite3_bind_text16(statement, parameter, at, length, SQLITE_STATIC);
    else if (parameter && type == SQLITE_TEXT)
        sqlite3_bind_text(statement, parameter, (const char *)at, length, SQLITE_STATIC);
    else if (parameter)
        sqlite3_bind_blob(statement, parameter, at, length, SQLITE_STATIC);
    return at + length;
}

void rowlist_bind(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement)
{
    const uint8_t *at = list->bytes + list->starts[row];

    for (int i = 0; i < from + columns; i++)
        at = rowlist_bind_value(at, list->wide, statement, i < from ? 0 : i - from + 1);
}

/* The value behind that at `at`. */
static const uint8_t *rowlist_skip(const uint8_t *at)
{
    int type = *at++, length;

    if (type == SQLITE_NULL)
        return at;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        return at + sizeof(int64_t);
    memcpy(&length, at, sizeof length);
    return at + sizeof length + length;
}

void rowlist_give(const struct rowlist *list, size_t row, int column, sqlite3_context *context)
{
    const uint8_t *at = list->bytes + list->starts[row];
    int64_t integer;
    double real;
    int length;

    while (column-- > 0)
        at = rowlist_skip(at);
    int type = *at++;
    if (type == SQLITE_INTEGER) {
        memcpy(&integer, at, sizeof integer);
        sqlite3_result_int64(context, integer);
    } else if (type == SQLITE_FLOAT) {
        memcpy(&real, at, sizeof real);
        sqlite3_result_double(context, real);
    } else if (type != SQLITE_NULL) {
        memcpy(&length, at, sizeof length);
        const char *bytes = (const char *)at + sizeof length;
        if (type == SQLITE_TEXT && list->wide)
            sqlite3_result_text16(context, bytes, length, SQLITE_TRANSIENT);
        else if (type == SQLITE_TEXT)
            sqlite3_result_text(context, bytes, length, SQLITE_STATIC);
        else
            sqlite3_result_blob(context, bytes, length, SQLITE_STATIC);
    }
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
