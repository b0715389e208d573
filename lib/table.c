/* Reads from the schema how rows of a table are told apart and found by age. Changes nothing. */
#include "table.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Prepares `sql` and binds `name` (and `other`, unless NULL) to ?1 and ?2. */
static enum status table_query(struct database *database, const char *sql, const char *name,
                               const char *other, sqlite3_stmt **statement, struct error *error)
{
    enum status status = database_prepare(database, sql, statement, error);

    if (status)
        return status;
    sqlite3_bind_text(*statement, 1, name, -1, SQLITE_TRANSIENT);
    if (other)
        sqlite3_bind_text(*statement, 2, other, -1, SQLITE_TRANSIENT);
    return STATUS_OK;
}

static char *table_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return memory_copy(text ? (const char *)text : "");
}

/* The first text that the query gives, the caller's; NULL if it gives none. */
static enum status table_one(struct database *database, const char *sql, const char *name,
                             const char *other, char **text, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status;

    *text = NULL;
    if ((status = table_query(database, sql, name, other, &statement, error)) == STATUS_OK &&
        (status = database_step(database, statement, &row, error)) == STATUS_OK && row)
        *text = table_text(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

/* Whether a query about the table (?1) has any row. */
static enum status table_has(struct database *database, const char *sql, const char *name,
                             const char *other, bool *has, struct error *error)
{
    char *text = NULL;
    enum status status = table_one(database, sql, name, other, &text, error);

    if (status == STATUS_OK)
        *has = text != NULL;
    free(text);
    return status;
}

void table_key_free(struct table_key *key)
{
    for (size_t i = 0; i < key->count; i++)
        free(key->columns[i]);
    *key = (struct table_key){0};
}

static enum status table_key_collect(struct database *database, const char *sql, const char *name,
                                     const char *other, struct table_key *key, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = table_query(database, sql, name, other, &statement, error);

    while (status == STATUS_OK &&
           (status = database_step(database, statement, &row, error)) == STATUS_OK && row) {
        if (key->count == TABLE_KEY_COLUMNS)
            status = error_set(error, STATUS_REFUSED,
                               "the key of %s has more than %d columns, and less than all of them "
                               "could name several rows",
                               name, TABLE_KEY_COLUMNS);
        else
            key->columns[key->count++] = table_text(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

/* A primary key whose index has no entry in the schema is the table itself: WITHOUT ROWID. */
static const char table_sql_without_rowid[] =
    "SELECT l.name FROM pragma_index_list(?1) l WHERE l.origin = 'pk'"
    " AND NOT EXISTS (SELECT 1 FROM sqlite_master m WHERE m.name = l.name AND m.type = 'index')";
static const char table_sql_integer_key[] =
    "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 AND upper(type) = 'INTEGER'"
    " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')";
static const char table_sql_has_column[] =
    "SELECT name FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE";
static const char table_sql_unique_index[] =
    "SELECT l.name FROM pragma_index_list(?1) l WHERE l.\"unique\" AND NOT l.partial"
    " AND NOT EXISTS (SELECT 1 FROM pragma_index_info(l.name) i"
    "  LEFT JOIN pragma_table_info(?1) c ON c.cid = i.cid WHERE c.name IS NULL OR NOT "
    "c.\"notnull\")";
static const char table_sql_index_columns[] =
    "SELECT name FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno";
static const char table_sql_index_collations[] =
    "SELECT name, coll FROM pragma_index_xinfo(?1) WHERE key AND name NOT NULL AND coll NOT NULL";

/* "rowid" and its other names mean the rowid where no column is called so. */
static enum status table_key_rowid(struct database *database, const char *name,
                                   struct table_key *key, struct error *error)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    enum status status;

    for (size_t i = 0; i < 3; i++) {
        bool shadowed = false;
        if ((status = table_has(database, table_sql_has_column, name, names[i], &shadowed, error)))
            return status;
        if (!shadowed) {
            key->columns[key->count++] = memory_copy(names[i]);
            return STATUS_OK;
        }
    }
    return table_key_collect(database, table_sql_integer_key, name, NULL, key, error);
}

/* SQL compares a column by its own collation. Where the unique index has another one, a value of
 * the key may be equal to those of several rows, and all of them would go for one. */
static enum status table_key_check(struct database *database, const char *name, const char *index,
                                   struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        table_query(database, table_sql_index_collations, index, NULL, &statement, error);

    while (status == STATUS_OK &&
           (status = database_step(database, statement, &row, error)) == STATUS_OK && row) {
        const char *column = (const char *)sqlite3_column_text(statement, 0), *own = "BINARY";
        const char *unique = (const char *)sqlite3_column_text(statement, 1);
        sqlite3_table_column_metadata(database_sql(database), "main", name, column, NULL, &own,
                                      NULL, NULL, NULL);
        if (strcasecmp(own, unique) != 0)
            status = error_set(error, STATUS_REFUSED,
                               "rows of %s can't be told apart: %s has the collation %s, but is "
                               "unique by %s",
                               name, column, own, unique);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status table_key_index(struct database *database, const char *name, const char *index,
                                   struct table_key *key, struct error *error)
{
    enum status status =
        table_key_collect(database, table_sql_index_columns, index, NULL, key, error);

    return status ? status : table_key_check(database, name, index, error);
}

static enum status table_key_unique(struct database *database, const char *name,
                                    struct table_key *key, struct error *error)
{
    char *index = NULL;
    enum status status = table_one(database, table_sql_unique_index, name, NULL, &index, error);

    if (status == STATUS_OK && index)
        status = table_key_index(database, name, index, key, error);
    free(index);
    return status;
}

enum status table_key_load(struct database *database, const char *name, struct table_key *key,
                           struct error *error)
{
    struct table_key found = {0};
    char *primary = NULL; /* the index that a WITHOUT ROWID table is */
    enum status status = table_one(database, table_sql_without_rowid, name, NULL, &primary, error);

    if (status == STATUS_OK && primary)
        status = table_key_index(database, name, primary, &found, error);
    else if (status == STATUS_OK)
        status = table_key_rowid(database, name, &found, error);
    free(primary);
    if (status == STATUS_OK && !found.count)
        status = table_key_unique(database, name, &found, error);
    if (status == STATUS_OK && !found.count)
        status = error_set(error, STATUS_REFUSED,
                           "rows of %s can't be told apart: its columns hide all three names of "
                           "the rowid, and it has no unique index without NULLs",
                           name);
    if (status == STATUS_OK)
        *key = found;
    else
        table_key_free(&found);
    return status;
}

/* The table's name as the schema has it, or the reason why rows can't be deleted from it. */
static enum status table_find(struct database *database, const char *name, char **found,
                              struct error *error)
{
    static const char sql[] =
        "SELECT CASE WHEN type <> 'table' THEN '\x01' || type"
        "  WHEN lower(ltrim(sql)) LIKE 'create virtual%' THEN '\x01virtual table'"
        "  ELSE name END"
        " FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')";
    char *text = NULL;
    enum status status = table_one(database, sql, name, NULL, &text, error);

    if (status)
        return status;
    if (!text)
        return error_set(error, STATUS_REFUSED, "there is no table %s", name);
    if (text[0] == '\x01') {
        status = error_set(error, STATUS_REFUSED, "%s is a %s, and rows go from tables alone", name,
                           text + 1);
        free(text);
        return status;
    }
    *found = text;
    return STATUS_OK;
}

/* Whether the column compares byte by byte, as an index that gives its rows by age must. */
static bool table_binary(struct database *database, const struct table *table)
{
    const char *collation = NULL;

    return sqlite3_table_column_metadata(database_sql(database), "main", table->name, table->column,
                                         NULL, &collation, NULL, NULL, NULL) == SQLITE_OK &&
           collation && strcasecmp(collation, "BINARY") == 0;
}

/* Of the whole, binary-collated indexes that begin with the column, the narrowest. */
static const char table_sql_time_index[] =
    "SELECT l.name FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) i"
    " WHERE NOT l.partial AND i.seqno = 0 AND i.name = ?2 COLLATE NOCASE"
    " AND i.coll = 'BINARY' COLLATE NOCASE"
    " ORDER BY (SELECT count(*) FROM pragma_index_info(l.name)) LIMIT 1";

/* Whether an index is on one column, upwards, behind which the rowid follows. */
static const char table_sql_index_by_key[] =
    "SELECT 1 FROM pragma_index_xinfo(?1) r, pragma_index_xinfo(?1) t"
    " WHERE r.seqno = 1 AND r.cid = -1 AND t.seqno = 0 AND NOT t.\"desc\"";

static const char table_sql_triggers[] =
    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE";

enum status table_load(struct database *database, const char *name, const char *column,
                       struct table *table, struct error *error)
{
    struct table found = {0};
    enum status status = table_find(database, name, &found.name, error);

    if (status == STATUS_OK)
        status =
            table_one(database, table_sql_has_column, found.name, column, &found.column, error);
    if (status == STATUS_OK && !found.column)
        status = error_set(error, STATUS_REFUSED, "table %s has no column %s", found.name, column);
    if (status == STATUS_OK)
        status = table_key_load(database, found.name, &found.key, error);
    if (status == STATUS_OK && table_binary(database, &found))
        status = table_one(database, table_sql_time_index, found.name, column, &found.index, error);
    if (status == STATUS_OK && found.index && found.key.count == 1)
        status = table_has(database, table_sql_index_by_key, found.index, NULL, &found.index_by_key,
                           error);
    if (status == STATUS_OK)
        status = table_has(database, table_sql_triggers, found.name, NULL, &found.triggers, error);
    if (status == STATUS_OK)
        status =
            table_one(database, table_sql_integer_key, found.name, NULL, &found.integer, error);
    if (status) {
        table_free(&found);
        return status;
    }
    found.key_is_time = strcasecmp(found.key.columns[0], found.column) == 0 ||
                        (found.integer && strcasecmp(found.integer, found.column) == 0);
    *table = found;
    return STATUS_OK;
}

void table_free(struct table *table)
{
    free(table->name);
    free(table->column);
    free(table->index);
    free(table->integer);
    table_key_free(&table->key);
    *table = (struct table){0};
}

void table_key_columns(const struct table_key *key, const char *prefix, struct text *sql)
{
    for (size_t i = 0; i < key->count; i++) {
        text_add(sql, i ? ", " : "");
        text_add(sql, prefix);
        text_add_identifier(sql, key->columns[i]);
    }
}

void table_key_equals(const struct table_key *key, const char *prefix, int first, struct text *sql)
{
    for (size_t i = 0; i < key->count; i++) {
        text_add(sql, i ? " AND " : "");
        text_add(sql, prefix);
        text_add_identifier(sql, key->columns[i]);
        text_addf(sql, " = ?%d", first + (int)i);
    }
}
