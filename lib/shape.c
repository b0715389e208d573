/*
 * Learns the shape of an index from the schema: PRAGMA index_xinfo tells what an entry consists of
 * (fileformat2.html#representation_of_sql_indices), the statement's text how expressions and the
 * condition go, and SQLite itself, by its authorizer, which columns these read. Only reads.
 */
#include "shape_inside.h"

#include "indexsql.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The schema is the application's own, which it may change meanwhile, or one in memory. */
static bool shape_own(const struct shape_loader *loader)
{
    return loader->sql == database_sql(loader->database);
}

static enum status shape_error(const struct shape_loader *loader, int rc, struct error *error)
{
    if (shape_own(loader))
        return database_error(loader->database, rc, error);
    return error_set(error, STATUS_REFUSED, "%s", sqlite3_errmsg(loader->sql));
}

enum status shape_query(const struct shape_loader *loader, const char *query, const char *one,
                        const char *two, sqlite3_stmt **statement, struct error *error)
{
    enum status status = STATUS_OK;
    int rc;

    if (shape_own(loader))
        status = database_prepare(loader->database, query, statement, error);
    else if ((rc = sqlite3_prepare_v2(loader->sql, query, -1, statement, NULL)))
        status = shape_error(loader, rc, error);
    if (status)
        return status;
    sqlite3_bind_text(*statement, 1, one, -1, SQLITE_TRANSIENT);
    if (two)
        sqlite3_bind_text(*statement, 2, two, -1, SQLITE_TRANSIENT);
    return STATUS_OK;
}

enum status shape_step(const struct shape_loader *loader, sqlite3_stmt *statement, bool *row,
                       struct error *error)
{
    if (shape_own(loader))
        return database_step(loader->database, statement, row, error);
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return shape_error(loader, rc, error);
    *row = rc == SQLITE_ROW;
    return STATUS_OK;
}

char *shape_text(sqlite3_stmt *row, int column)
{
    return memory_copy((const char *)sqlite3_column_text(row, column));
}

/* The expression may end in a comment, which ends with its line. */
char *shape_value(const char *name, const char *expression)
{
    struct text sql = {0};

    if (name)
        text_add_identifier(&sql, name);
    else
        text_addf(&sql, "(%s\n)", expression ? expression : "");
    return text_take(&sql);
}

/* The rules of datatype3.html#determination_of_column_affinity, in their order. */
const char *shape_affinity(const char *type, bool strict)
{
    static const struct {
        const char *part, *affinity;
    } rules[] = {{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"}, {"TEXT", "TEXT"},
                 {"BLOB", "BLOB"},   {"REAL", "REAL"}, {"FLOA", "REAL"}, {"DOUB", "REAL"}};

    if (!type || !*type || (strict && strcasecmp(type, "ANY") == 0))
        return "BLOB";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcasestr(type, rules[i].part))
            return rules[i].affinity;
    return "NUMERIC";
}

/* --- the index ---------------------------------------------------------------------------- */

static const char shape_sql_index[] = "SELECT name, tbl_name, rootpage, sql FROM sqlite_master"
                                      " WHERE type = 'index' AND name = ?1 COLLATE NOCASE";
static const char shape_sql_table[] = "SELECT type, strict FROM pragma_table_list"
                                      " WHERE schema = 'main' AND name = ?1 COLLATE NOCASE";
static const char shape_sql_unique[] =
    "SELECT \"unique\" FROM pragma_index_list(?1) WHERE name = ?2 COLLATE NOCASE";
static const char shape_sql_columns[] =
    "SELECT x.cid, x.name, x.\"desc\", x.coll, x.key, t.type FROM pragma_index_xinfo(?1) x"
    " LEFT JOIN pragma_table_xinfo(?2) t ON t.cid = x.cid ORDER BY x.seqno";

/* Collations that every SQLite brings. */
static bool shape_knows_collation(const char *name)
{
    return strcasecmp(name, "BINARY") == 0 || strcasecmp(name, "NOCASE") == 0 ||
           strcasecmp(name, "RTRIM") == 0;
}

static enum status shape_find(struct shape_loader *loader, const char *index,
                              struct indexsql *parts, struct error *error)
{
    struct shape *shape = loader->shape;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = shape_query(loader, shape_sql_index, index, NULL, &statement, error);

    if (status == STATUS_OK)
        status = shape_step(loader, statement, &row, error);
    if (status == STATUS_OK && !row)
        status = error_set(error, STATUS_REFUSED, "there is no index %s", index);
    if (status == STATUS_OK) {
        const char *sql = (const char *)sqlite3_column_text(statement, 3);
        shape->index = shape_text(statement, 0);
        shape->table = shape_text(statement, 1);
        shape->root = (uint32_t)sqlite3_column_int64(statement, 2);
        indexsql_split(sql ? sql : "", parts);
        shape->where = parts->where ? shape_value(NULL, parts->where) : NULL;
        shape->computed = shape->where != NULL;
    }
    sqlite3_finalize(statement);
    return status;
}

/* What kind of table it is the database itself knows. */
static enum status shape_check_table(struct shape_loader *loader, struct error *error)
{
    const struct shape_loader own = {.database = loader->database,
                                     .sql = database_sql(loader->database)};
    const char *table = loader->shape->table;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = shape_query(&own, shape_sql_table, table, NULL, &statement, error);

    if (status == STATUS_OK)
        status = shape_step(&own, statement, &row, error);
    if (status == STATUS_OK) {
        const char *type = row ? (const char *)sqlite3_column_text(statement, 0) : "missing";
        loader->strict = row && sqlite3_column_int(statement, 1);
        if (strcmp(type, "table") != 0 || sqlite3_strnicmp(table, "sqlite_", 7) == 0)
            status = error_set(error, STATUS_REFUSED,
                               "%s is not an ordinary table (%s), and its indexes are its own",
                               table, type);
    }
    sqlite3_finalize(statement);
    if (status)
        return status;
    statement = NULL;
    status = shape_query(loader, shape_sql_unique, table, loader->shape->index, &statement, error);
    if (status == STATUS_OK)
        status = shape_step(loader, statement, &row, error);
    if (status == STATUS_OK)
        loader->shape->unique = row && sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

/* `cid` is a column's number, -1 the rowid, -2 an expression. */
static enum status shape_add_column(struct shape_loader *loader, const struct indexsql *parts,
                                    sqlite3_stmt *row, struct error *error)
{
    struct shape *shape = loader->shape;
    int cid = sqlite3_column_int(row, 0);
    const char *type = (const char *)sqlite3_column_text(row, 5);

    shape->columns = memory_resize(shape->columns, shape->count + 1, sizeof *shape->columns);
    struct shape_column *column = &shape->columns[shape->count];
    *column = (struct shape_column){.name = shape_text(row, 1),
                                    .descending = sqlite3_column_int(row, 2),
                                    .collation = shape_text(row, 3)};
    shape->count++;
    column->real = cid >= 0 && strcmp(shape_affinity(type, loader->strict), "REAL") == 0;
    if (cid == -2 && shape->count > parts->count)
        return error_set(error, STATUS_REFUSED, "the statement of %s can't be read", shape->index);
    if (cid >= 0)
        column->sql = shape_value(column->name, NULL);
    if (cid == -2)
        column->sql = shape_value(NULL, parts->terms[shape->count - 1]);
    shape->computed = shape->computed || cid == -2;
    shape->keys += sqlite3_column_int(row, 4) != 0;
    if (column->collation && !shape_knows_collation(column->collation))
        return error_set(error, STATUS_REFUSED,
                         "%s needs the collation %s, which the application brings and litekeeper "
                         "lacks",
                         shape->index, column->collation);
    return STATUS_OK;
}

static enum status shape_load_columns(struct shape_loader *loader, const struct indexsql *parts,
                                      struct error *error)
{
    struct shape *shape = loader->shape;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        shape_query(loader, shape_sql_columns, shape->index, shape->table, &statement, error);

    while (status == STATUS_OK &&
           (status = shape_step(loader, statement, &row, error)) == STATUS_OK && row)
        status = shape_add_column(loader, parts, statement, error);
    sqlite3_finalize(statement);
    return status;
}

/* --- what is noted ------------------------------------------------------------------------ */

struct shape_reads {
    struct shape *shape;
    bool rowid;
};

static int shape_authorize(void *argument, int action, const char *table, const char *column,
                           const char *schema, const char *trigger)
{
    struct shape_reads *reads = argument;
    struct shape *shape = reads->shape;

    (void)schema;
    (void)trigger;
    if (action != SQLITE_READ || !table || strcasecmp(table, shape->table) != 0 || !column ||
        !*column)
        return SQLITE_OK;
    if (strcmp(column, "ROWID") == 0)
        reads->rowid = true;
    for (size_t i = 0; i < shape->noted_count; i++)
        if (strcasecmp(shape->noted[i].name, column) == 0)
            return SQLITE_OK;
    shape->noted = memory_resize(shape->noted, shape->noted_count + 1, sizeof *shape->noted);
    shape->noted[shape->noted_count++] = (struct shape_noted){.name = memory_copy(column)};
    return SQLITE_OK;
}

/* What the expressions see must be as in the table: of the same affinity and collation. */
static enum status shape_describe_noted(struct shape_loader *loader, struct shape_noted *noted,
                                        struct error *error)
{
    const char *type = NULL, *collation = NULL;
    int rc = sqlite3_table_column_metadata(loader->sql, "main", loader->shape->table, noted->name,
                                           &type, &collation, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return shape_error(loader, rc, error);
    noted->affinity = shape_affinity(type, loader->strict);
    if (collation && !shape_knows_collation(collation)) {
        if (loader->shape->computed)
            return error_set(error, STATUS_REFUSED,
                             "%s reads column %s of collation %s, which litekeeper lacks",
                             loader->shape->index, noted->name, collation);
        collation = NULL;
    }
    noted->collation = memory_copy(collation ? collation : "BINARY");
    return STATUS_OK;
}

/* SQLite tells itself, while it prepares the query, what it reads. */
static enum status shape_load_noted(struct shape_loader *loader, struct error *error)
{
    struct shape *shape = loader->shape;
    struct shape_reads reads = {.shape = shape};
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};
    size_t last = shape->rowid ? shape->count - 1 : shape->count;

    text_add(&sql, "SELECT 1");
    for (size_t i = 0; i < last; i++)
        text_addf(&sql, ", %s", shape->columns[i].sql);
    text_add(&sql, " FROM ");
    text_add_identifier(&sql, shape->table);
    text_add(&sql, " WHERE 1");
    shape_add_where(shape, &sql);
    sqlite3_set_authorizer(loader->sql, shape_authorize, &reads);
    int rc = sqlite3_prepare_v2(loader->sql, sql.bytes, -1, &statement, NULL);
    enum status status = rc == SQLITE_OK ? STATUS_OK : shape_error(loader, rc, error);
    sqlite3_set_authorizer(loader->sql, NULL, NULL);
    sqlite3_finalize(statement);
    text_free(&sql);
    if (status == STATUS_OK && reads.rowid)
        status =
            error_set(error, STATUS_REFUSED, "the condition of %s reads the rowid", shape->index);
    for (size_t i = 0; status == STATUS_OK && i < shape->noted_count; i++)
        status = shape_describe_noted(loader, &shape->noted[i], error);
    return status;
}

enum status shape_load(struct database *database, sqlite3 *sql, const char *index,
                       struct shape *result, struct error *error)
{
    struct shape shape = {0};
    struct shape_loader loader = {.database = database, .sql = sql, .shape = &shape};
    struct indexsql parts = {0};
    enum status status;

    if ((status = shape_find(&loader, index, &parts, error)) == STATUS_OK &&
        (status = shape_check_table(&loader, error)) == STATUS_OK &&
        (status = shape_load_columns(&loader, &parts, error)) == STATUS_OK &&
        (status = shape_load_identity(&loader, error)) == STATUS_OK &&
        (status = shape_load_noted(&loader, error)) == STATUS_OK)
        status = shape_load_uniques(&loader, error);
    indexsql_free(&parts);
    if (status)
        shape_free(&shape);
    else
        *result = shape;
    return status;
}

void shape_add_values(const struct shape *shape, struct text *sql)
{
    for (size_t i = 0; i < shape->count; i++)
        text_addf(sql, "%s%s", i ? ", " : "", shape->columns[i].sql);
}

void shape_add_where(const struct shape *shape, struct text *sql)
{
    if (shape->where)
        text_addf(sql, " AND %s", shape->where);
}
