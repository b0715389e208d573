/*
 * Rows that refer to those that leave leave before them, for the archive, too: what is left is what
 * SQL makes of a copy, and what was archived makes the whole of it again. What others do meanwhile
 * is done here by triggers, within litekeeper's own deletes, so that it happens each time.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_restored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 1000 rows, aged 6 to 5001 hours; 100 days are 2400 hours, so rows 480 to 1000 are old. */
#define PARENT                                                                                     \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT, code TEXT UNIQUE, x);"            \
    "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(1000) "INSERT INTO t SELECT i, "                   \
                                                      "strftime('%s', " PROOF_AGO(                 \
                                                          "i * 5 + 1") ") + 0, i * 5 + 1,"         \
                                                                       " 'c' || i, CASE i % 4 "    \
                                                                       "WHEN 0 THEN i / 3.0 WHEN " \
                                                                       "1 THEN x'00ff' ELSE 'x' "  \
                                                                       "END FROM n;"
/* Three rows for every tenth row: those of 480, 490 ... 1000 are 159. */
#define CHILD(reference)                                                      \
    "CREATE TABLE c(id INTEGER PRIMARY KEY, t_id INT " reference ", note);"   \
    "CREATE INDEX c_t ON c(t_id);" PROOF_NUMBERS(                             \
        300) "INSERT INTO c SELECT i, (i + 2) / 3 * 10, 'note ' || i FROM n;" \
             "INSERT INTO c(t_id, note) VALUES (NULL, 'nobody''s');"
/* And for each of those whose number is odd one: 79. */
#define GRANDCHILD(reference)                                         \
    "CREATE TABLE g(id INTEGER PRIMARY KEY, c_id INT " reference ");" \
    "CREATE INDEX g_c ON g(c_id);" PROOF_NUMBERS(                     \
        300) "INSERT INTO g SELECT i, i FROM n WHERE i % 2;"
#define CASCADES          "REFERENCES t ON DELETE CASCADE"
#define OLD               "age > 2400"
#define OLD_CHILDREN      "t_id IN (SELECT id FROM t WHERE " OLD ")"
#define OLD_GRANDCHILDREN "c_id IN (SELECT id FROM c WHERE " OLD_CHILDREN ")"
#define GO                "DELETE FROM c WHERE " OLD_CHILDREN "; DELETE FROM t WHERE " OLD ";"
#define GO_ALL            "DELETE FROM g WHERE " OLD_GRANDCHILDREN ";" GO
#define TRIGGER(when, statement) \
    "CREATE TRIGGER amid AFTER DELETE ON c WHEN " when " BEGIN " statement "; END;"
#define OPTIONS(more) "keep: 100d, cascade: archive, archive: { directory: \"@/cold\"" more " }"

struct cascade_case {
    struct proof_case proof;
    int64_t children; /* that leave */
    int64_t kept, refused, child_changed, child_refused;
    const char
        *whole; /* SQL that makes of what was there what it was with all that came meanwhile */
};

static const struct cascade_case cases[] = {
    {.proof =
         {.name = "a child",
          .setup = PARENT CHILD(CASCADES),
          .options = OPTIONS(""),
          .model = GO,
          .reason =
              "521 rows older than 100d; 159 rows that referred to them, archived in ~ segments "
              "of ~"},
     .children = 159},
    {.proof = {.name = "a child's child, small files",
               .setup = PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES c ON DELETE CASCADE"),
               .options = OPTIONS(", partition: year, segment_rows: 150"),
               .model = GO_ALL},
     .children = 238},
    {.proof = {.name = "two children",
               .setup = PARENT CHILD(CASCADES)
                   GRANDCHILD("REFERENCES t ON DELETE CASCADE") "UPDATE g SET c_id = id * 3;",
               .options = OPTIONS(", partition: none"),
               .model = "DELETE FROM g WHERE c_id * 5 + 1 > 2400;" GO},
     .children = 229},
    {.proof = {.name = "two references of one child",
               .setup =
                   PARENT CHILD(CASCADES) "ALTER TABLE c ADD COLUMN other INT " CASCADES
                                          "; CREATE INDEX c_o ON c(other);"
                                          "UPDATE c SET other = 500 + id / 5 WHERE id % 5 = 0;",
               .options = OPTIONS(""),
               .model = "DELETE FROM c WHERE other;" GO},
     .children = 187},
    {.proof = {.name = "a child of both",
               .setup = PARENT CHILD(CASCADES) GRANDCHILD(
                   "REFERENCES c ON DELETE CASCADE") "ALTER TABLE g ADD COLUMN t_id INT " CASCADES
                                                     "; CREATE INDEX g_t ON g(t_id);"
                                                     "UPDATE g SET t_id = id * 3;",
               .options = OPTIONS(", segment_rows: 150"),
               .model = "DELETE FROM g WHERE t_id * 5 + 1 > 2400;" GO_ALL},
     .children = 238},
    {.proof = {.name = "composite keys",
               .setup = "CREATE TABLE t(a INT, b TEXT, at INT, age INT, PRIMARY KEY(a, b));"
                        "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(
                            1000) "INSERT INTO t SELECT i / 2, 'b' || i, "
                                  "strftime('%s', " PROOF_AGO("i * 5 + 1") ") + 0, i * 5 + 1 "
                                                                           "FROM n;"
                                                                           "CREATE TABLE c(y "
                                                                           "TEXT, x INT, n INT "
                                                                           "NOT NULL, o TEXT NOT "
                                                                           "NULL, rowid, oid, "
                                                                           "_rowid_,"
                                                                           " UNIQUE(o, n), "
                                                                           "FOREIGN KEY(x, y) "
                                                                           "REFERENCES t(a, b) "
                                                                           "ON DELETE CASCADE);"
                                                                           "CREATE INDEX c_xy ON "
                                                                           "c(x, y);"
                                                                           "INSERT INTO c SELECT "
                                                                           "b, a, a % 7, b || i, "
                                                                           "1, 2, 3 FROM t, "
                                                                           "(SELECT 1 i UNION "
                                                                           "SELECT "
                                                                           "2);"
                                                                           "INSERT INTO c SELECT "
                                                                           "NULL, x, n, o || "
                                                                           "'n', 1, 2, 3 FROM c;",
               .options = OPTIONS(", partition: year"),
               .model =
                   "DELETE FROM c WHERE substr(y, 2) * 5 + 1 > 2400; DELETE FROM t WHERE " OLD},
     .children = 1042},
    {.proof = {.name = "a child WITHOUT ROWID that begins with the reference",
               .setup = PARENT "CREATE TABLE c(t_id INT " CASCADES
                               ", n TEXT, note, PRIMARY KEY(t_id, n))"
                               " WITHOUT ROWID;" PROOF_NUMBERS(
                                   3000) "INSERT INTO c SELECT i % 1000 + 1, 'n' || i, i FROM n;",
               .options = OPTIONS(", partition: year, segment_rows: 500"),
               .model = GO},
     .children = 1563},
    {.proof = {.name = "a child WITHOUT ROWID, its child likewise",
               .setup = PARENT
               "CREATE TABLE c(n TEXT, m INT, t_id INT " CASCADES ", PRIMARY KEY(n, m))"
               " WITHOUT ROWID; CREATE INDEX c_t ON c(t_id);"
               "CREATE TABLE g(n TEXT, m INT, i INTEGER, PRIMARY KEY(i), FOREIGN KEY(n, m)"
               " REFERENCES c ON DELETE CASCADE) WITHOUT ROWID; CREATE INDEX g_c ON g(n, "
               "m);" PROOF_NUMBERS(
                   2000) "INSERT INTO c SELECT 'n' || i % 9, i, i % 1000 + 1 FROM "
                         "n;" PROOF_NUMBERS(2000) "INSERT INTO g SELECT 'n' || i % 9, i, i FROM n;",
               .options = OPTIONS(", partition: none, segment_rows: 800"),
               .model = "DELETE FROM g WHERE (m % 1000 + 1) * 5 + 1 > 2400;" GO},
     .children = 2084},
    {.proof = {.name = "by a unique column, which the child spells in another type",
               .setup = PARENT
               "CREATE TABLE c(t_id BLOB REFERENCES t(code) ON DELETE CASCADE, x);"
               "CREATE INDEX c_t ON c(t_id); INSERT INTO c SELECT code, id FROM t WHERE id "
               "% 100 = 0 OR id % 3 = 0;",
               .options = OPTIONS(", partition: year"),
               .model = "DELETE FROM c WHERE x > 479; DELETE FROM t WHERE " OLD},
     .children = 178},
    {.proof =
         {.name = "an index on more than the reference",
          .setup = PARENT
              CHILD(CASCADES) "DROP INDEX c_t; CREATE INDEX c_more ON c(t_id, note);" PROOF_NUMBERS(
                  2000) "INSERT INTO c(t_id, note) SELECT 777, "
                        "2000 - i FROM n;",
          .options = OPTIONS(", partition: none, segment_rows: 700"),
          .model = GO},
     .children = 2159},
    {.proof = {.name = "one parent with many children",
               .setup = PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES c ON DELETE CASCADE")
                   PROOF_NUMBERS(9000) "INSERT INTO c(t_id, note) SELECT 500 + (i > 8999), "
                                       "zeroblob(40) FROM n; INSERT INTO g(c_id) SELECT id FROM c "
                                       "WHERE t_id = 500;",
               .options = OPTIONS(", partition: none, segment_rows: 3210"),
               .model = GO_ALL},
     .children = 18240},
    {.proof = {.name = "no index on the times",
               .setup = PARENT CHILD(CASCADES) "DROP INDEX t_at;",
               .options = OPTIONS(", partition: none"),
               .model = GO},
     .children = 159},
    {.proof = {.name = "max_delete",
               .setup = PARENT CHILD(CASCADES),
               .options = "max_delete: 20%, " OPTIONS(", partition: year"),
               .model = "DELETE FROM c WHERE t_id > 800; DELETE FROM t WHERE id > 800"},
     .children = 60},
    {.proof = {.name = "max_rows, and all are of one time",
               .setup = PARENT CHILD(
                   CASCADES) "UPDATE t SET at = unixepoch() - 86400 * 200, age = 4800;",
               .options = "keep: 1000d, keep_min: 100d, max_rows: 400, cascade: archive,"
                          " archive: { directory: \"@/cold\", partition: year, segment_rows: 200 }",
               .model = "DELETE FROM c WHERE t_id <= 600; DELETE FROM t WHERE id <= 600"},
     .children = 180},

    /* --- what stays --- */
    {.proof =
         {.name = "RESTRICT below CASCADE",
          .setup =
              PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES c") "DELETE FROM g WHERE c_id > 200;",
          .options = OPTIONS(", partition: year"), /* rows 480 to 670 have a grandchild, so they and
                                                      their children stay */
          .model =
              "DELETE FROM c WHERE t_id > 670; DELETE FROM t WHERE " OLD
              " AND (id % 10 OR id > 670)",
          .reason =
              "501 rows older than 100d; 99 rows that referred to them, archived in ~; 20 kept, "
              "since rows still refer to them"},
     .children = 99,
     .kept = 20},
    {.proof = {.name = "NO ACTION beside CASCADE",
               .setup =
                   PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES t") "UPDATE g SET c_id = 500;",
               .options = OPTIONS(", partition: year"),
               .model = "DELETE FROM c WHERE " OLD_CHILDREN " AND t_id <> 500;"
                        "DELETE FROM t WHERE " OLD " AND id <> 500"},
     .children = 156,
     .kept = 1},
    {.proof = {.name = "a child that comes when its parent was passed",
               .setup = PARENT CHILD(CASCADES)
                   TRIGGER("old.t_id = 480", "INSERT INTO c VALUES (old.id + 5000, 990, 'late')"),
               .options = OPTIONS(", partition: year"),
               .model = "INSERT INTO c SELECT id + 5000, 990, 'late' FROM c WHERE t_id = 480;"
                        "DELETE FROM c WHERE " OLD_CHILDREN " AND id < 5000;"
                        "DELETE FROM t WHERE " OLD " AND id <> 990"},
     .children = 159,
     .kept = 1,
     .whole = "INSERT INTO c SELECT id + 5000, 990, 'late' FROM c WHERE t_id = 480"},
    {.proof = {.name = "a child's child that comes after its table's pass",
               .setup = PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES c ON DELETE CASCADE")
                   TRIGGER("old.id = 298", "INSERT INTO g VALUES (5000, 142)"),
               .options = OPTIONS(", partition: year"),
               .model =
                   "DELETE FROM g WHERE " OLD_GRANDCHILDREN "; INSERT INTO g VALUES (5000, 142);"
                   "DELETE FROM c WHERE " OLD_CHILDREN " AND id <> 142;"
                   "DELETE FROM t WHERE " OLD " AND id <> 480"},
     .children = 237,
     .kept = 1,
     .whole = "INSERT INTO g VALUES (5000, 142)"},
    {.proof =
         {.name = "a child that changes after it was written",
          .setup =
              PARENT CHILD(CASCADES)
                  TRIGGER("old.id = 298", "UPDATE c SET note = 'changed' WHERE id = 142"),
          .options = OPTIONS(", partition: none"),
          .model =
              "UPDATE c SET note = 'changed' WHERE id = 142;"
              "DELETE FROM c WHERE " OLD_CHILDREN " AND id <> 142;"
              "DELETE FROM t WHERE " OLD " AND id <> 480",
          .reason =
              "520 rows older than 100d; 158 rows that referred to them, archived in ~; 1 that "
              "refer to them changed meanwhile, too; 1 kept, since rows still refer to them"},
     .children = 158,
     .kept = 1,
     .child_changed = 1,
     .whole = "UPDATE c SET note = 'changed' WHERE id = 142"},
    {.proof = {.name = "a parent that gets young after its children were written",
               .setup = PARENT CHILD(CASCADES)
                   TRIGGER("old.id = 298", "UPDATE t SET at = 2000000000 WHERE id = 480"),
               .options = OPTIONS(", partition: none"),
               .model = "UPDATE t SET at = 2000000000 WHERE id = 480;"
                        "DELETE FROM c WHERE " OLD_CHILDREN " AND t_id <> 480;"
                        "DELETE FROM t WHERE " OLD " AND id <> 480"},
     .children = 156,
     .whole = "UPDATE t SET at = 2000000000 WHERE id = 480"},
    {.proof =
         {.name = "children that a trigger keeps",
          .setup =
              PARENT CHILD(CASCADES) "CREATE TRIGGER k BEFORE DELETE ON c WHEN old.id % 30 = 0"
                                     " BEGIN SELECT RAISE(ABORT, 'kept'); END;",
          .options = OPTIONS(", partition: year"),
          .model =
              "DELETE FROM c WHERE " OLD_CHILDREN " AND id % 30;"
              "DELETE FROM t WHERE " OLD " AND id NOT IN (SELECT t_id FROM c WHERE t_id)",
          .reason =
              "515 rows older than 100d; 153 rows that referred to them, archived in ~; 6 kept, "
              "since rows still refer to them; 6 that refer to them refused: kept"},
     .children = 153,
     .kept = 6,
     .child_refused = 6},
    {.proof = {.name = "a parent that a trigger keeps",
               .setup =
                   PARENT CHILD(CASCADES) "CREATE TRIGGER k BEFORE DELETE ON t WHEN old.id = 500"
                                          " BEGIN SELECT RAISE(ABORT, 'kept'); END;",
               .options = OPTIONS(", partition: year"),
               .model = "DELETE FROM c WHERE " OLD_CHILDREN "; DELETE FROM t WHERE " OLD
                        " AND id <> 500"},
     .children = 159,
     .refused = 1},
};

static int64_t effect(const struct proof_run *run, const char *key)
{
    json_t *value = json_object_get(json_object_get(run->outcome, "effect"), key);

    return value ? json_integer_value(value) : 0;
}

/* What can't be said beforehand is how many files there are, and how long. */
static void check_outcome(const struct cascade_case *c, const struct proof_run *run, int64_t rows)
{
    const struct {
        const char *key;
        int64_t wanted;
    } numbers[] = {{"child_rows", c->children},
                   {"rows_kept", c->kept},
                   {"rows_refused", c->refused},
                   {"child_rows_changed", c->child_changed},
                   {"child_rows_refused", c->child_refused},
                   {"rows_past_cutoff", c->kept + c->refused}};
    const char *outcome = json_string_value(json_object_get(run->outcome, "outcome"));
    bool by_age = !strstr(c->proof.setup, "DROP INDEX t_at");

    ck_assert_msg(outcome && strcmp(outcome, "done") == 0 && run->result.status == 0, "%s: %s%s",
                  c->proof.name, run->result.out, run->result.err);
    ck_assert_int_eq(json_integer_value(json_object_get(run->outcome, "rows")), rows);
    for (size_t i = 0; by_age && i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(effect(run, numbers[i].key) == numbers[i].wanted, "%s: %s is %lld, not %lld",
                      c->proof.name, numbers[i].key, (long long)effect(run, numbers[i].key),
                      (long long)numbers[i].wanted);
    ck_assert_int_gt(effect(run, "segments"), 1);
    const char *reason = json_string_value(json_object_get(run->outcome, "reason"));
    if (c->proof.reason)
        expect_text(c->proof.name, reason, c->proof.reason);
}

static sqlite3 *copy_of(sqlite3 *db)
{
    sqlite3 *copy = proof_open(":memory:");
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");

    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
    sqlite3_db_config(copy, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return copy;
}

static void make_directory(void)
{
    char *cold = folder_path("cold");

    ck_assert_int_eq(mkdir(cold, 0750), 0);
    free(cold);
}

/* What the archive has comes back. */
static void check_whole(const struct cascade_case *c, sqlite3 *db, sqlite3 *before)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    ck_assert_int_eq(
        proof_integer(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%keeper%'"), 0);
    ck_assert_int_eq(restored_all(db), 0);
    proof_do(before, c->whole ? c->whole : "");
    proof_same(&c->proof, before);
}

START_TEST(leaves_first)
{
    const struct cascade_case *c = &cases[_i];
    char *path = proof_path(&c->proof);
    struct proof_run run;

    make_directory();
    sqlite3 *model = proof_make(&c->proof, _i % 2 ? "delete" : "wal");
    int64_t rows = proof_gone(&c->proof, model);
    sqlite3 *db = proof_open(path), *before = copy_of(db);
    proof_run(&c->proof, &run);
    check_outcome(c, &run, rows);
    proof_same(&c->proof, model);
    check_whole(c, db, before);
    sqlite3_close(model);
    sqlite3_close(before);
    sqlite3_close(db);
    proof_free(&run);
    free(path);
}
END_TEST

/* --- what can't be done ------------------------------------------------------------------- */

static const struct proof_case refusals[] = {
    {.name = "SET NULL",
     .setup = PARENT CHILD("REFERENCES t ON DELETE SET NULL"),
     .options = OPTIONS(", partition: year"),
     .outcome = "skipped",
     .reason = "rows of c would lose what they refer to in t (SET NULL), and no archive would have "
               "that; say `cascade: delete` if that is meant"},
    {.name = "SET DEFAULT below",
     .setup = PARENT CHILD(CASCADES) GRANDCHILD("DEFAULT 7 REFERENCES c ON DELETE SET DEFAULT"),
     .options = OPTIONS(", partition: year"),
     .outcome = "skipped",
     .reason = "rows of g would lose what they refer to in c (SET DEFAULT), ~"},
    {.name = "no index on the reference",
     .setup = PARENT CHILD(CASCADES) "DROP INDEX c_t;",
     .options = OPTIONS(", partition: year"),
     .outcome = "skipped",
     .reason = "without an index the whole of c would be read for every row of t: CREATE INDEX ... "
               "ON c(\"t_id\")"},
    {.name = "a cascade within the table",
     .setup = PARENT "ALTER TABLE t ADD COLUMN up INT " CASCADES ";",
     .options = OPTIONS(", partition: year"),
     .outcome = "skipped",
     .reason = "the cascade from t to t comes back to itself or is deeper than 8 tables, ~"},
    {.name = "a cascade, and nothing said",
     .setup = PARENT CHILD(CASCADES),
     .options = "keep: 100d, archive: { directory: \"@/cold\" }",
     .outcome = "skipped",
     .reason = "deleting from t would change other tables, too: c (CASCADE); say `cascade: delete` "
               "if that is meant, or `cascade: archive`"},
    {.name = "a child's archive that can't be read",
     .setup = PARENT CHILD(CASCADES),
     .options = OPTIONS(", partition: year"),
     .status = 1,
     .outcome = "failed",
     .reason = "@/cold/d/c/_unfinished.json, which an earlier run has left, can't be read: ~"},
};

START_TEST(nothing_goes)
{
    const struct proof_case *c = &refusals[_i];

    make_directory();
    if (c->status) {
        char *database = folder_path("cold/d"), *table = folder_path("cold/d/c");
        ck_assert(mkdir(database, 0700) == 0 && mkdir(table, 0700) == 0);
        folder_write("cold/d/c/_unfinished.json", "{}");
        free(database);
        free(table);
    }
    sqlite3 *before = proof_make(c, "wal");
    proof_refused(c, before);
    sqlite3_close(before);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("archive_cascade");
    SRunner *runner = srunner_create(suite);
    TCase *tests = tcase_create("cases");

    tcase_add_checked_fixture(tests, set_up, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, leaves_first, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, nothing_goes, 0, sizeof refusals / sizeof *refusals);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
