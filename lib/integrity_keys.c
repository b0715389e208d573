/* An application that never turns foreign_keys on may have had such rows for years: they are no
 * damage of the file, and are told apart from it. Runs in a worker. */
#include "integrity_keys.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS_NAMED = 20 };

/* The pragma's columns: table, rowid (NULL without one), parent, number of the key. */
static void integrity_keys_add(struct integrity_keys *keys, sqlite3_stmt *row)
{
    char *text;

    keys->violations++;
    if (!keys->messages)
        keys->messages = json_array();
    if (json_array_size(keys->messages) >= KEYS_NAMED)
        return;
    if (sqlite3_column_type(row, 1) == SQLITE_NULL)
        text = memory_format("a row of %.100s refers to no row of %.100s",
                             sqlite3_column_text(row, 0), sqlite3_column_text(row, 2));
    else
        text = memory_format("row %lld of %.100s refers to no row of %.100s",
                             (long long)sqlite3_column_int64(row, 1), sqlite3_column_text(row, 0),
                             sqlite3_column_text(row, 2));
    text_sanitize(text);
    json_array_append_new(keys->messages, json_string(text));
    free(text);
}

enum status integrity_keys_check(struct integrity_keys *keys, struct database *database,
                                 const char *table, struct error *error)
{
    struct text sql = {0};
    sqlite3_stmt *check = NULL;
    bool row = false;

    text_add(&sql, "PRAGMA main.foreign_key_check(");
    text_add_identifier(&sql, table);
    text_add(&sql, ")");
    enum status status = database_prepare(database, sql.bytes, &check, error);
    while (!status && (status = database_step(database, check, &row, error)) == STATUS_OK && row)
        integrity_keys_add(keys, check);
    keys->tables += !status;
    sqlite3_finalize(check);
    text_free(&sql);
    return status;
}

void integrity_keys_say(const struct integrity_keys *keys, struct text *reason)
{
    char count[TEXT_SHORT], many[TEXT_SHORT + 16];

    snprintf(many, sizeof many, "%s have", text_counted(count, keys->violations, "row"));
    if (keys->violations)
        text_addf(reason,
                  "; %s a foreign key without its parent, the first: %s; mend or delete them, or "
                  "leave them out by `foreign_keys: false`",
                  keys->violations == 1 ? "1 row has" : many,
                  json_string_value(json_array_get(keys->messages, 0)));
    else if (keys->tables)
        text_addf(reason, "; the foreign keys of %s hold",
                  text_counted(count, keys->tables, "table"));
}

json_t *integrity_keys_json(const struct integrity_keys *keys)
{
    return keys->messages ? json_incref(keys->messages) : json_array();
}

void integrity_keys_free(struct integrity_keys *keys)
{
    json_decref(keys->messages);
    *keys = (struct integrity_keys){0};
}
