/*
 * The rows of all tables of a file: how many each has, and a digest of what is in them, in the
 * order of their keys, rowids included. It is to tell accidents, not forgery: whichever single
 * value is another, the digest is another. Only reads.
 */
#include "vacuum.h"

#include "memory.h"
#include "wordhash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the digest --------------------------------------------------------------------------- */

static uint64_t rows_value(uint64_t digest, sqlite3_stmt *row, int column)
{
    int type = sqlite3_column_type(row, column);
    const void *bytes;
    uint64_t word = 0;
    double real;

    digest = wordhash_mix(digest, (uint64_t)type);
    if (type == SQLITE_INTEGER) {
        word = (uint64_t)sqlite3_column_int64(row, column);
    } else if (type == SQLITE_FLOAT) {
        real = sqlite3_column_double(row, column);
        memcpy(&word, &real, sizeof word);
    } else if (type != SQLITE_NULL) {
        bytes = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(row, column)
                                    : sqlite3_column_blob(row, column);
        return wordhash_bytes(digest, bytes, bytes ? (size_t)sqlite3_column_bytes(row, column) : 0);
    }
    return wordhash_mix(digest, word);
}

/* --- a table ------------------------------------------------------------------------------ */

static bool rows_has_column(sqlite3_stmt *all, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(all); i++)
        if (strcasecmp(sqlite3_column_name(all, i), name) == 0)
            return true;
    return false;
}

static enum status rows_prepare(struct database *database, const char *what, const char *table,
                                sqlite3_stmt **rows, struct error *error)
{
    struct text sql = {0};

    text_addf(&sql, "SELECT %s* FROM main.", what);
    text_add_identifier(&sql, table);
    text_add(&sql, " NOT INDEXED");
    enum status status = database_prepare(database, sql.bytes, rows, error);
    text_free(&sql);
    return status;
}

/* With the rowid, if there is one that has a name: a table WITHOUT ROWID has none. */
static enum status rows_open(struct database *database, const char *table, sqlite3_stmt **rows,
                             struct error *error)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    sqlite3_stmt *with = NULL;
    struct error none;
    enum status status = rows_prepare(database, "", table, rows, error);

    for (size_t i = 0; !status && !with && i < sizeof names / sizeof *names; i++) {
        if (rows_has_column(*rows, names[i]))
            continue;
        char *what = memory_format("%s, ", names[i]);
        enum status has = rows_prepare(database, what, table, &with, &none);
        free(what);
        if (has)
            break;
    }
    if (with) {
        sqlite3_finalize(*rows);
        *rows = with;
    }
    return status;
}

static enum status rows_table(struct database *database, struct vacuum_table *table,
                              struct error *error)
{
    sqlite3_stmt *rows = NULL;
    bool row = true;
    enum status status = rows_open(database, table->name, &rows, error);

    while (status == STATUS_OK && row) {
        status = database_step(database, rows, &row, error);
        if (status || !row)
            break;
        table->rows++;
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            table->digest = rows_value(table->digest, rows, i);
    }
    sqlite3_finalize(rows);
    return status;
}

/* --- all tables --------------------------------------------------------------------------- */

enum status vacuum_check_rows(struct database *database, struct vacuum_check *check,
                              struct error *error)
{
    sqlite3_stmt *tables = NULL;
    bool row = true;
    enum status status = database_prepare(database,
                                          "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                                          " AND rootpage > 0 ORDER BY name",
                                          &tables, error);

    while (status == STATUS_OK && row) {
        status = database_step(database, tables, &row, error);
        if (status || !row)
            break;
        check->tables = memory_resize(check->tables, check->count + 1, sizeof *check->tables);
        struct vacuum_table *table = &check->tables[check->count++];
        *table = (struct vacuum_table){
            .name = memory_copy((const char *)sqlite3_column_text(tables, 0))};
        status = rows_table(database, table, error);
    }
    sqlite3_finalize(tables);
    return status;
}

/* --- comparing ---------------------------------------------------------------------------- */

static bool rows_same(const struct vacuum_table *before, const struct vacuum_table *after,
                      struct text *why)
{
    char count[TEXT_SHORT], other[TEXT_SHORT];
    char *name = memory_copy_length(before->name, strnlen(before->name, 60));

    text_sanitize(name);
    if (strcmp(before->name, after->name) != 0)
        text_addf(why, "table \"%s\" is not there", name);
    else if (before->rows != after->rows)
        text_addf(why, "table \"%s\" has %s, and had %s", name,
                  text_counted(count, after->rows, "row"), text_count(other, before->rows));
    else if (before->digest != after->digest)
        text_addf(why, "in table \"%s\" a row is another one", name);
    free(name);
    return why->length == 0;
}

bool vacuum_check_same(const struct vacuum_check *before, const struct vacuum_check *after,
                       struct text *why)
{
    size_t both = before->count < after->count ? before->count : after->count;

    for (size_t i = 0; i < both; i++)
        if (!rows_same(&before->tables[i], &after->tables[i], why))
            return false;
    if (before->count != after->count)
        text_addf(why, "it has %zu tables, and had %zu", after->count, before->count);
    return before->count == after->count;
}

void vacuum_check_free(struct vacuum_check *check)
{
    for (size_t i = 0; i < check->count; i++)
        free(check->tables[i].name);
    free(check->tables);
    *check = (struct vacuum_check){0};
}
