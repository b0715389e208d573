/* Runs the real program; compares through the archive's own notion of a value. */
#include "lib_brought.h"

#include "archive_value.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

sqlite3 *brought_archive(const struct proof_case *c, const char *journal)
{
    char *cold = folder_path("cold");
    struct proof_run run;

    ck_assert(mkdir(cold, 0700) == 0);
    free(cold);
    sqlite3 *before = proof_make(c, journal);
    proof_run(c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(outcome && strcmp(outcome, "done") == 0, "%s: %s%s", c->name, run.result.out,
                  run.result.err);
    proof_free(&run);
    return before;
}

json_t *brought_restore(const char *words, int status)
{
    char *all = memory_format("restore -c @/policy.yaml --json d t %s", words);
    struct program_result result;
    json_t *effect = NULL;

    expect_run(all, &result);
    ck_assert_msg(result.status == status, "%s: exit status %d\n%s%s", words, result.status,
                  result.out, result.err);
    for (char *rest = result.out, *line; (line = strsep(&rest, "\n")) && *line;) {
        json_t *event = json_loads(line, 0, NULL);
        const char *kind = json_string_value(json_object_get(event, "event"));
        if (kind && strcmp(kind, "outcome") == 0)
            effect = json_incref(json_object_get(event, "effect"));
        json_decref(event);
    }
    program_result_free(&result);
    free(all);
    return json_is_object(effect) ? effect : json_object();
}

int64_t brought_count(const json_t *effect, const char *key)
{
    return json_integer_value(json_object_get(effect, key));
}

void brought_same(sqlite3 *one, sqlite3 *other, const char *query, const char *what)
{
    sqlite3_stmt *mine = proof_prepare(one, query), *theirs = proof_prepare(other, query);
    struct archive_value a, b;
    int64_t row = 0;
    int rc;

    while ((rc = sqlite3_step(mine)) == SQLITE_ROW) {
        ck_assert_msg(sqlite3_step(theirs) == SQLITE_ROW, "%s: only %lld rows", what,
                      (long long)row);
        for (int i = 0; i < sqlite3_column_count(mine); i++) {
            archive_value_of(mine, i, &a);
            archive_value_of(theirs, i, &b);
            ck_assert_msg(archive_value_same(&a, &b), "%s: row %lld, %s: %s and %s", what,
                          (long long)row, sqlite3_column_name(mine, i),
                          (const char *)sqlite3_column_text(mine, i),
                          (const char *)sqlite3_column_text(theirs, i));
        }
        row++;
    }
    ck_assert_int_eq(rc, SQLITE_DONE);
    ck_assert_msg(sqlite3_step(theirs) == SQLITE_DONE, "%s: more than %lld rows", what,
                  (long long)row);
    sqlite3_finalize(mine);
    sqlite3_finalize(theirs);
}

sqlite3 *brought_open(const char *name)
{
    char *path = folder_path(name);
    sqlite3 *db = proof_open(path);

    free(path);
    return db;
}

void brought_query(const char *name, const char *sql, const char *expected)
{
    sqlite3 *db = brought_open(name);
    char *text = proof_text(db, sql);

    ck_assert_msg(strcmp(text, expected) == 0, "%s, %s: %s instead of %s", name, sql, text,
                  expected);
    sqlite3_close(db);
    free(text);
}

void brought_change(const char *sql)
{
    sqlite3 *db = brought_open("t.db");

    proof_do(db, sql);
    sqlite3_close(db);
}

void brought_check(const char *name, const json_t *effect, const char *counts, const char *named)
{
    char *text = json_dumps(effect, 0);
    char *found = memory_format("%lld %lld %lld %lld", (long long)brought_count(effect, "rows_put"),
                                (long long)brought_count(effect, "rows_there"),
                                (long long)brought_count(effect, "rows_conflicting"),
                                (long long)brought_count(effect, "rows_refused"));

    ck_assert_msg(strcmp(found, counts) == 0 && (!named || strstr(text, named)), "%s: %s", name,
                  text);
    free(found);
    free(text);
}
