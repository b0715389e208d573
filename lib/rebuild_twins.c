/*
 * Whether the rows violate a new unique index. In the copy, where entries lie in key order, those
 * of one key are neighbours; what is found there is noted again and settled, so that the rows
 * decide as they are now. Rows that become so later are found when they are settled.
 */
#include "rebuild_inside.h"
#include "rowlist.h"

#include <stdio.h>
#include <string.h>

enum { TWINS_SHOWN = 10, TWINS_TRIES = 20 };

struct twins {
    struct settle *settle;
    sqlite3_stmt *groups; /* keys that several entries have */
    sqlite3_stmt *note;   /* notes rows of such a key */
    struct rowlist found;
    int64_t left, doubles;
};

/* NULLs are different from each other. */
static void twins_add_groups(const struct shape *shape, struct text *sql)
{
    struct text keys = {0};

    for (size_t i = 0; i < shape->keys; i++)
        text_addf(&keys, "%sk%zu", i ? ", " : "", i + 1);
    text_addf(sql, "SELECT %s, count(*) FROM " REBUILD_NEW " WHERE 1", keys.bytes);
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, " AND k%zu NOT NULL", i + 1);
    text_addf(sql, " GROUP BY %s HAVING count(*) > 1 LIMIT %d", keys.bytes, TWINS_SHOWN);
    text_free(&keys);
}

static void twins_show(struct rebuild *rebuild, sqlite3_stmt *group)
{
    char *shown = rebuild->result->violating;
    const struct shape *shape = &rebuild->shape;
    struct text text = {0};

    if (*shown)
        text_add(&text, "; ");
    for (size_t i = 0; i < shape->keys; i++) {
        const char *value = (const char *)sqlite3_column_text(group, (int)i);
        text_addf(&text, "%s%s = %.60s", i ? ", " : "",
                  shape->columns[i].name ? shape->columns[i].name : shape->columns[i].sql, value);
    }
    text_addf(&text, " (%lld rows)", sqlite3_column_int64(group, (int)shape->keys));
    size_t length = strlen(shown);
    if (length + text.length < REBUILD_WORDS)
        snprintf(shown + length, REBUILD_WORDS - length, "%s", text.bytes);
    text_free(&text);
}

/* Notes two of the rows that have a key, by what names them. */
static void twins_add_note(const struct shape *shape, struct text *sql)
{
    text_add(sql, "INSERT INTO " REBUILD_NOTES "(_litekeeper_old");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(sql, ", %s",
                  shape->rowid ? "_litekeeper_id" : shape->columns[shape->identity[i].at].sql);
    text_add(sql, ") SELECT 0");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(sql, ", k%zu", shape->identity[i].at + 1);
    text_add(sql, " FROM " REBUILD_NEW " WHERE ");
    for (size_t i = 0; i < shape->keys; i++)
        text_addf(sql, "%sk%zu = ?%zu", i ? " AND " : "", i + 1, i + 1);
    text_add(sql, " LIMIT 2");
}

/* The first groups, as they are at this moment. */
static enum status twins_find(struct rebuild *rebuild, struct twins *twins, struct error *error)
{
    enum status status;
    bool row = false;

    rowlist_clear(&twins->found);
    *rebuild->result->violating = '\0';
    while ((status = database_step(rebuild->database, twins->groups, &row, error)) == STATUS_OK &&
           row) {
        rowlist_add(&twins->found, twins->groups, (int)rebuild->shape.keys);
        twins_show(rebuild, twins->groups);
    }
    sqlite3_reset(twins->groups);
    return status;
}

/* Whatever is noted twice in the end is so in the table, too: at this moment the two agree. */
static enum status twins_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct twins *twins = argument;
    enum status status = settle_some(twins->settle, 0, &twins->left, &twins->doubles, error);
    bool row;

    for (size_t i = 0; status == STATUS_OK && i < twins->found.count; i++) {
        rowlist_bind(&twins->found, i, 0, (int)rebuild->shape.keys, twins->note);
        status = database_step(rebuild->database, twins->note, &row, error);
        sqlite3_reset(twins->note);
    }
    return status ? status : settle_some(twins->settle, 0, &twins->left, &twins->doubles, error);
}

static enum status twins_prepare(struct rebuild *rebuild, struct twins *twins, struct error *error)
{
    struct text groups = {0}, note = {0};
    enum status status;

    twins_add_groups(&rebuild->shape, &groups);
    twins_add_note(&rebuild->shape, &note);
    if ((status = settle_open(rebuild, &twins->settle, error)) == STATUS_OK &&
        (status = database_prepare(rebuild->database, groups.bytes, &twins->groups, error)) ==
            STATUS_OK)
        status = database_prepare(rebuild->database, note.bytes, &twins->note, error);
    text_free(&groups);
    text_free(&note);
    return status;
}

/* Finds, and asks the rows; `*none` once there is nothing to be found. */
static enum status twins_try(struct rebuild *rebuild, struct twins *twins, bool *none,
                             struct error *error)
{
    bool done = false;
    enum status status = twins_find(rebuild, twins, error);

    *none = twins->found.count == 0;
    while (status == STATUS_OK && !*none && !done)
        status = rebuild_step(rebuild, twins_work, twins, &done, error);
    if (status == STATUS_OK && !*none && twins->left == 0 && twins->doubles > 0)
        return error_set(error, STATUS_REFUSED,
                         "rows of %s have the same key of the unique index %s, so it was not "
                         "built: %.300s",
                         rebuild->shape.table, rebuild->shape.index, rebuild->result->violating);
    return status;
}

enum status rebuild_twins(struct rebuild *rebuild, struct error *error)
{
    struct twins twins = {0};
    bool none = false;
    enum status status = STATUS_OK;

    if (!rebuild->shape.unique)
        return STATUS_OK;
    status = twins_prepare(rebuild, &twins, error);
    for (int i = 0; status == STATUS_OK && !none && i < TWINS_TRIES; i++)
        status = twins_try(rebuild, &twins, &none, error);
    settle_close(twins.settle);
    sqlite3_finalize(twins.groups);
    sqlite3_finalize(twins.note);
    rowlist_free(&twins.found);
    if (status == STATUS_OK && !none)
        return error_set(error, STATUS_BUSY,
                         "rows of %s keep getting the same key of the unique index %s",
                         rebuild->shape.table, rebuild->shape.index);
    return status;
}
