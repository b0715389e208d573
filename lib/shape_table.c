/* What of the table belongs to the shape of its index: what names a row, and what is unique. */
#include "shape_inside.h"

#include "indexsql.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A primary key whose index has no entry in the schema is the table itself: WITHOUT ROWID. */
static const char shape_sql_primary[] =
    "SELECT l.name FROM pragma_index_list(?1) l WHERE l.origin = 'pk'"
    " AND NOT EXISTS (SELECT 1 FROM sqlite_master m WHERE m.name = l.name AND m.type = 'index')";
static const char shape_sql_key[] =
    "SELECT name, coll, \"desc\" FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno";
static const char shape_sql_has_column[] =
    "SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE";
static const char shape_sql_integer_key[] =
    "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 AND upper(type) = 'INTEGER'"
    " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')";

/* The first text that the query gives, the caller's to free; NULL if none. */
static enum status shape_one(const struct shape_loader *loader, const char *query, const char *one,
                             const char *two, char **text, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = shape_query(loader, query, one, two, &statement, error);

    *text = NULL;
    if (status == STATUS_OK)
        status = shape_step(loader, statement, &row, error);
    if (status == STATUS_OK && row)
        *text = shape_text(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

/* --- what names a row --------------------------------------------------------------------- */

/* "rowid" and its other names mean the rowid where no column is called so. */
static enum status shape_name_rowid(struct shape_loader *loader, struct error *error)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    struct shape *shape = loader->shape;
    char *text = NULL;
    enum status status;

    for (size_t i = 0; i < 3; i++) {
        if ((status =
                 shape_one(loader, shape_sql_has_column, shape->table, names[i], &text, error)))
            return status;
        if (!text) {
            shape->rowid = memory_copy(names[i]);
            return STATUS_OK;
        }
        free(text);
    }
    status = shape_one(loader, shape_sql_integer_key, shape->table, NULL, &text, error);
    if (status == STATUS_OK && !text)
        return error_set(error, STATUS_REFUSED,
                         "the columns of %s hide all three names of the rowid, and it has no "
                         "INTEGER PRIMARY KEY",
                         shape->table);
    if (text)
        shape->rowid = shape_value(text, NULL);
    free(text);
    return status;
}

/* Takes over the collation. */
static enum status shape_add_identity(struct shape *shape, const char *name,
                                      struct shape_identity identity, struct error *error)
{
    size_t at = 0;

    while (at < shape->count &&
           (!shape->columns[at].name || strcasecmp(shape->columns[at].name, name) != 0))
        at++;
    if (at == shape->count) {
        free(identity.collation);
        return error_set(error, STATUS_REFUSED, "the entries of %s lack %s of the primary key",
                         shape->index, name);
    }
    identity.at = at;
    shape->identity =
        memory_resize(shape->identity, shape->identities + 1, sizeof *shape->identity);
    shape->identity[shape->identities++] = identity;
    return STATUS_OK;
}

static enum status shape_add_primary(struct shape_loader *loader, const char *primary,
                                     struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = shape_query(loader, shape_sql_key, primary, NULL, &statement, error);

    while (status == STATUS_OK &&
           (status = shape_step(loader, statement, &row, error)) == STATUS_OK && row)
        status = shape_add_identity(loader->shape, (const char *)sqlite3_column_text(statement, 0),
                                    (struct shape_identity){.collation = shape_text(statement, 1),
                                                            .descending =
                                                                sqlite3_column_int(statement, 2)},
                                    error);
    sqlite3_finalize(statement);
    return status;
}

enum status shape_load_identity(struct shape_loader *loader, struct error *error)
{
    struct shape *shape = loader->shape;
    char *primary = NULL;
    enum status status = shape_one(loader, shape_sql_primary, shape->table, NULL, &primary, error);

    if (status == STATUS_OK && primary)
        status = shape_add_primary(loader, primary, error);
    free(primary);
    if (status || shape->identities)
        return status;
    if ((status = shape_name_rowid(loader, error)))
        return status;
    shape->columns[shape->count - 1].sql = memory_copy(shape->rowid);
    shape->identity = memory_new(struct shape_identity);
    shape->identity[0] =
        (struct shape_identity){.at = shape->count - 1, .collation = memory_copy("BINARY")};
    shape->identities = 1;
    return STATUS_OK;
}

/* --- what is unique ----------------------------------------------------------------------- */

static const char shape_sql_uniques[] =
    "SELECT l.name, m.sql FROM pragma_index_list(?1) l LEFT JOIN sqlite_master m"
    " ON m.name = l.name AND m.type = 'index' WHERE l.\"unique\"";
/* A NULL that a column must not have becomes its default where rows are replaced. */
static const char shape_sql_unique_columns[] =
    "SELECT x.name, x.coll, CASE WHEN t.\"notnull\" THEN t.dflt_value END"
    " FROM pragma_index_xinfo(?1) x LEFT JOIN pragma_table_xinfo(?2) t ON t.cid = x.cid"
    " WHERE x.key ORDER BY x.seqno";

static enum status shape_unique_column(const struct shape *shape, struct shape_unique *unique,
                                       const struct indexsql *parts, sqlite3_stmt *row,
                                       struct error *error)
{
    size_t count = unique->count;
    char *name = shape_text(row, 0);

    if (!name && count >= parts->count)
        return error_set(error, STATUS_REFUSED, "a unique index of %s can't be read", shape->table);
    unique->columns = memory_resize(unique->columns, count + 1, sizeof *unique->columns);
    unique->otherwise = memory_resize(unique->otherwise, count + 1, sizeof *unique->otherwise);
    unique->columns[count] =
        (struct shape_column){.name = name,
                              .sql = shape_value(name, name ? NULL : parts->terms[count]),
                              .collation = shape_text(row, 1)};
    unique->otherwise[count] = shape_text(row, 2);
    unique->count++;
    return STATUS_OK;
}

static enum status shape_add_unique(struct shape_loader *loader, const char *name, const char *sql,
                                    struct error *error)
{
    struct shape *shape = loader->shape;
    struct indexsql parts = {0};
    sqlite3_stmt *statement = NULL;
    bool row = false;

    shape->uniques = memory_resize(shape->uniques, shape->unique_count + 1, sizeof *shape->uniques);
    struct shape_unique *unique = &shape->uniques[shape->unique_count++];
    *unique = (struct shape_unique){0};
    indexsql_split(sql ? sql : "", &parts);
    unique->where = parts.where ? shape_value(NULL, parts.where) : NULL;
    enum status status =
        shape_query(loader, shape_sql_unique_columns, name, shape->table, &statement, error);
    while (status == STATUS_OK &&
           (status = shape_step(loader, statement, &row, error)) == STATUS_OK && row)
        status = shape_unique_column(shape, unique, &parts, statement, error);
    sqlite3_finalize(statement);
    indexsql_free(&parts);
    return status;
}

/* A row as it will be, with the defaults of columns that must not be NULL. */
static enum status shape_load_new_row(struct shape_loader *loader, struct error *error)
{
    static const char query[] =
        "SELECT name, CASE WHEN \"notnull\" THEN dflt_value END FROM pragma_table_xinfo(?1)";
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};
    bool row = false;
    enum status status = shape_query(loader, query, loader->shape->table, NULL, &statement, error);

    while (status == STATUS_OK &&
           (status = shape_step(loader, statement, &row, error)) == STATUS_OK && row) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        text_add(&sql, sql.length ? ", " : "SELECT ");
        shape_add_new(name, (const char *)sqlite3_column_text(statement, 1), &sql);
        text_add(&sql, " AS ");
        text_add_identifier(&sql, name);
    }
    sqlite3_finalize(statement);
    loader->shape->new_row = text_take(&sql);
    return status;
}

/* Where a NULL becomes its column's default only while a row is replaced, a trigger sees of a
 * generated column what it would be with the NULL, and not which row it replaces. */
static enum status shape_check_generated(struct shape_loader *loader, struct error *error)
{
    static const char generated[] =
        "SELECT g.name FROM pragma_table_xinfo(?1) g, pragma_index_list(?1) l,"
        " pragma_index_xinfo(l.name) x WHERE g.hidden IN (2, 3) AND l.\"unique\" AND x.key"
        " AND x.cid = g.cid";
    static const char defaults[] =
        "SELECT name FROM pragma_table_xinfo(?1) WHERE \"notnull\" AND dflt_value NOT NULL";
    const char *table = loader->shape->table;
    char *name = NULL, *other = NULL;
    enum status status = shape_one(loader, generated, table, NULL, &name, error);

    if (status == STATUS_OK)
        status = shape_one(loader, defaults, table, NULL, &other, error);
    loader->shape->generated = name != NULL;
    if (status == STATUS_OK && name && other)
        status = error_set(error, STATUS_REFUSED,
                           "%s has the generated column %s in a unique key, and a default for the "
                           "NULL of %s, so litekeeper can't tell which rows are replaced",
                           table, name, other);
    free(name);
    free(other);
    return status;
}

/* A unique index that is only now being made replaces nothing. */
enum status shape_load_uniques(struct shape_loader *loader, struct error *error)
{
    bool made = loader->sql == database_sql(loader->database), row = false;
    sqlite3_stmt *statement = NULL;
    enum status status =
        shape_query(loader, shape_sql_uniques, loader->shape->table, NULL, &statement, error);

    while (status == STATUS_OK &&
           (status = shape_step(loader, statement, &row, error)) == STATUS_OK && row) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        if (made || strcasecmp(name, loader->shape->index) != 0)
            status = shape_add_unique(loader, name, (const char *)sqlite3_column_text(statement, 1),
                                      error);
    }
    sqlite3_finalize(statement);
    if (status == STATUS_OK)
        status = shape_check_generated(loader, error);
    return status ? status : shape_load_new_row(loader, error);
}

void shape_add_new(const char *name, const char *otherwise, struct text *sql)
{
    text_add(sql, otherwise ? "coalesce(NEW." : "NEW.");
    text_add_identifier(sql, name);
    if (otherwise)
        text_addf(sql, ", (%s\n))", otherwise);
}

/* --- the end ------------------------------------------------------------------------------ */

static void shape_free_columns(struct shape_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(columns[i].name);
        free(columns[i].sql);
        free(columns[i].collation);
    }
    free(columns);
}

static void shape_free_unique(struct shape_unique *unique)
{
    for (size_t i = 0; i < unique->count; i++)
        free(unique->otherwise[i]);
    free(unique->otherwise);
    shape_free_columns(unique->columns, unique->count);
    free(unique->where);
}

void shape_free(struct shape *shape)
{
    for (size_t i = 0; i < shape->unique_count; i++)
        shape_free_unique(&shape->uniques[i]);
    for (size_t i = 0; i < shape->noted_count; i++) {
        free(shape->noted[i].name);
        free(shape->noted[i].collation);
    }
    for (size_t i = 0; i < shape->identities; i++)
        free(shape->identity[i].collation);
    shape_free_columns(shape->columns, shape->count);
    free(shape->uniques);
    free(shape->noted);
    free(shape->identity);
    free(shape->index);
    free(shape->table);
    free(shape->where);
    free(shape->rowid);
    free(shape->new_row);
    *shape = (struct shape){0};
}
