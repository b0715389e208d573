/*
 * Retention end to end, the limits: how many rows go, when none does, and what a policy may not
 * say yet.
 */
#include "lib_proof.h"
#include "memory.h"

#include <stdlib.h>

/* 1000 rows, aged 6 to 5001 hours, the older the greater their id; 100 days are 2400 hours. */
#define ROWS(n, at)                                                      \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT, note);" \
    "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(                         \
        n) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO(at) ") + 0, " at ", hex(i) FROM n;"
#define TABLE ROWS(1000, "i * 5 + 1")
#define SAME  ROWS(1000, "3000 + 0 * i")
#define BARE  "DROP INDEX t_at;"
#define OLD   "DELETE FROM t WHERE age > 2400"
/* Rows of very different sizes, so that a sample of leaves can't tell how many there are. */
#define UNEVEN                    \
    ROWS(20000, "i * 0.1 + 0.55") \
    "UPDATE t SET note = hex(randomblob(400)) WHERE id % 1000 < 100;"

static const struct proof_case cases[] = {
    {.name = "max_rows",
     .setup = TABLE,
     .options = "max_rows: 300, keep_min: 10d",
     .model = "DELETE FROM t WHERE id > 300",
     .reason = "700 rows older than ~Z, the oldest beyond what the policy allows"},
    {.name = "max_rows, no index",
     .setup = TABLE BARE,
     .options = "max_rows: 300, keep_min: 10d",
     .model = "DELETE FROM t WHERE id > 300"},
    {.name = "max_rows, which keep settles",
     .setup = TABLE,
     .options = "keep: 100d, max_rows: 600",
     .model = OLD,
     .reason = "521 rows older than 100d"},
    {.name = "max_rows takes no row younger than keep",
     .setup = TABLE,
     .options = "keep: 100d, max_rows: 300",
     .model = OLD,
     .reason = "521 rows older than 100d"},
    {.name = "max_rows and keep_min beside keep",
     .setup = TABLE,
     .options = "keep: 100d, keep_min: 30d, max_rows: 300",
     .model = "DELETE FROM t WHERE id > 300"},
    {.name = "max_rows takes no row younger than keep_min",
     .setup = TABLE,
     .options = "keep: 100d, keep_min: 30d, max_rows: 100",
     .model = "DELETE FROM t WHERE age > 720"},
    {.name = "max_rows takes no row younger than keep_min, no index",
     .setup = TABLE BARE,
     .options = "keep: 100d, keep_min: 30d, max_rows: 100",
     .model = "DELETE FROM t WHERE age > 720"},
    {.name = "max_rows, enough as it is",
     .setup = TABLE,
     .options = "max_rows: 1000, keep_min: 10d",
     .outcome = "skipped"},
    {.name = "max_rows, one too many",
     .setup = TABLE,
     .options = "max_rows: 999, keep_min: 10d",
     .model = "DELETE FROM t WHERE id > 999"},
    {.name = "max_rows: 0", .setup = TABLE, .options = "max_rows: 0, keep_min: 100d", .model = OLD},
    {.name = "max_rows among rows of one time",
     .setup = SAME,
     .options = "max_rows: 300, keep_min: 10d",
     .model = "DELETE FROM t WHERE id <= 700"},
    {.name = "max_rows among rows of one time, no index",
     .setup = SAME BARE,
     .options = "max_rows: 300, keep_min: 10d",
     .model = "DELETE FROM t WHERE id <= 700"},
    {.name = "max_rows counts what is no time",
     .setup = TABLE
     "UPDATE t SET at = NULL WHERE id % 2 AND id <= 400; UPDATE t SET at = 'x' WHERE id = 2",
     .options = "max_rows: 300, keep_min: 10d, format: unix",
     .model = "DELETE FROM t WHERE id IN (SELECT id FROM t WHERE typeof(at) = 'integer' "
              "ORDER BY age DESC LIMIT 700)",
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":1}"},
    {.name = "max_rows, rows of uneven size",
     .setup = UNEVEN,
     .options = "max_rows: 12000, keep_min: 1d",
     .model = "DELETE FROM t WHERE id > 12000"},
    {.name = "max_rows, rows of uneven size, no index",
     .setup = UNEVEN BARE,
     .options = "max_rows: 19000, keep_min: 1d",
     .model = "DELETE FROM t WHERE id > 19000"},
    {.name = "max_rows, rows of uneven size, enough as it is",
     .setup = UNEVEN,
     .options = "max_rows: 20000, keep_min: 1d",
     .outcome = "skipped"},
    {.name = "max_rows by text",
     .setup = TABLE "UPDATE t SET at = datetime(at, 'unixepoch')",
     .options = "max_rows: 300, keep_min: 10d, zone: UTC",
     .model = "DELETE FROM t WHERE id > 300"},
    {.name = "max_rows with max_delete",
     .setup = TABLE,
     .options = "max_rows: 300, keep_min: 10d, max_delete: 20%",
     .model = "DELETE FROM t WHERE id > 800"},
    {.name = "max_rows with max_delete among rows of one time",
     .setup = SAME,
     .options = "max_rows: 300, keep_min: 10d, max_delete: 20%",
     .model = "DELETE FROM t WHERE id <= 200"},
    {.name = "max_rows with a max_delete that allows it",
     .setup = TABLE,
     .options = "max_rows: 300, keep_min: 10d, max_delete: 70%",
     .model = "DELETE FROM t WHERE id > 300"},
    {.name = "max_rows and a child that keeps its parent",
     .setup = TABLE "CREATE TABLE c(t_id INT REFERENCES t); INSERT INTO c VALUES (1000), (1)",
     .options = "max_rows: 300, keep_min: 10d",
     .model = "DELETE FROM t WHERE id > 300 AND id < 1000",
     .effect = "{\"rows_past_cutoff\":1,\"rows_kept\":1}"},

    {.name = "max_delete, the oldest go first",
     .setup = TABLE,
     .options = "keep: 100d, max_delete: 10%",
     .model = "DELETE FROM t WHERE id > 900",
     .reason = "100 rows older than ~Z, the oldest ~; the rest is for the next run (max_delete)"},
    {.name = "max_delete, no index, keys in no order of age",
     .setup = TABLE BARE "UPDATE t SET id = 10000 + id * 7919 % 1000;",
     .options = "keep: 100d, max_delete: 10%",
     .model = "DELETE FROM t WHERE age > 4501"},
    {.name = "max_delete that allows all",
     .setup = TABLE,
     .options = "keep: 100d, max_delete: 60%",
     .model = OLD,
     .reason = "521 rows older than 100d"},
    {.name = "max_delete of less than a row",
     .setup = TABLE,
     .options = "keep: 100d, max_delete: 0.01%",
     .outcome = "skipped",
     .reason = "521 rows older than 100d; max_delete lets 0 go in one run"},
    {.name = "max_delete, rows of uneven size",
     .setup = UNEVEN,
     .options = "keep: 30d, max_delete: 25%",
     .model = "DELETE FROM t WHERE id > 15000"},

    {.name = "when_rows_above",
     .setup = TABLE,
     .options = "keep: 100d, when_rows_above: 999",
     .model = OLD},
    {.name = "when_rows_above, not yet",
     .setup = TABLE,
     .options = "keep: 100d, when_rows_above: 1000",
     .outcome = "skipped",
     .reason = "1,000 rows are not above when_rows_above 1,000"},
    {.name = "when_rows_above, uneven, not yet",
     .setup = UNEVEN,
     .options = "keep: 30d, when_rows_above: 20000",
     .outcome = "skipped",
     .reason = "20,000 rows are not above when_rows_above 20,000"},
    {.name = "when_rows_above, forced",
     .setup = TABLE,
     .words = " --force",
     .options = "keep: 100d, when_rows_above: 1000",
     .model = OLD},
    {.name = "nothing old, forced",
     .setup = TABLE,
     .words = " --force",
     .options = "keep: 300d",
     .reason = "0 rows older than 300d"},
    {.name = "--force passes no guard",
     .setup = TABLE "UPDATE t SET at = datetime(at, 'unixepoch')"
                    " WHERE id % 3 = 0",
     .words = " --force",
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "the column holds a mixture of time formats: ~"},
    {.name = "--force does not pass observe",
     .setup = TABLE,
     .words = " --force",
     .options = "keep: 100d, observe: true",
     .outcome = "skipped",
     .reason = "observe: would act on 521 rows older than 100d"},
    {.name = "observe",
     .setup = TABLE,
     .options = "keep: 100d, observe: true",
     .outcome = "skipped",
     .reason = "observe: would act on 521 rows older than 100d"},
    {.name = "observe on the database",
     .setup = TABLE,
     .limits = "    observe: true\n",
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "observe: would act on 521 rows older than 100d"},
    {.name = "steps as short as can be",
     .setup = UNEVEN,
     .limits = "    max_lock: 1ms\n",
     .options = "keep: 30d",
     .model = "DELETE FROM t WHERE age > 720"},

    {.name = "cascade: archive",
     .setup = TABLE,
     .options = "keep: 100d, cascade: archive",
     .status = 78,
     .reason = "@/policy.yaml:#:#: databases[0].retention[0].cascade: must not be archive "
               "without ~\n"},
    {.name = "a short keep that nobody meant",
     .setup = TABLE,
     .options = "keep: 23h",
     .status = 78,
     .reason = "~is shorter than a day; if that is meant, say allow_short: true\n"},
};

static const struct proof_case sized = {.name = "max_size",
                                        .setup = TABLE "UPDATE t SET note = randomblob(1000)",
                                        .options = "max_size: 500kB, keep_min: 10d"};

/* How many rows that is, is estimated; but they are the youngest, and as they were. */
static void check_size(const char *journal)
{
    struct proof_run run;
    sqlite3 *model = proof_make(&sized, journal);
    char *path = proof_path(&sized);

    proof_run(&sized, &run);
    ck_assert_int_eq(run.result.status, 0);
    sqlite3 *db = proof_open(path);
    int64_t left = proof_integer(db, "SELECT count(*) FROM t");
    char *remove = memory_format("DELETE FROM t WHERE id > %d", (int)left);
    ck_assert_msg(left > 430 && left < 550, "%d rows left", (int)left);
    ck_assert_int_eq(json_integer_value(json_object_get(run.outcome, "rows")), 1000 - left);
    proof_do(model, remove);
    proof_same(&sized, model);
    sqlite3_close(db);
    sqlite3_close(model);
    proof_free(&run);
    free(remove);
    free(path);
}

START_TEST(max_size_in_a_wal)
{
    check_size("wal");
}
END_TEST

START_TEST(max_size_with_a_journal)
{
    check_size("delete");
}
END_TEST

int main(void)
{
    const TTest *const more[] = {max_size_in_a_wal, max_size_with_a_journal, NULL};

    return proof_main("retention_limits", cases, sizeof cases / sizeof *cases, more);
}
