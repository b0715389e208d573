/*
 * The text of the triggers that note which rows of the table may change. They run in the
 * application's SQLite, so they use SQL of SQLite 3.8, and no function but strftime(). A note is a
 * suspicion, not an operation: INSERT OR REPLACE deletes rows without firing a trigger, and INSERT
 * OR IGNORE fires one and does nothing. So a row is noted with what it was, also one that NEW would
 * replace, and is looked at afresh when it is settled.
 *
 * The triggers have a lease of their own. The first of them that fires after it ran out marks it
 * dead for good; from then on they do nothing, and no exchange can rely on them.
 */
#include "rebuild_inside.h"

static const char *const triggers_names[] = {
    "_litekeeper_before_insert", "_litekeeper_after_insert", "_litekeeper_before_update",
    "_litekeeper_after_update", "_litekeeper_after_delete"};

static void triggers_add_columns(const struct shape *shape, const char *prefix, struct text *sql)
{
    if (shape->rowid)
        text_addf(sql, ", %s%s", prefix, *prefix ? shape->rowid : "_litekeeper_id");
    for (size_t i = 0; i < shape->noted_count; i++) {
        text_addf(sql, ", %s", prefix);
        text_add_identifier(sql, shape->noted[i].name);
    }
}

static void triggers_add_into(const struct shape *shape, struct text *sql)
{
    text_add(sql, " INSERT INTO " REBUILD_NOTES "(_litekeeper_old");
    triggers_add_columns(shape, "", sql);
    text_add(sql, ") ");
}

/* A row as it was. */
static void triggers_add_old(const struct shape *shape, struct text *sql)
{
    triggers_add_into(shape, sql);
    text_add(sql, "VALUES(1");
    triggers_add_columns(shape, "OLD.", sql);
    text_add(sql, ");\n");
}

/* A row that is there now, by what names it. */
static void triggers_add_new(const struct shape *shape, const char *condition, struct text *sql)
{
    text_add(sql, " INSERT INTO " REBUILD_NOTES "(_litekeeper_old");
    if (shape->rowid)
        text_add(sql, ", _litekeeper_id");
    for (size_t i = 0; !shape->rowid && i < shape->identities; i++)
        text_addf(sql, ", %s", shape->columns[shape->identity[i].at].sql);
    text_add(sql, ") SELECT 0");
    if (shape->rowid)
        text_addf(sql, ", NEW.%s", shape->rowid);
    for (size_t i = 0; !shape->rowid && i < shape->identities; i++)
        text_addf(sql, ", NEW.%s", shape->columns[shape->identity[i].at].sql);
    text_addf(sql, "%s;\n", condition);
}

/* Begins a note of rows of the table, to be followed by a condition. */
static void triggers_add_rows(const struct shape *shape, struct text *sql)
{
    triggers_add_into(shape, sql);
    text_add(sql, "SELECT 1");
    if (shape->rowid)
        text_addf(sql, ", %s", shape->rowid);
    for (size_t i = 0; i < shape->noted_count; i++) {
        text_add(sql, ", ");
        text_add_identifier(sql, shape->noted[i].name);
    }
    text_add(sql, " FROM ");
    text_add_identifier(sql, shape->table);
    text_add(sql, " WHERE ");
}

/* "column COLLATE x = NEW.column AND ...", such that SQLite finds the rows by that unique index:
 * its collations, its expressions and its condition. */
static void triggers_add_same_key(const struct shape *shape, const struct shape_unique *unique,
                                  struct text *sql)
{
    for (size_t i = 0; i < unique->count; i++) {
        const struct shape_column *column = &unique->columns[i];
        text_addf(sql, "%s%s COLLATE ", i ? " AND " : "", column->sql);
        text_add_identifier(sql, column->collation);
        text_add(sql, " = ");
        if (column->name)
            shape_add_new(column->name, unique->otherwise[i], sql);
        else
            text_addf(sql, "(SELECT %s FROM (%s))", column->sql, shape->new_row);
    }
    if (unique->where)
        text_addf(sql, " AND %s", unique->where);
}

/* Notes the rows that NEW would replace, but for `except` itself. */
static void triggers_add_replaced(const struct shape *shape, const char *except, struct text *sql)
{
    if (shape->rowid) {
        triggers_add_rows(shape, sql);
        text_addf(sql, "%s = NEW.%s%s;\n", shape->rowid, shape->rowid, except);
    }
    for (size_t i = 0; i < shape->unique_count; i++) {
        triggers_add_rows(shape, sql);
        triggers_add_same_key(shape, &shape->uniques[i], sql);
        text_addf(sql, "%s;\n", except);
    }
}

/* Before an UPDATE SQLite reads of the columns that stay only those which a trigger mentions, and
 * takes the others for NULL when it generates a column of NEW (sqlite3Update in update.c). */
static void triggers_add_mention(const struct shape *shape, struct text *sql)
{
    if (shape->generated)
        text_addf(sql, " %s;\n", shape->new_row);
}

static void triggers_begin_trigger(const struct shape *shape, size_t number, const char *moment,
                                   struct text *sql)
{
    text_addf(sql, "CREATE TRIGGER %s %s ON ", triggers_names[number], moment);
    text_add_identifier(sql, shape->table);
    text_add(sql,
             " WHEN (SELECT alive FROM " REBUILD_LEASE ") BEGIN\n"
             " UPDATE " REBUILD_LEASE " SET alive = 0 WHERE until <= strftime('%s', 'now') + 0;"
             "\n");
}

void rebuild_add_triggers(const struct shape *shape, struct text *sql)
{
    struct text except = {0}, moved = {0};

    if (shape->rowid) {
        text_addf(&except, " AND %s <> OLD.%s", shape->rowid, shape->rowid);
        text_addf(&moved, " WHERE NEW.%s <> OLD.%s", shape->rowid, shape->rowid);
    }
    triggers_begin_trigger(shape, 0, "BEFORE INSERT", sql);
    triggers_add_replaced(shape, "", sql);
    text_add(sql, "END;\n");
    triggers_begin_trigger(shape, 1, "AFTER INSERT", sql);
    triggers_add_new(shape, "", sql);
    text_add(sql, "END;\n");
    triggers_begin_trigger(shape, 2, "BEFORE UPDATE", sql);
    triggers_add_mention(shape, sql);
    triggers_add_replaced(shape, except.bytes ? except.bytes : "", sql);
    text_add(sql, "END;\n");
    triggers_begin_trigger(shape, 3, "AFTER UPDATE", sql);
    triggers_add_old(shape, sql);
    triggers_add_new(shape, moved.bytes ? moved.bytes : "", sql);
    text_add(sql, "END;\n");
    triggers_begin_trigger(shape, 4, "AFTER DELETE", sql);
    triggers_add_old(shape, sql);
    text_add(sql, "END;\n");
    text_free(&except);
    text_free(&moved);
}

void rebuild_add_drop_triggers(struct text *sql)
{
    for (size_t i = 0; i < sizeof triggers_names / sizeof *triggers_names; i++)
        text_addf(sql, "DROP TRIGGER IF EXISTS %s;\n", triggers_names[i]);
}
