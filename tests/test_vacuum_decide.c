/* The decision to vacuum, as tables of what was measured: pure, so nothing else is needed. */
#include "task_kinds.h"
#include "vacuum.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MIB       (INT64_C(1) << 20)
#define GIB       (INT64_C(1) << 30)
#define PAGE      4096
#define OF(bytes) ((bytes) / PAGE) /* pages */

/* Policies: what the rows below have in common. */
#define THRESHOLDS .free_above = 0.2, .free_bytes_above = 64 * MIB
static const struct vacuum_options
    plain = {THRESHOLDS},
    steps = {THRESHOLDS, .mode = VACUUM_INCREMENTAL}, full = {THRESHOLDS, .mode = VACUUM_FULL},
    convert = {THRESHOLDS, .convert = true},
    convert_steps = {THRESHOLDS, .convert = true, .mode = VACUUM_INCREMENTAL},
    renumber = {THRESHOLDS, .renumber_rowids = true},
    online = {THRESHOLDS, .mode = VACUUM_ONLINE, .order = true, .backup = BACKUP_NONE},
    copied = {THRESHOLDS, .mode = VACUUM_ONLINE},
    replicated = {THRESHOLDS, .mode = VACUUM_ONLINE, .backup = BACKUP_NONE, .replicated = true},
    online_convert = {THRESHOLDS, .mode = VACUUM_ONLINE, .backup = BACKUP_NONE, .convert = true},
    any = {.free_above = 0};

#define FREE(share, size) \
    share "% of the file (free_above 20%) and " size " (free_bytes_above 64.0 MiB)"

static const struct {
    const struct vacuum_options *options;
    int64_t bytes, free; /* of the file */
    int kept;
    bool act, window;
    const char *reason;
} decide_rows[] = {
    /* Both thresholds, each with its edge. */
    {&plain, GIB, 512 * MIB, KEPT_NONE, true, true,
     FREE("50.0", "512.0 MiB") " are free: a full VACUUM"},
    {&plain, 1000 * MIB, 200 * MIB, KEPT_NONE, false, true,
     "not enough is free: " FREE("20.0", "200.0 MiB")},
    {&plain, 1000 * MIB, 200 * MIB + PAGE, KEPT_NONE, true, true,
     FREE("20.0", "200.0 MiB") " are free: a full VACUUM"},
    {&plain, 128 * MIB, 64 * MIB, KEPT_NONE, false, true,
     "not enough is free: " FREE("50.0", "64.0 MiB")},
    {&plain, 128 * MIB, 64 * MIB + PAGE, KEPT_NONE, true, true,
     FREE("50.0", "64.0 MiB") " are free: a full VACUUM"},
    {&plain, GIB, 100 * MIB, KEPT_INCREMENTAL, false, false,
     "not enough is free: " FREE("9.8", "100.0 MiB")},
    {&plain, 0, 0, KEPT_NONE, false, true, "not enough is free: " FREE("0.0", "0 bytes")},
    {&any, GIB, 0, KEPT_NONE, false, true,
     "not enough is free: 0.0% of the file (free_above 0%) and 0 bytes (free_bytes_above 0 bytes)"},
    {&any, GIB, PAGE, KEPT_NONE, true, true,
     "0.0% of the file (free_above 0%) and 4.0 KiB (free_bytes_above 0 bytes) are free: a full "
     "VACUUM"},

    /* Which way, by the file and the mode. */
    {&plain, GIB, 512 * MIB, KEPT_INCREMENTAL, true, false,
     FREE("50.0", "512.0 MiB") " are free: incremental steps"},
    {&steps, GIB, 512 * MIB, KEPT_INCREMENTAL, true, false,
     FREE("50.0", "512.0 MiB") " are free: incremental steps"},
    {&full, GIB, 512 * MIB, KEPT_INCREMENTAL, true, true,
     FREE("50.0", "512.0 MiB") " are free: a full VACUUM"},
    {&plain, GIB, 0, KEPT_FULL, false, false, "not enough is free: " FREE("0.0", "0 bytes")},
    {&convert, GIB, 0, KEPT_FULL, false, false, "not enough is free: " FREE("0.0", "0 bytes")},

    {&online, GIB, 512 * MIB, KEPT_NONE, true, true,
     FREE("50.0", "512.0 MiB") " are free: online compaction"},
    {&online_convert, GIB, 0, KEPT_NONE, false, true,
     "not enough is free: " FREE("0.0", "0 bytes")},
    {&online, GIB, 0, KEPT_INCREMENTAL, false, false,
     "not enough is free: " FREE("0.0", "0 bytes")},

    /* The conversion, once. */
    {&convert, GIB, 0, KEPT_NONE, true, true,
     "auto_vacuum is NONE, and one full VACUUM turns it to INCREMENTAL (convert); free are " FREE(
         "0.0", "0 bytes")},
    {&convert_steps, GIB, 512 * MIB, KEPT_NONE, true, true,
     "auto_vacuum is NONE, and one full VACUUM turns it to INCREMENTAL (convert); free are " FREE(
         "50.0", "512.0 MiB")},
    {&convert, GIB, 0, KEPT_INCREMENTAL, false, false,
     "not enough is free: " FREE("0.0", "0 bytes")},
    {&convert, GIB, 512 * MIB, KEPT_INCREMENTAL, true, false,
     FREE("50.0", "512.0 MiB") " are free: incremental steps"},
    {&convert, 0, 0, KEPT_NONE, false, true, "not enough is free: " FREE("0.0", "0 bytes")},
};

static struct vacuum_facts facts_of(int64_t bytes, int64_t free_bytes, int kept)
{
    return (struct vacuum_facts){.page_size = PAGE,
                                 .pages = OF(bytes),
                                 .free_pages = OF(free_bytes),
                                 .kept = kept,
                                 .space = {.beside = 1000 * GIB, .temp = 1000 * GIB, .memory = -1},
                                 .busy_s = 5,
                                 .limit_s = 6 * 3600};
}

START_TEST(decisions)
{
    struct vacuum_facts facts =
        facts_of(decide_rows[_i].bytes, decide_rows[_i].free, decide_rows[_i].kept);
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    task_vacuum.decide(decide_rows[_i].options, &facts, 0, &decision);
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert_int_eq(decision.act, decide_rows[_i].act);
    ck_assert_int_eq(decision.needs_window, decide_rows[_i].window);
    ck_assert_int_eq(decision.rows, -1);
    ck_assert_int_eq(decision.bytes, decide_rows[_i].free);
    ck_assert_double_ge(decision.seconds, 0);
}
END_TEST

/* --- how long ----------------------------------------------------------------------------- */

/* A file of 2 GiB, 1 GiB of it free. */
static const struct {
    int kept;
    struct vacuum_past past;
    double seconds;
} long_rows[] = {
    /* 3 GiB are written: at 25 MB/s, then at what the last one tells, and the wait for the lock. */
    {KEPT_NONE, {.write_rate = 0}, 5 + 3.0 * GIB / 25e6},
    {KEPT_NONE, {.write_rate = 300e6, .written = GIB}, 5 + 3.0 * GIB / 150e6},
    {KEPT_NONE, {.write_rate = 30e6, .written = GIB}, 5 + 3.0 * GIB / 15e6},
    /* A small one may make it longer, not shorter. */
    {KEPT_NONE, {.write_rate = 300e6, .written = MIB}, 5 + 3.0 * GIB / 25e6},
    {KEPT_NONE, {.write_rate = 30e6, .written = MIB}, 5 + 3.0 * GIB / 15e6},
    {KEPT_NONE, {.pages_rate = 1e9}, 5 + 3.0 * GIB / 25e6},
    /* Steps: 172 us a page. */
    {KEPT_INCREMENTAL, {.pages_rate = 0}, 262144 * 172e-6},
    {KEPT_INCREMENTAL, {.pages_rate = 3000}, 262144 / 1500.0},
    {KEPT_INCREMENTAL, {.write_rate = 1, .written = GIB}, 262144 * 172e-6},
};

START_TEST(durations)
{
    struct vacuum_facts facts = facts_of(2 * GIB, GIB, long_rows[_i].kept);
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    facts.past = long_rows[_i].past;
    vacuum_decide(&plain, &facts, 0, &decision);
    ck_assert(decision.act);
    ck_assert_double_eq_tol(decision.seconds, long_rows[_i].seconds, 1e-3);
}
END_TEST

/* In WAL mode nobody is kept out, so no window is needed. */
START_TEST(online_needs_the_window_without_a_wal_alone)
{
    struct vacuum_facts facts = facts_of(GIB, 512 * MIB, KEPT_NONE);
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    facts.wal = true;
    vacuum_decide(&online, &facts, 0, &decision);
    ck_assert(decision.act && !decision.needs_window);
}
END_TEST

START_TEST(what_overruns_its_time_limit_does_not_begin)
{
    struct vacuum_facts facts = facts_of(2 * GIB, GIB, KEPT_NONE);
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    facts.limit_s = 134;
    vacuum_decide(&plain, &facts, 0, &decision);
    ck_assert(decision.act);
    facts.limit_s = 120;
    vacuum_decide(&plain, &facts, 0, &decision);
    ck_assert(!decision.act);
    ck_assert_str_eq(decision.reason,
                     FREE("50.0",
                          "1.0 GiB") " are free: a full VACUUM, which would take about "
                                     "2 min 13 s, and a task may take 2 min 0 s (time_limit)");
}
END_TEST

/* --- what forbids it ---------------------------------------------------------------------- */

#define AMPLE                                              \
    {                                                      \
        .beside = 10 * GIB, .temp = 10 * GIB, .memory = -1 \
    }
#define ROWIDS \
    "a full VACUUM may give new rowids to 2 tables without INTEGER PRIMARY KEY (\"a\", \"b\"), "

/* A file of 2 GiB, 1 GiB of it free. NULL: nothing does. */
static const struct {
    const struct vacuum_options *options;
    int kept;
    bool wal;
    const char *replicator;
    int renumbered;
    struct vacuum_space space;
    const char *why; /* its beginning */
} forbid_rows[] = {
    {&plain, KEPT_NONE, true, NULL, 0, AMPLE, NULL},
    {&plain, KEPT_NONE, false, NULL, 0, AMPLE, NULL},
    {&steps, KEPT_NONE, true, NULL, 0, AMPLE, "auto_vacuum is NONE, so free pages can't be given "},
    {&steps, KEPT_FULL, true, NULL, 0, AMPLE, "auto_vacuum is FULL, so SQLite itself gives free "},
    {&plain, KEPT_FULL, true, NULL, 0, AMPLE, "auto_vacuum is FULL, so SQLite itself gives free "},
    {&full, KEPT_FULL, true, NULL, 0, AMPLE, NULL},
    {&convert_steps, KEPT_NONE, true, NULL, 0, AMPLE, NULL},

    {&online, KEPT_NONE, true, NULL, 2, AMPLE, NULL},
    {&online, KEPT_NONE, false, NULL, 0, AMPLE, NULL},
    {&online, KEPT_FULL, true, NULL, 0, AMPLE, "auto_vacuum is FULL, so SQLite itself gives "},
    {&online, KEPT_INCREMENTAL, true, NULL, 0, AMPLE, "auto_vacuum is INCREMENTAL, for which "},
    {&copied, KEPT_NONE, true, NULL, 2, AMPLE, NULL},
    {&copied, KEPT_NONE, true, NULL, 0, {.beside = GIB + GIB / 10 + 16 * MIB, .memory = -1}, NULL},
    {&copied,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = GIB + GIB / 10 + 16 * MIB - 1, .memory = -1},
     "the copy that is made first (backup: required) needs 1.1 GiB beside the database, and 1.1 "
     "GiB "
     "are free there"},
    {&copied,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = GIB, .memory = -1, .wrong = "the folder of the database: no"},
     "the folder of the database: no"},
    {&online, KEPT_NONE, true, NULL, 0, {.memory = -1, .wrong = "that of the copy: no"}, NULL},
    {&replicated, KEPT_NONE, true, "Litestream", 0, AMPLE, NULL},
    {&online_convert, KEPT_NONE, true, NULL, 0, AMPLE, "mode: online leaves auto_vacuum as it is"},
    {&online, KEPT_NONE, true, "Litestream", 0, AMPLE,
     "Litestream replicates the database, and would have to send "},
    {&online, KEPT_NONE, true, NULL, 0, {.memory = 25 * MIB / 2}, NULL},
    {&online,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.memory = 25 * MIB / 2 - 1},
     "mode: online needs 12.5 MiB to keep track of so many pages (order: false needs less), and "
     "a "},

    {&plain, KEPT_NONE, true, "Litestream", 0, AMPLE,
     "a full VACUUM rewrites the whole database through Litestream, which replicates it: "},
    {&convert, KEPT_NONE, true, "Litestream", 0, AMPLE, "a full VACUUM rewrites the whole "},
    {&plain, KEPT_INCREMENTAL, true, "Litestream", 0, AMPLE, NULL},

    {&plain, KEPT_NONE, true, NULL, 2, AMPLE, ROWIDS},
    {&renumber, KEPT_NONE, true, NULL, 2, AMPLE, NULL},
    {&plain, KEPT_INCREMENTAL, true, NULL, 2, AMPLE, NULL},

    {&plain, KEPT_NONE, true, NULL, 0, {.wrong = "no such folder"}, "no such folder"},
    {&plain, KEPT_INCREMENTAL, true, NULL, 0, {.wrong = "no such folder"}, NULL},

    /* 1 GiB, a tenth of it and 16 MiB; the log has 24 bytes more a page. */
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 1149 * MIB, .temp = 1143 * MIB, .memory = -1},
     NULL},
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 1148 * MIB, .temp = 10 * GIB, .memory = -1},
     "a full VACUUM needs 1.1 GiB for the WAL beside the database, and 1.1 GiB are free there"},
    {&plain,
     KEPT_NONE,
     false,
     NULL,
     0,
     {.beside = 10 * MIB, .temp = 10 * GIB, .memory = -1},
     "a full VACUUM needs 1.1 GiB for the journal beside the database, and 10.0 MiB are free "
     "there"},
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 10 * GIB, .temp = 1142 * MIB, .memory = -1},
     "a full VACUUM needs 1.1 GiB for its temporary file, and 1.1 GiB are free in the folder for "
     "it (temp)"},
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 2 * GIB, .temp = 2 * GIB, .same = true, .memory = -1},
     "a full VACUUM needs 1.1 GiB for the WAL and 1.1 GiB for its temporary file, and 2.0 GiB are "
     "free on their file system"},
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 3 * GIB, .temp = 3 * GIB, .same = true, .memory = -1},
     NULL},
    {&plain, KEPT_INCREMENTAL, true, NULL, 0, {.beside = 0, .temp = 0, .memory = -1}, NULL},

    /* 262,144 pages have an index of 2 MiB. */
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 9 * GIB, .temp = 9 * GIB, .memory = 2 * MIB},
     NULL},
    {&plain,
     KEPT_NONE,
     true,
     NULL,
     0,
     {.beside = 9 * GIB, .temp = 9 * GIB, .memory = 2 * MIB - 1},
     "in WAL mode a full VACUUM of so many pages needs 2.0 MiB for the index of the WAL, and a "},
    {&plain, KEPT_NONE, false, NULL, 0, {.beside = 9 * GIB, .temp = 9 * GIB, .memory = 0}, NULL},
};

START_TEST(obstacles)
{
    struct vacuum_facts facts = facts_of(2 * GIB, GIB, forbid_rows[_i].kept);
    const char *beginning = forbid_rows[_i].why;
    struct text why = {0};

    facts.wal = forbid_rows[_i].wal;
    facts.replicator = forbid_rows[_i].replicator;
    facts.renumbered = forbid_rows[_i].renumbered;
    text_add(&facts.names, "\"a\", \"b\"");
    facts.space = forbid_rows[_i].space;
    bool forbidden = vacuum_obstacle(forbid_rows[_i].options, &facts, &why);
    ck_assert_msg(forbidden == (beginning != NULL), "%s", why.bytes ? why.bytes : "nothing");
    if (beginning)
        ck_assert_msg(strncmp(why.bytes, beginning, strlen(beginning)) == 0, "%s", why.bytes);
    text_free(&facts.names);
    text_free(&why);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vacuum_decide");
    TCase *cases = tcase_create("vacuum_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, decisions, 0, sizeof decide_rows / sizeof *decide_rows);
    tcase_add_loop_test(cases, durations, 0, sizeof long_rows / sizeof *long_rows);
    tcase_add_test(cases, online_needs_the_window_without_a_wal_alone);
    tcase_add_test(cases, what_overruns_its_time_limit_does_not_begin);
    tcase_add_loop_test(cases, obstacles, 0, sizeof forbid_rows / sizeof *forbid_rows);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
