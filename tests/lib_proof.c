/* Makes, runs and compares. Hashes add up, so the order in which rows come plays no part. */
#include "lib_proof.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *proof_path(const struct proof_case *c)
{
    return folder_path(c->file ? c->file : "t.db");
}

static void proof_twice(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}

static int proof_shouting(void *argument, int a_length, const void *a, int b_length, const void *b)
{
    int length = a_length < b_length ? a_length : b_length;
    int order = sqlite3_strnicmp(a, b, length);
    (void)argument;

    return order ? order : a_length - b_length;
}

sqlite3 *proof_open(const char *path)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, proof_twice,
                            NULL, NULL);
    sqlite3_create_collation(db, "shouting", SQLITE_UTF8, NULL, proof_shouting);
    return db;
}

void proof_do(sqlite3 *db, const char *sql)
{
    char *message = NULL;

    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s: %s", sql, message);
}

sqlite3_stmt *proof_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    return statement;
}

int64_t proof_integer(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = proof_prepare(db, sql);

    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

char *proof_text(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    struct text text = {0};

    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        text_add(&text, text.length ? " " : "");
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *value = sqlite3_column_text(statement, i);
            text_addf(&text, "%s%s", i ? "|" : "", value ? (const char *)value : "NULL");
        }
    }
    if (sqlite3_finalize(statement) != SQLITE_OK || !statement)
        text_addf(&text, " %s", sqlite3_errmsg(db));
    return text_take(&text);
}

/* --- making ------------------------------------------------------------------------------- */

void proof_policy(const struct proof_case *c)
{
    char *yaml = memory_format("daemon: { state: '@/state' }\n"
                               "databases:\n"
                               "  - name: d\n"
                               "    path: '@/%s'\n"
                               "%s"
                               "    retention:\n"
                               "      - { %s, %s }\n",
                               c->file ? c->file : "t.db",
                               c->limits ? c->limits : "    busy_timeout: 300ms\n",
                               c->target ? c->target : "table: t, column: at", c->options);

    expect_policy(yaml);
    free(yaml);
}

static sqlite3 *proof_copy(sqlite3 *db)
{
    sqlite3 *copy = proof_open(":memory:");
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");

    ck_assert_ptr_nonnull(backup);
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
    return copy;
}

/* In the model nothing happens but what it says: no trigger, no action of a foreign key. */
sqlite3 *proof_make(const struct proof_case *c, const char *journal)
{
    char *path = proof_path(c), *mode = memory_format("PRAGMA journal_mode = %s", journal);
    sqlite3 *db = proof_open(path);

    proof_do(db, "PRAGMA synchronous = OFF");
    proof_do(db, c->setup);
    sqlite3 *model = proof_copy(db);
    sqlite3_db_config(model, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(model, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    proof_do(model, c->model ? c->model : "");
    proof_do(db, mode);
    sqlite3_close(db);
    proof_policy(c);
    free(path);
    free(mode);
    return model;
}

/* The table's name in the target, bare or in quotes. */
static char *proof_table(const struct proof_case *c)
{
    const char *at = c->target ? strchr(c->target, ':') + 2 : "t,";
    char end[] = {*at == '"' || *at == '\'' ? *at++ : ',', '\0'};
    struct text name = {0};

    text_add_length(&name, at, strcspn(at, end));
    return text_take(&name);
}

int64_t proof_gone(const struct proof_case *c, sqlite3 *model)
{
    char *path = proof_path(c), *table = proof_table(c);
    sqlite3 *db = proof_open(path);
    struct text sql = {0};

    text_add(&sql, "SELECT count(*) FROM ");
    text_add_identifier(&sql, table);
    int64_t gone = c->model ? proof_integer(db, sql.bytes) - proof_integer(model, sql.bytes) : 0;
    text_free(&sql);
    sqlite3_close(db);
    free(table);
    free(path);
    return gone;
}

/* --- running ------------------------------------------------------------------------------ */

static void proof_read_outcome(struct proof_run *run)
{
    char *rest = run->result.out, *line;

    run->outcome = NULL;
    while ((line = strsep(&rest, "\n")) && *line) {
        json_decref(run->outcome);
        run->outcome = json_loads(line, 0, NULL);
        ck_assert_msg(json_is_object(run->outcome), "%s", line);
    }
}

void proof_start(const struct proof_case *c, struct program *program)
{
    char *words =
             memory_format("run -c @/policy.yaml --json%s d retention", c->words ? c->words : ""),
         *real = expect_words(words);

    program_start(program, real, false);
    free(real);
    free(words);
}

void proof_finish(const struct proof_case *c, struct program *program, struct proof_run *run)
{
    program_finish(program, &run->result);
    proof_read_outcome(run);
    ck_assert_msg(run->outcome || c->status, "%s: status %d\n%s", c->name, run->result.status,
                  run->result.err);
}

void proof_run(const struct proof_case *c, struct proof_run *run)
{
    struct program program;

    proof_start(c, &program);
    proof_finish(c, &program, run);
}

void proof_free(struct proof_run *run)
{
    json_decref(run->outcome);
    program_result_free(&run->result);
}

static void proof_check_invalid(const struct proof_case *c, const struct proof_run *run)
{
    ck_assert_msg(run->result.status == c->status, "%s: exit status %d", c->name,
                  run->result.status);
    expect_text(c->name, run->result.err, c->reason);
}

/* What a slow disk adds is no matter. */
static void proof_check_reason(const struct proof_case *c, const char *reason)
{
    char *copy = memory_copy(reason), *slow = strstr(copy, "; a commit alone takes ");

    if (slow)
        *slow = '\0';
    expect_text(c->name, copy, c->reason);
    free(copy);
}

void proof_check_outcome(const struct proof_case *c, const struct proof_run *run, int64_t rows)
{
    if (!run->outcome) {
        proof_check_invalid(c, run);
        return;
    }
    const char *outcome = c->outcome ? c->outcome : "done", *effect = c->effect;
    char *all = json_dumps(run->outcome, JSON_REAL_PRECISION(4));
    char *is = json_dumps(json_object_get(run->outcome, "effect"), JSON_COMPACT | JSON_ENCODE_ANY);

    if (!effect)
        effect = strcmp(outcome, "done") == 0 ? "{\"rows_past_cutoff\":0}" : "null";
    const char *got = json_string_value(json_object_get(run->outcome, "outcome"));
    ck_assert_msg(got && strcmp(got, outcome) == 0, "%s: %s", c->name, all);
    ck_assert_msg(run->result.status == c->status, "%s: exit status %d: %s", c->name,
                  run->result.status, all);
    if (c->reason)
        proof_check_reason(c, json_string_value(json_object_get(run->outcome, "reason")));
    ck_assert_msg(is && strcmp(is, effect) == 0, "%s: expected effect %s: %s", c->name, effect,
                  all);
    ck_assert_msg(json_integer_value(json_object_get(run->outcome, "rows")) == rows,
                  "%s: expected %lld rows: %s", c->name, (long long)rows, all);
    free(all);
    free(is);
}

void proof_whole(const struct proof_case *c, const char *journal)
{
    struct proof_run run;
    sqlite3 *model = proof_make(c, journal);
    int64_t gone = proof_gone(c, model);

    proof_run(c, &run);
    proof_same(c, model);
    proof_check_outcome(c, &run, gone);
    proof_free(&run);
    sqlite3_close(model);
}

static const struct proof_case *proof_cases;

static void proof_set_up(void)
{
    folder_make();
}

START_TEST(proof_one)
{
    proof_whole(&proof_cases[_i / 2], _i % 2 ? "delete" : "wal");
}
END_TEST

int proof_main(const char *name, const struct proof_case *cases, int count,
               const TTest *const *more)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    SRunner *runner = srunner_create(suite);

    proof_cases = cases;
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, proof_set_up, folder_remove);
    tcase_add_loop_test(all, proof_one, 0, 2 * count);
    for (; more && *more; more++)
        tcase_add_test(all, *more);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void proof_refused(const struct proof_case *c, sqlite3 *model)
{
    struct proof_run run;

    proof_run(c, &run);
    proof_check_outcome(c, &run, 0);
    proof_free(&run);
    if (model)
        proof_same(c, model);
}
