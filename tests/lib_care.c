/* The database is app.db, and the policy has no other. */
#include "lib_care.h"

#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CARE_POLICY                    \
    "daemon: { state: \"@/state\" }\n" \
    "databases:\n"                     \
    "  - name: d\n"                    \
    "    path: \"@/app.db\"\n"

enum { CARE_SECONDS = 60, CARE_SECONDS_A_ROUND = 20, CARE_BUSY = 75, CARE_TRIES = 10 };

void care_policy(const char *lines)
{
    char *yaml = memory_format(CARE_POLICY "%s", lines);

    expect_policy(yaml);
    free(yaml);
}

static int care_collate(void *argument, int a_length, const void *a, int b_length, const void *b)
{
    int order = memcmp(a, b, (size_t)(a_length < b_length ? a_length : b_length));

    (void)argument;
    return order ? order : a_length - b_length;
}

static void care_twice(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int64(context, sqlite3_value_int64(values[0]) * 2);
}

sqlite3 *care_open(void)
{
    char *path = folder_path("app.db");
    sqlite3 *db = sql_make(path);

    sqlite3_create_collation(db, "shouting", SQLITE_UTF8, NULL, care_collate);
    sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, care_twice,
                            NULL, NULL);
    free(path);
    return db;
}

void care_sql(const char *sql)
{
    sqlite3 *db = care_open();

    sql_do(db, "%s", sql);
    sqlite3_close(db);
}

void care_make(const char *journal, const char *sql)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char *all = memory_format("PRAGMA synchronous=OFF; %s; PRAGMA journal_mode=%s", sql, journal);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = memory_format("app.db%s", endings[i]), *path = folder_path(name);
        unlink(path);
        free(path);
        free(name);
    }
    care_sql(all);
    free(all);
}

void care_expect(const char *sql, const char *expected)
{
    sqlite3 *db = care_open();

    sql_expect(db, sql, expected);
    sqlite3_close(db);
}

static int care_add_row(void *hash, int count, char **values, char **names)
{
    uint64_t *sum = hash, row = 14695981039346656037U;

    (void)names;
    for (int i = 0; i < count; i++)
        for (const char *c = values[i] ? values[i] : "\1"; *c; c++)
            row = (row ^ (unsigned char)*c) * 1099511628211U;
    *sum += row; /* in whatever order they come */
    return 0;
}

/* Read by NOT INDEXED, so that no index answers for its table. */
char *care_contents(void)
{
    sqlite3 *db = care_open();
    sqlite3_stmt *tables = sql_prepare(
        db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
            " ESCAPE '\\' ORDER BY name");
    struct text contents = {0};

    while (sqlite3_step(tables) == SQLITE_ROW) {
        char *sql =
            sqlite3_mprintf("SELECT * FROM \"%w\" NOT INDEXED", sqlite3_column_text(tables, 0));
        uint64_t sum = 0;
        ck_assert_int_eq(sqlite3_exec(db, sql, care_add_row, &sum, NULL), SQLITE_OK);
        text_addf(&contents, "%s %016llx\n", sqlite3_column_text(tables, 0),
                  (unsigned long long)sum);
        sqlite3_free(sql);
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    return text_take(&contents);
}

/* --- running ------------------------------------------------------------------------------ */

void care_start(const char *words, struct program *program)
{
    char *all = memory_format("run -c @/policy.yaml --json %s", words), *real = expect_words(all);

    program_start(program, real, false);
    free(real);
    free(all);
}

/* What program_expect has read is not in it, but the outcome comes last. */
void care_finish(struct program *program, struct care_run *run)
{
    *run = (struct care_run){0};
    program_finish(program, &run->result);
    char *copy = memory_copy(run->result.out), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        json_t *event = json_loads(line, 0, NULL);
        if (event && json_object_get(event, "outcome")) {
            json_decref(run->outcome);
            run->outcome = json_incref(event);
        }
        json_decref(event);
    }
    free(copy);
}

/* False: it is through already, and its parent has no child any more but the history's. */
static bool care_halt(struct program *program, pid_t *worker)
{
    pid_t children[FAMILY_MOST];

    if (!program_expect(program, "\"progress\""))
        return false;
    *worker = family_youngest(program->pid);
    if (*worker > 0)
        kill(*worker, SIGSTOP);
    if (family_children(program->pid, children) > 1)
        return true;
    if (*worker > 0)
        kill(*worker, SIGCONT);
    return false;
}

pid_t care_freeze(const char *words, struct program *program)
{
    pid_t worker = 0;

    for (int i = 0; i < CARE_TRIES; i++) {
        struct care_run run;
        care_start(words, program);
        if (care_halt(program, &worker))
            return worker;
        care_finish(program, &run);
        care_free(&run);
    }
    ck_abort_msg("%s: it is never met at work", words);
}

void care_run(const char *words, struct care_run *run)
{
    struct program program;

    care_start(words, &program);
    care_finish(&program, run);
}

void care_free(struct care_run *run)
{
    json_decref(run->outcome);
    program_result_free(&run->result);
}

void care_run_patiently(const char *words)
{
    int status = CARE_BUSY;

    for (int i = 0; i < CARE_TRIES && status == CARE_BUSY; i++) {
        struct care_run run;
        care_run(words, &run);
        status = run.result.status;
        const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
        printf("  %s: status %d: %.200s\n", words, status, reason ? reason : run.result.err);
        ck_assert_msg(status == 0 || status == CARE_BUSY, "%s: status %d: %s%s", words, status,
                      run.result.out, run.result.err);
        care_free(&run);
    }
    ck_assert_msg(status == 0, "%s: it stays busy", words);
}

void care_check(const char *what, const struct care_run *run, int status, const char *outcome,
                const char *reason)
{
    const char *got = json_string_value(json_object_get(run->outcome, "outcome"));
    char *said = memory_copy(json_string_value(json_object_get(run->outcome, "reason")));

    ck_assert_msg(got && said, "%s: status %d: %s%s", what, run->result.status, run->result.out,
                  run->result.err);
    char *slow = strstr(said, "; a commit alone takes "); /* what a slow disk adds */
    if (slow)
        *slow = '\0';
    ck_assert_msg(strcmp(got, outcome) == 0 && run->result.status == status, "%s: status %d: %s",
                  what, run->result.status, run->result.out);
    expect_text(what, said, reason);
    free(said);
}

char *care_whole(const char *words, int status, const char *outcome, const char *reason)
{
    struct care_run run;

    care_run(words, &run);
    care_check(words, &run, status, outcome, reason);
    char *effect = json_dumps(json_object_get(run.outcome, "effect"),
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
    care_free(&run);
    return effect;
}

/* --- the program -------------------------------------------------------------------------- */

static void care_set_up(void)
{
    folder_make();
}

int care_main(const char *name, const struct care_loop *loops, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner = srunner_create(suite);

    const char *rounds = getenv("ROUNDS");

    tcase_set_timeout(cases, CARE_SECONDS + CARE_SECONDS_A_ROUND * (rounds ? atoi(rounds) : 10));
    tcase_add_checked_fixture(cases, care_set_up, folder_remove);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(cases, loops[i].test, 0, loops[i].count);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
