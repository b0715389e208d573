/* What integrity decides, and what it makes of SQLite's findings: pure. */
#include "findings.h"
#include "task_integrity.h"
#include "task_kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((int64_t)1 << 20)

static const struct {
    int level;
    int64_t bytes;
    bool wal;
    const char *effect; /* of the last check; NULL: there was none */
    double took;        /* it */
    bool needs_window;
    double least, most; /* seconds expected */
    const char *reason;
} decide_rows[] = {
    {INTEGRITY_QUICK, 1000 * MIB, true, NULL, 0, false, 8, 16, "quick_check of 1000.0 MiB"},
    {INTEGRITY_FULL, 1000 * MIB, true, NULL, 0, false, 14, 24, "integrity_check of 1000.0 MiB"},
    {INTEGRITY_QUICK, 1000 * MIB, false, NULL, 0, true, 8, 16,
     "quick_check of 1000.0 MiB, during which nobody can write, for want of a WAL"},
    {INTEGRITY_QUICK, MIB / 8, false, NULL, 0, false, 0, 0.01, "quick_check of 128.0 KiB"},
    {INTEGRITY_QUICK, 0, false, NULL, 0, false, 0, 0, "quick_check of 0 bytes"},

    /* By the last one: as long for each byte, and half as much again. */
    {INTEGRITY_QUICK, 200 * MIB, true, "{\"level\":\"quick\",\"bytes\":104857600}", 10, false, 29.9,
     30.1, "quick_check of 200.0 MiB"},
    {INTEGRITY_QUICK, 100 * MIB, false, "{\"level\":\"quick\",\"bytes\":104857600}", 0.001, false,
     0.0014, 0.0016, "quick_check of 100.0 MiB"},
    /* ... if it was the same check, and makes sense. */
    {INTEGRITY_FULL, 100 * MIB, true, "{\"level\":\"quick\",\"bytes\":104857600}", 1000, false, 1,
     3, "integrity_check of 100.0 MiB"},
    {INTEGRITY_QUICK, 100 * MIB, true, "{\"level\":\"quick\",\"bytes\":0}", 1000, false, 1, 3,
     "quick_check of 100.0 MiB"},
    {INTEGRITY_QUICK, 100 * MIB, true, "{\"level\":7,\"bytes\":\"x\"}", 1000, false, 1, 3,
     "quick_check of 100.0 MiB"},
    {INTEGRITY_QUICK, 100 * MIB, true, "{}", 1000, false, 1, 3, "quick_check of 100.0 MiB"},
};

START_TEST(decisions)
{
    struct integrity_options options = {.level = decide_rows[_i].level};
    json_t *effect = decide_rows[_i].effect ? json_loads(decide_rows[_i].effect, 0, NULL) : NULL;
    struct integrity_facts facts = {.bytes = decide_rows[_i].bytes,
                                    .wal = decide_rows[_i].wal,
                                    .max_lock_seconds = 0.01,
                                    .last = {.seconds = decide_rows[_i].took, .effect = effect}};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    task_integrity.decide(&options, &facts, 0, &decision);
    ck_assert(decision.act); /* the schedule has decided */
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert(decision.needs_window == decide_rows[_i].needs_window);
    ck_assert_double_ge(decision.seconds, decide_rows[_i].least);
    ck_assert_double_le(decision.seconds, decide_rows[_i].most);
    json_decref(effect);
}
END_TEST

#define INDEX_ADVICE "; the tables are sound, and REINDEX mends their indexes"
#define ROW_ADVICE                                                                           \
    "; the file is sound, but these rows break what their table or index declares, and have" \
    " to be mended by hand"
#define FILE_ADVICE                                                                             \
    "; restore the file from a backup, or save what can be saved with .recover of the sqlite3 " \
    "shell, and look for failing storage"

static const struct {
    const char *values[4]; /* of the pragma's rows */
    int64_t count;
    const char *said; /* NULL: nothing was found */
} findings_rows[] = {
    {{"ok"}, 0, NULL},
    {{""}, 0, NULL},
    {{"row 5 missing from index t_a"},
     1,
     "1 problem, the first: row 5 missing from index t_a" INDEX_ADVICE},
    {{"wrong # of entries in index t_a", "row 5 missing from index t_a"},
     2,
     "2 problems, the first: wrong # of entries in index t_a" INDEX_ADVICE},
    {{"row 5 missing from index t_a", "NULL value in t.a"},
     2,
     "2 problems, the first: row 5 missing from index t_a" ROW_ADVICE},
    {{"non-unique entry in index t_a"},
     1,
     "1 problem, the first: non-unique entry in index t_a" ROW_ADVICE},
    {{"CHECK constraint failed in t", "NUMERIC value in t.a", "TEXT value in t.b",
      "non-INT value in t.c"},
     4,
     "4 problems, the first: CHECK constraint failed in t" ROW_ADVICE},
    {{"*** in database main ***\nPage 7: btreeInitPage() returns error code 11\nPage 9 is never "
      "used",
      "row 1 missing from index i"},
     3,
     "3 problems, the first: Page 7: btreeInitPage() returns error code 11" FILE_ADVICE},
    {{"something new\033[31m"}, 1, "1 problem, the first: something new?[31m" FILE_ADVICE},
    {{"\n\nPage 1: a\n\n"}, 1, "1 problem, the first: Page 1: a" FILE_ADVICE},
};

START_TEST(meanings)
{
    struct findings findings = {0};
    struct text said = {0};

    for (int i = 0; i < 4 && findings_rows[_i].values[i]; i++)
        findings_add(&findings, findings_rows[_i].values[i]);
    ck_assert_int_eq(findings.count, findings_rows[_i].count);
    ck_assert((findings.worst == FINDINGS_NONE) == !findings_rows[_i].said);
    if (findings_rows[_i].said) {
        findings_say(&findings, &said);
        ck_assert_str_eq(said.bytes, findings_rows[_i].said);
    }
    text_free(&said);
    findings_free(&findings);
}
END_TEST

/* However much is wrong, what is kept of it is little. */
START_TEST(many_and_long)
{
    struct findings findings = {0};
    struct text said = {0};
    char line[5000];

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < FINDINGS_MOST; i++)
        findings_add(&findings, line);
    findings_say(&findings, &said);
    ck_assert_ptr_nonnull(strstr(said.bytes, "100 problems or more, the first: xxx"));
    ck_assert_uint_lt(said.length, 512);
    json_t *list = findings_json(&findings);
    ck_assert_uint_eq(json_array_size(list), FINDINGS_KEPT);
    ck_assert_uint_eq(json_string_length(json_array_get(list, 0)), FINDINGS_TEXT);
    json_decref(list);
    text_free(&said);
    findings_free(&findings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integrity_decide");
    TCase *cases = tcase_create("integrity_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, decisions, 0, (int)(sizeof decide_rows / sizeof *decide_rows));
    tcase_add_loop_test(cases, meanings, 0, (int)(sizeof findings_rows / sizeof *findings_rows));
    tcase_add_test(cases, many_and_long);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
