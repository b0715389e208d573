/*
 * Rows that refer to those that leave leave before them, for the archive, too: by whatever key, on
 * however long a way; and what of it can't be done is refused before anything goes.
 */
#include "lib_cascade.h"
#include "lib_folder.h"

#include <stdlib.h>
#include <sys/stat.h>

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
    {.proof = {.name = "years without an index",
               .setup = PARENT "DROP INDEX t_at;" CHILD(CASCADES),
               .options = OPTIONS(", partition: year"),
               .model = GO},
     .children = 159},
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
};

START_TEST(leaves_first)
{
    cascade_leaves(&cases[_i], _i % 2 ? "delete" : "wal");
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

    cascade_make_directory();
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
