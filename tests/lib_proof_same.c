/* Whether a database has what its model has: tables by the sums of their rows, answers by their
 * text. */
#include "lib_proof.h"

#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t proof_mix(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}

static uint64_t proof_hash(sqlite3_stmt *row)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (int i = 0; i < sqlite3_column_count(row); i++) {
        int type = sqlite3_column_type(row, i), length = sqlite3_column_bytes(row, i);
        double real = sqlite3_column_double(row, i);
        hash = proof_mix(hash, &type, sizeof type);
        if (type == SQLITE_FLOAT)
            hash = proof_mix(hash, &real, sizeof real);
        else
            hash = proof_mix(hash, sqlite3_column_blob(row, i), (size_t)length);
    }
    return hash ^ hash >> 29;
}

/* Every row with its rowid, where one can be named. */
static sqlite3_stmt *proof_rows(sqlite3 *db, const char *table)
{
    struct text sql = {0};
    sqlite3_stmt *statement = NULL;

    for (int i = 0; !statement && i < 2; i++) {
        text_clear(&sql);
        text_add(&sql, i ? "SELECT * FROM " : "SELECT rowid, * FROM ");
        text_add_identifier(&sql, table);
        sqlite3_prepare_v2(db, sql.bytes, -1, &statement, NULL);
    }
    ck_assert_msg(statement != NULL, "%s: %s", table, sqlite3_errmsg(db));
    text_free(&sql);
    return statement;
}

/* "1000 rows, 123456789", of all its rows and columns. */
static char *proof_sum(sqlite3 *db, const char *table)
{
    sqlite3_stmt *rows = proof_rows(db, table);
    uint64_t sum = 0;
    int64_t count = 0;

    for (; sqlite3_step(rows) == SQLITE_ROW; count++)
        sum += proof_hash(rows);
    ck_assert_int_eq(sqlite3_finalize(rows), SQLITE_OK);
    return memory_format("%lld rows, %llu", (long long)count, (unsigned long long)sum);
}

static void proof_same_text(const struct proof_case *c, const char *what, char *is, char *should)
{
    ck_assert_msg(strcmp(is, should) == 0, "%s: %s is\n%s\nand should be\n%s", c->name, what, is,
                  should);
    free(is);
    free(should);
}

static void proof_same_answer(const struct proof_case *c, const char *sql, sqlite3 *db,
                              sqlite3 *model)
{
    proof_same_text(c, sql, proof_text(db, sql), proof_text(model, sql));
}

void proof_same(const struct proof_case *c, sqlite3 *model)
{
    char *path = proof_path(c);
    sqlite3 *db = proof_open(path);
    sqlite3_stmt *tables =
        proof_prepare(model,
                      "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0");

    proof_same_text(c, "integrity_check", proof_text(db, "PRAGMA integrity_check"),
                    memory_copy("ok"));
    proof_same_answer(c, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
                      db, model);
    proof_same_answer(c, "PRAGMA foreign_key_check", db, model);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        proof_same_text(c, table, proof_sum(db, table), proof_sum(model, table));
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    free(path);
}
