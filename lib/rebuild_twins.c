/*
 * Whether the rows violate a new unique index. In the copy, where entries lie in key order, those
 * of one key are neighbours; and the table is asked whether they are so now. Rows that become so
 * later are found when they are settled. Only reads.
 */
#include "rebuild_inside.h"

#include <stdio.h>
#include <string.h>

enum {
    TWINS_SHOWN = 10,
    TWINS_TEXT = 40, /* letters of a value */
    TWINS_TRIES = 20,
    TWINS_ASKED = 10 /* rows of a key */
};

struct twins {
    sqlite3_stmt *groups;  /* keys that several entries of the copy have */
    sqlite3_stmt *confirm; /* how many rows have the key ?1 ... */
    int found;             /* groups, at the last look */
};

/* NULLs are different from each other. Behind the keys their number, and the keys as SQL has them.
 */
static void twins_add_groups(const struct shape *shape, struct text *sql)
{
    struct text keys = {0}, shown = {0};

    for (size_t i = 0; i < shape->keys; i++) {
        text_addf(&keys, "%sk%zu", i ? ", " : "", i + 1);
        text_addf(&shown,
                  ", quote(CASE typeof(k%zu) WHEN 'text' THEN substr(k%zu, 1, %d)"
                  " WHEN 'blob' THEN substr(k%zu, 1, %d) ELSE k%zu END)",
                  i + 1, i + 1, TWINS_TEXT, i + 1, TWINS_TEXT / 2, i + 1);
    }
    text_addf(sql, "SELECT %s, count(*)%s FROM " REBUILD_NEW " WHERE 1", keys.bytes, shown.bytes);
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, " AND k%zu NOT NULL", i + 1);
    text_addf(sql, " GROUP BY %s HAVING count(*) > 1 LIMIT %d", keys.bytes, TWINS_SHOWN);
    text_free(&keys);
    text_free(&shown);
}

/* A column's name, or an expression without the brackets that shape_value() has put around it. */
static void twins_add_term(const struct shape_column *column, struct text *text)
{
    size_t length = strlen(column->sql);

    if (column->name || length < sizeof "(\n)")
        text_addf(text, "%.*s", TWINS_TEXT, column->name ? column->name : column->sql);
    else
        text_addf(text, "%.*s", (int)(length - 3 < TWINS_TEXT ? length - 3 : TWINS_TEXT),
                  column->sql + 1);
}

/* "company_id = 1, email = 'a@b.c' (2 rows)", if there is room for it. */
static void twins_show(struct rebuild *rebuild, sqlite3_stmt *group)
{
    char *shown = rebuild->result->violating;
    const struct shape *shape = &rebuild->shape;
    struct text text = {0};

    if (*shown)
        text_add(&text, "; ");
    for (size_t i = 0; i < shape->keys; i++) {
        const char *value = (const char *)sqlite3_column_text(group, (int)(shape->keys + 1 + i));
        text_add(&text, i ? ", " : "");
        twins_add_term(&shape->columns[i], &text);
        text_addf(&text, " = %s", value ? value : "?");
    }
    text_addf(&text, " (%lld rows)", sqlite3_column_int64(group, (int)shape->keys));
    size_t length = strlen(shown);
    if (length + text.length < REBUILD_WORDS)
        snprintf(shown + length, REBUILD_WORDS - length, "%s", text.bytes);
    text_free(&text);
}

/* How many rows of the table have that key now, of those that the copy knows for it: one query, so
 * one moment. */
static void twins_add_confirm(const struct shape *shape, struct text *sql)
{
    text_add(sql, "SELECT count(*) FROM (SELECT 1");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(sql, ", k%zu AS _litekeeper_%zu", shape->identity[i].at + 1, i);
    text_add(sql, " FROM " REBUILD_NEW " WHERE ");
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, "%sk%zu = ?%zu", i ? " AND " : "", i + 1, i + 1);
    text_addf(sql, " LIMIT %d) AS _litekeeper_known CROSS JOIN ", TWINS_ASKED);
    text_add_identifier(sql, shape->table);
    text_add(sql, " NOT INDEXED WHERE 1");
    for (size_t i = 0; i < shape->identities; i++) {
        text_add(sql, " AND ");
        text_add_identifier(sql, shape->table);
        text_addf(sql, ".%s COLLATE %s = _litekeeper_%zu",
                  shape->columns[shape->identity[i].at].sql, shape->identity[i].collation, i);
    }
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, " AND %s COLLATE %s = ?%zu", shape->columns[i].sql,
                  shape->columns[i].collation, i + 1);
    shape_add_where(shape, sql);
}

static enum status twins_confirm(struct rebuild *rebuild, struct twins *twins, bool *confirmed,
                                 struct error *error)
{
    bool row = false;

    for (int i = 0; i < (int)rebuild->shape.keys; i++)
        sqlite3_bind_value(twins->confirm, i + 1, sqlite3_column_value(twins->groups, i));
    enum status status = database_step(rebuild->database, twins->confirm, &row, error);
    *confirmed = status == STATUS_OK && row && sqlite3_column_int64(twins->confirm, 0) > 1;
    sqlite3_reset(twins->confirm);
    return status;
}

/* Asks the table about the first groups of the copy. */
static enum status twins_find(struct rebuild *rebuild, struct twins *twins, struct error *error)
{
    enum status status;
    bool row = false, confirmed = false;

    twins->found = 0;
    *rebuild->result->violating = '\0';
    while ((status = database_step(rebuild->database, twins->groups, &row, error)) == STATUS_OK &&
           row && (status = twins_confirm(rebuild, twins, &confirmed, error)) == STATUS_OK) {
        twins->found++;
        if (confirmed)
            twins_show(rebuild, twins->groups);
    }
    sqlite3_reset(twins->groups);
    if (status == STATUS_OK && *rebuild->result->violating)
        return error_set(error, STATUS_REFUSED,
                         "rows of %s have the same key of the unique index %s, so it was not "
                         "built: %.300s",
                         rebuild->shape.table, rebuild->shape.index, rebuild->result->violating);
    return status;
}

static enum status twins_prepare(struct rebuild *rebuild, struct twins *twins, struct error *error)
{
    struct text groups = {0}, confirm = {0};
    enum status status;

    twins_add_groups(&rebuild->shape, &groups);
    twins_add_confirm(&rebuild->shape, &confirm);
    if ((status = database_prepare(rebuild->database, groups.bytes, &twins->groups, error)) ==
        STATUS_OK)
        status = database_prepare(rebuild->database, confirm.bytes, &twins->confirm, error);
    text_free(&groups);
    text_free(&confirm);
    return status;
}

/* What the table does not confirm is noted, and gone from the copy once it is settled. */
enum status rebuild_twins(struct rebuild *rebuild, struct error *error)
{
    struct twins twins = {.found = 1};
    enum status status = STATUS_OK;

    if (!rebuild->shape.unique)
        return STATUS_OK;
    status = twins_prepare(rebuild, &twins, error);
    for (int i = 0; status == STATUS_OK && twins.found && i < TWINS_TRIES; i++) {
        if (i)
            status = rebuild_settle(rebuild, error);
        if (status == STATUS_OK)
            status = twins_find(rebuild, &twins, error);
    }
    sqlite3_finalize(twins.groups);
    sqlite3_finalize(twins.confirm);
    return status == STATUS_OK && twins.found ? rebuild_too_fast(rebuild, error) : status;
}
