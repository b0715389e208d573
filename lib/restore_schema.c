/*
 * The schema of a new file. That of a manifest is what its folder's owner may have written there,
 * so no more of it is run than one CREATE TABLE.
 */
#include "restore_schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What CREATE TABLE does itself, and what its expressions may be. */
static int schema_allow(void *argument, int action, const char *one, const char *two,
                        const char *three, const char *four)
{
    static const int fine[] = {SQLITE_CREATE_TABLE, SQLITE_CREATE_INDEX, SQLITE_INSERT,
                               SQLITE_UPDATE,       SQLITE_READ,         SQLITE_SELECT,
                               SQLITE_FUNCTION};

    (void)argument;
    (void)one;
    (void)two;
    (void)three;
    (void)four;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (action == fine[i])
            return SQLITE_OK;
    return SQLITE_DENY;
}

static enum status schema_failed(sqlite3 *sql, struct error *error)
{
    enum status status =
        (sqlite3_errcode(sql) & 0xff) == SQLITE_ERROR ? STATUS_INVALID : STATUS_FAILED;

    return error_set(error, status, "%s", sqlite3_errmsg(sql));
}

static enum status schema_do(sqlite3 *sql, const char *text, struct error *error)
{
    return sqlite3_exec(sql, text, NULL, NULL, NULL) ? schema_failed(sql, error) : STATUS_OK;
}

/* --- as it was ---------------------------------------------------------------------------- */

static const struct archive_manifest *schema_newest(const struct restore_facts *facts)
{
    size_t i = 0;

    while (!facts->segments[i].rows)
        i++;
    return &facts->segments[i].on->manifest;
}

static enum status schema_create(sqlite3 *sql, const char *schema, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    const char *end = "";

    if (!schema || strncasecmp(schema, "CREATE TABLE ", 13) != 0)
        return error_set(error, STATUS_INVALID, "the manifest has no schema");
    sqlite3_set_authorizer(sql, schema_allow, NULL);
    int rc = sqlite3_prepare_v2(sql, schema, -1, &statement, &end);
    if (!rc && !*end)
        sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (sqlite3_finalize(statement) || rc || *end)
        status = error_set(error, STATUS_INVALID, "the manifest's schema can't be used: %s",
                           sqlite3_errmsg(sql));
    sqlite3_set_authorizer(sql, NULL, NULL);
    return status;
}

/* A type is words, and numbers in brackets. One that is anything else is put in quotes, so that it
 * is nothing but a type. */
static void schema_add_type(const char *type, struct text *text)
{
    int depth = 0;
    bool fits = true;

    for (const char *at = type; *at && fits; at++) {
        depth += (*at == '(') - (*at == ')');
        fits = depth >= 0 && (isalnum((unsigned char)*at) || strchr(" _()+-.", *at) ||
                              (*at == ',' && depth == 1));
    }
    if (fits && !depth)
        text_addf(text, " %s", type);
    else
        text_add_identifier(text, type);
}

static enum status schema_add_column(sqlite3 *sql, const char *table,
                                     const struct archive_column *column, struct error *error)
{
    struct text text = {0};

    text_add(&text, "ALTER TABLE ");
    text_add_identifier(&text, table);
    text_add(&text, " ADD COLUMN ");
    text_add_identifier(&text, column->name);
    schema_add_type(column->type, &text);
    enum status status = schema_do(sql, text.bytes, error);
    text_free(&text);
    return status;
}

/* What only older segments have. */
static enum status schema_add_older(sqlite3 *sql, const struct restore_options *options,
                                    const struct archive_columns *columns,
                                    struct restore_result *result, struct error *error)
{
    struct restore_target target;
    enum status status = restore_target_load(sql, NULL, options->table, &target, error);

    if (status)
        return error_set(error, STATUS_INVALID, "the manifest's schema is of another table");
    for (size_t i = 0; !status && i < columns->count; i++)
        if (!columns->list[i].hidden && !restore_target_find(&target, columns->list[i].name)) {
            status = schema_add_column(sql, options->table, &columns->list[i], error);
            if (columns->list[i].generated)
                json_array_append_new(result->plain, json_string(columns->list[i].name));
        }
    restore_target_free(&target);
    return status;
}

static enum status schema_as_it_was(sqlite3 *sql, const struct restore_options *options,
                                    const struct restore_facts *facts,
                                    struct restore_result *result, struct error *error)
{
    const json_t *about = schema_newest(facts)->about;
    enum status status =
        schema_create(sql, json_string_value(json_object_get(about, "schema")), error);

    for (size_t i = 0; !status && i < facts->shelf.count; i++)
        if (facts->segments[i].rows)
            status = schema_add_older(sql, options, &facts->segments[i].on->columns, result, error);
    return status;
}

/* --- of its columns alone ----------------------------------------------------------------- */

static void schema_plain_key(const struct archive_columns *columns, struct text *text)
{
    if (columns->list[columns->key[0]].hidden)
        return;
    text_add(text, ", PRIMARY KEY(");
    for (size_t i = 0; i < columns->key_count; i++) {
        text_add(text, i ? ", " : "");
        text_add_identifier(text, columns->list[columns->key[i]].name);
    }
    text_add(text, ")");
}

static void schema_plain_columns(const struct restore_facts *facts, struct archive_columns *all,
                                 struct restore_result *result)
{
    struct error ignored;
    size_t found;

    for (size_t i = 0; i < facts->shelf.count; i++) {
        const struct archive_columns *columns = &facts->segments[i].on->columns;
        for (size_t j = 0; facts->segments[i].rows && j < columns->count; j++) {
            const struct archive_column *column = &columns->list[j];
            if (column->hidden || archive_columns_find(all, column->name, &found))
                continue;
            /* a name that a manifest has is one */
            (void)!archive_columns_add(all, column->name, column->type, &ignored);
            if (column->generated)
                json_array_append_new(result->plain, json_string(column->name));
        }
    }
}

static enum status schema_plain(sqlite3 *sql, const struct restore_options *options,
                                const struct restore_facts *facts, struct restore_result *result,
                                struct error *error)
{
    struct archive_columns all = {0}, newest = {0};
    struct text text = {0};
    enum status status = archive_manifest_columns(schema_newest(facts), &newest, error);

    if (status)
        return status;
    schema_plain_columns(facts, &all, result);
    text_add(&text, "CREATE TABLE ");
    text_add_identifier(&text, options->table);
    for (size_t i = 0; i < all.count; i++) {
        text_add(&text, i ? ", " : "(");
        text_add_identifier(&text, all.list[i].name);
        schema_add_type(all.list[i].type, &text);
    }
    schema_plain_key(&newest, &text);
    text_add(&text, ")");
    status = schema_do(sql, text.bytes, error);
    text_free(&text);
    archive_columns_free(&all);
    archive_columns_free(&newest);
    return status;
}

enum status restore_schema_make(sqlite3 *sql, const struct restore_options *options,
                                const struct restore_facts *facts, bool plain,
                                struct restore_result *result, struct error *error)
{
    return plain ? schema_plain(sql, options, facts, result, error)
                 : schema_as_it_was(sql, options, facts, result, error);
}
