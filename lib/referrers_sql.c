/*
 * SQL from the tree of foreign keys: the condition that keeps a row, and the statements that clear
 * a row's dependents. They are run by others, under the lease.
 */
#include "referrers_tree.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

/* EXISTS (a child of the row `alias`), and of a CASCADE child only one that is kept itself. The
 * parent's column stands first, so that its affinity and collation count, as SQLite has it. */
static void referrers_exists(const struct referrer *item, const char *alias, int depth,
                             struct text *sql);

static bool referrers_blocks(const struct referrer *item)
{
    return item->action == ACTION_KEEP || (item->below && referrers_restrict(item->below));
}

static void referrers_any(const struct referrers *referrers, const char *alias, int depth,
                          struct text *sql)
{
    bool first = true;

    for (size_t i = 0; i < referrers->count; i++) {
        if (!referrers_blocks(&referrers->items[i]))
            continue;
        text_add(sql, first ? "" : " OR ");
        referrers_exists(&referrers->items[i], alias, depth, sql);
        first = false;
    }
}

static void referrers_exists(const struct referrer *item, const char *alias, int depth,
                             struct text *sql)
{
    char child[16];

    snprintf(child, sizeof child, "c%d", depth);
    text_add(sql, "EXISTS (SELECT 1 FROM ");
    text_add_identifier(sql, item->table);
    text_addf(sql, " AS %s WHERE ", child);
    for (size_t i = 0; i < item->columns.count; i++) {
        text_addf(sql, "%s%s.", i ? " AND " : "", alias);
        text_add_identifier(sql, item->parent_columns.columns[i]);
        text_addf(sql, " = %s.", child);
        text_add_identifier(sql, item->columns.columns[i]);
    }
    if (item->below) {
        text_add(sql, " AND (");
        referrers_any(item->below, child, depth + 1, sql);
        text_add(sql, ")");
    }
    text_add(sql, ")");
}

void referrers_unblocked(const struct referrers *referrers, const char *alias, struct text *sql)
{
    for (size_t i = 0; i < referrers->count; i++) {
        if (!referrers_blocks(&referrers->items[i]))
            continue;
        text_add(sql, " AND NOT ");
        referrers_exists(&referrers->items[i], alias, 0, sql);
    }
}

/* (child's columns) IN (SELECT parent's columns FROM parent WHERE `parent_condition`). */
static void referrers_of(const struct referrer *item, const char *parent,
                         const char *parent_condition, struct text *sql)
{
    text_add(sql, "(");
    table_key_columns(&item->columns, "", sql);
    text_add(sql, ") IN (SELECT ");
    table_key_columns(&item->parent_columns, "", sql);
    text_add(sql, " FROM ");
    text_add_identifier(sql, parent);
    text_addf(sql, " WHERE %s)", parent_condition);
}

/* DELETE or UPDATE of a child's rows under `condition`, as many as parameter `limit` says. */
static void referrers_clear(const struct referrer *item, const struct table_key *key,
                            const char *condition, size_t limit, struct text *sql)
{
    text_add(sql, item->action == ACTION_CASCADE ? "DELETE FROM " : "UPDATE ");
    text_add_identifier(sql, item->table);
    for (size_t i = 0; item->action == ACTION_SET_NULL && i < item->columns.count; i++) {
        text_add(sql, i ? ", " : " SET ");
        text_add_identifier(sql, item->columns.columns[i]);
        text_add(sql, " = NULL");
    }
    text_add(sql, " WHERE (");
    table_key_columns(key, "", sql);
    text_add(sql, ") IN (SELECT ");
    table_key_columns(key, "", sql);
    text_add(sql, " FROM ");
    text_add_identifier(sql, item->table);
    text_addf(sql, " WHERE %s LIMIT ?%zu)", condition, limit);
}

struct referrers_builder {
    struct database *database;
    size_t limit; /* the number of the parameter */
    sqlite3_stmt **statements;
    size_t count;
};

static enum status referrers_prepare(struct referrers_builder *builder, const struct referrer *item,
                                     const char *condition, struct error *error)
{
    struct table_key key = {0};
    struct text sql = {0};
    enum status status = table_key_load(builder->database, item->table, &key, error);

    if (status)
        return status;
    builder->statements =
        memory_resize(builder->statements, builder->count + 1, sizeof *builder->statements);
    referrers_clear(item, &key, condition, builder->limit, &sql);
    status =
        database_prepare(builder->database, sql.bytes, &builder->statements[builder->count], error);
    if (status == STATUS_OK)
        builder->count++;
    text_free(&sql);
    table_key_free(&key);
    return status;
}

static enum status referrers_build(struct referrers_builder *builder,
                                   const struct referrers *referrers, const char *parent_condition,
                                   struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; status == STATUS_OK && i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        struct text condition = {0};
        if (item->action != ACTION_CASCADE && item->action != ACTION_SET_NULL)
            continue;
        referrers_of(item, referrers->table, parent_condition, &condition);
        if (item->below)
            status = referrers_build(builder, item->below, condition.bytes, error);
        if (status == STATUS_OK)
            status = referrers_prepare(builder, item, condition.bytes, error);
        text_free(&condition);
    }
    return status;
}

enum status referrers_statements(struct database *database, const struct referrers *referrers,
                                 const struct table *table, sqlite3_stmt ***statements,
                                 size_t *count, struct error *error)
{
    struct referrers_builder builder = {.database = database, .limit = table->key.count + 1};
    struct text condition = {0};

    table_key_equals(&table->key, "", 1, &condition);
    enum status status = referrers_build(&builder, referrers, condition.bytes, error);
    text_free(&condition);
    if (status == STATUS_OK) {
        *statements = builder.statements;
        *count = builder.count;
        return STATUS_OK;
    }
    for (size_t i = 0; i < builder.count; i++)
        sqlite3_finalize(builder.statements[i]);
    free(builder.statements);
    return status;
}
