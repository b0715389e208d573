/*
 * Foreign keys that lead to a table, as a tree: each child, and below a CASCADE child those that
 * refer to it. Reads the schema alone.
 */
#include "referrers_tree.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REFERRERS_DEPTH = 8 };

void referrers_free(struct referrers *referrers)
{
    if (!referrers)
        return;
    for (size_t i = 0; i < referrers->count; i++) {
        struct referrer *item = &referrers->items[i];
        referrers_free(item->below);
        table_key_free(&item->columns);
        table_key_free(&item->parent_columns);
        free(item->table);
        free(item->action_name);
    }
    free(referrers->items);
    free(referrers);
}

static enum referrers_action referrers_action(const char *name)
{
    static const struct {
        const char *name;
        enum referrers_action action;
    } actions[] = {{"CASCADE", ACTION_CASCADE},
                   {"SET NULL", ACTION_SET_NULL},
                   {"SET DEFAULT", ACTION_SET_DEFAULT}};

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcasecmp(name, actions[i].name) == 0)
            return actions[i].action;
    return ACTION_KEEP; /* RESTRICT and NO ACTION */
}

/* One row a column of each foreign key; a parent column that isn't named is the primary key's. */
static const char referrers_sql[] =
    "SELECT m.name, f.id, f.\"from\", coalesce(f.\"to\", (SELECT p.name FROM pragma_table_info(?1) "
    "p"
    "  WHERE p.pk = f.seq + 1)), f.on_delete"
    " FROM sqlite_master m, pragma_foreign_key_list(m.name) f"
    " WHERE m.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE ORDER BY m.name, f.id, f.seq";

static struct referrer *referrers_item(struct referrers *referrers, const char *table, int id,
                                       const char *action)
{
    struct referrer *last = referrers->count ? &referrers->items[referrers->count - 1] : NULL;

    if (last && last->id == id && strcmp(last->table, table) == 0)
        return last;
    referrers->items =
        memory_resize(referrers->items, referrers->count + 1, sizeof *referrers->items);
    last = &referrers->items[referrers->count++];
    *last = (struct referrer){.table = memory_copy(table),
                              .id = id,
                              .action = referrers_action(action),
                              .action_name = memory_copy(action)};
    return last;
}

/* Whether a column declared so holds numbers (datatype3.html#determination_of_column_affinity). */
static bool referrers_numeric(const char *type)
{
    static const char *const others[] = {"CHAR", "CLOB", "TEXT", "BLOB"};

    if (strcasestr(type, "INT"))
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasestr(type, others[i]))
            return false;
    return *type;
}

/* The statements that clear a child find its rows by the child's collation and by a comparison of
 * numbers where it has numbers, where SQLite goes by the parent's: they could take rows that refer
 * to other parents. */
static enum status referrers_check_alike(struct database *database,
                                         const struct referrers *referrers,
                                         const struct referrer *item, const char *from,
                                         const char *to, struct error *error)
{
    sqlite3 *sql = database_sql(database);
    const char *child = "BINARY", *parent = "BINARY", *child_type = NULL, *parent_type = NULL;

    if (item->action != ACTION_CASCADE && item->action != ACTION_SET_NULL)
        return STATUS_OK;
    sqlite3_table_column_metadata(sql, "main", item->table, from, &child_type, &child, NULL, NULL,
                                  NULL);
    sqlite3_table_column_metadata(sql, "main", referrers->table, to, &parent_type, &parent, NULL,
                                  NULL, NULL);
    if (strcasecmp(child, parent) != 0)
        return error_set(error, STATUS_REFUSED,
                         "the foreign key of %s to %s can't be followed: %s has the collation %s "
                         "and %s has %s",
                         item->table, referrers->table, from, child, to, parent);
    if (child_type && referrers_numeric(child_type) &&
        !(parent_type && referrers_numeric(parent_type)))
        return error_set(error, STATUS_REFUSED,
                         "the foreign key of %s to %s can't be followed: %s holds numbers, and "
                         "several values of %s may be the same number",
                         item->table, referrers->table, from, to);
    return STATUS_OK;
}

static enum status referrers_collect(struct database *database, struct referrers *referrers,
                                     struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = database_prepare(database, referrers_sql, &statement, error);

    if (status)
        return status;
    sqlite3_bind_text(statement, 1, referrers->table, -1, SQLITE_TRANSIENT);
    while ((status = database_step(database, statement, &row, error)) == STATUS_OK && row) {
        const char *from = (const char *)sqlite3_column_text(statement, 2);
        const char *to = (const char *)sqlite3_column_text(statement, 3);
        struct referrer *item =
            referrers_item(referrers, (const char *)sqlite3_column_text(statement, 0),
                           sqlite3_column_int(statement, 1),
                           (const char *)sqlite3_column_text(statement, 4));
        if (item->columns.count == TABLE_KEY_COLUMNS || !from || !to) {
            status = error_set(error, STATUS_REFUSED,
                               "the foreign key of %s to %s can't be followed: it names no column "
                               "of a primary key, or too many",
                               item->table, referrers->table);
            break;
        }
        if ((status = referrers_check_alike(database, referrers, item, from, to, error)))
            break;
        item->columns.columns[item->columns.count++] = memory_copy(from);
        item->parent_columns.columns[item->parent_columns.count++] = memory_copy(to);
    }
    sqlite3_finalize(statement);
    return status;
}

/* Whether some index, or the table itself, begins with the foreign key's first column. */
static enum status referrers_find_index(struct database *database, struct referrer *item,
                                        struct error *error)
{
    static const char sql[] =
        "SELECT 1 FROM pragma_index_list(?1) l, pragma_index_info(l.name) i"
        " WHERE i.seqno = 0 AND i.name = ?2 COLLATE NOCASE"
        " UNION ALL SELECT 1 FROM pragma_table_info(?1) WHERE pk = 1 AND name = ?2 COLLATE NOCASE"
        " AND NOT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE pk > 1)";
    sqlite3_stmt *statement = NULL;
    enum status status = database_prepare(database, sql, &statement, error);

    if (status)
        return status;
    sqlite3_bind_text(statement, 1, item->table, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, item->columns.columns[0], -1, SQLITE_TRANSIENT);
    status = database_step(database, statement, &item->indexed, error);
    sqlite3_finalize(statement);
    return status;
}

static bool referrers_comes_back(const struct referrers *referrers, const char *table, int *depth)
{
    for (*depth = 0; referrers; referrers = referrers->above, (*depth)++)
        if (strcasecmp(referrers->table, table) == 0)
            return true;
    return *depth >= REFERRERS_DEPTH;
}

static enum status referrers_load_below(struct database *database, const char *table,
                                        const struct referrers *above, struct referrers **referrers,
                                        struct error *error)
{
    struct referrers *found = memory_new(struct referrers);
    int depth;

    found->table = table;
    found->above = above;
    enum status status = referrers_collect(database, found, error);
    for (size_t i = 0; status == STATUS_OK && i < found->count; i++) {
        struct referrer *item = &found->items[i];
        status = referrers_find_index(database, item, error);
        if (status || item->action != ACTION_CASCADE)
            continue;
        if (referrers_comes_back(found, item->table, &depth))
            status = error_set(error, STATUS_REFUSED,
                               "the cascade from %s to %s comes back to itself or is deeper than "
                               "%d tables, and litekeeper does not follow such",
                               table, item->table, REFERRERS_DEPTH);
        else
            status = referrers_load_below(database, item->table, found, &item->below, error);
    }
    if (status)
        referrers_free(found);
    else
        *referrers = found;
    return status;
}

enum status referrers_load(struct database *database, const char *table,
                           struct referrers **referrers, struct error *error)
{
    return referrers_load_below(database, table, NULL, referrers, error);
}

char *referrers_dependents(const struct referrers *referrers)
{
    struct text names = {0};

    for (size_t i = 0; i < referrers->count; i++)
        if (referrers->items[i].action != ACTION_KEEP)
            text_addf(&names, "%s%s (%s)", names.length ? ", " : "", referrers->items[i].table,
                      referrers->items[i].action_name);
    return names.bytes;
}

bool referrers_none(const struct referrers *referrers)
{
    return referrers->count == 0;
}

bool referrers_restrict(const struct referrers *referrers)
{
    for (size_t i = 0; i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        if (item->action == ACTION_KEEP || (item->below && referrers_restrict(item->below)))
            return true;
    }
    return false;
}

static void referrers_copy_key(const struct table_key *key, struct table_key *copy)
{
    for (size_t i = 0; i < key->count; i++)
        copy->columns[copy->count++] = memory_copy(key->columns[i]);
}

struct referrers *referrers_keepers(const struct referrers *referrers)
{
    struct referrers *keepers = memory_new(struct referrers);

    keepers->table = referrers->table;
    for (size_t i = 0; i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        struct referrer *keeper = referrers_item(keepers, item->table, item->id, "NO ACTION");
        keeper->indexed = item->indexed;
        referrers_copy_key(&item->columns, &keeper->columns);
        referrers_copy_key(&item->parent_columns, &keeper->parent_columns);
    }
    return keepers;
}

static enum status referrers_check_one(const struct referrers *referrers,
                                       const struct referrer *item, struct error *error)
{
    struct text columns = {0};

    if (item->action == ACTION_SET_NULL || item->action == ACTION_SET_DEFAULT)
        return error_set(
            error, STATUS_REFUSED,
            "rows of %s would lose what they refer to in %s (%s), and no archive would "
            "have that; say `cascade: delete` if that is meant",
            item->table, referrers->table, item->action_name);
    if (item->action != ACTION_CASCADE || item->indexed)
        return STATUS_OK;
    for (size_t i = 0; i < item->columns.count; i++) {
        text_add(&columns, i ? ", " : "");
        text_add_name(&columns, item->columns.columns[i]);
    }
    enum status status = error_set(
        error, STATUS_REFUSED,
        "without an index the whole of %s would be read for every row of %s: CREATE INDEX "
        "... ON %s(%s)",
        item->table, referrers->table, item->table, columns.bytes);
    text_free(&columns);
    return status;
}

enum status referrers_check_archive(const struct referrers *referrers, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < referrers->count; i++) {
        status = referrers_check_one(referrers, &referrers->items[i], error);
        if (!status && referrers->items[i].below)
            status = referrers_check_archive(referrers->items[i].below, error);
    }
    return status;
}

enum status referrers_tables(const struct referrers *referrers,
                             enum status (*each)(void *argument, const char *table,
                                                 struct error *error),
                             void *argument, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        if (item->action != ACTION_KEEP)
            status = each(argument, item->table, error);
        if (!status && item->below)
            status = referrers_tables(item->below, each, argument, error);
    }
    return status;
}

static void referrers_list_missing(const struct referrers *referrers, struct text *list)
{
    for (size_t i = 0; i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        if (!item->indexed) {
            text_addf(list, "%sCREATE INDEX ... ON ", list->length ? "; " : "");
            text_add_name(list, item->table);
            for (size_t c = 0; c < item->columns.count; c++) {
                text_add(list, c ? ", " : "(");
                text_add_name(list, item->columns.columns[c]);
            }
            text_add(list, ")");
        }
        if (item->below)
            referrers_list_missing(item->below, list);
    }
}

char *referrers_missing_indexes(const struct referrers *referrers)
{
    struct text list = {0};

    referrers_list_missing(referrers, &list);
    return list.bytes;
}
