/*
 * Rows that stay when those that refer to old ones leave, and what they keep. What others do
 * meanwhile is done here by triggers, within litekeeper's own deletes, so that it happens each
 * time.
 */
#include "lib_cascade.h"
#include "lib_folder.h"

#include <stdlib.h>

static const struct cascade_case cases[] = {
    {.proof =
         {.name = "RESTRICT below CASCADE",
          .setup =
              PARENT CHILD(CASCADES) GRANDCHILD("REFERENCES c") "DELETE FROM g WHERE c_id > 200;",
          .options = OPTIONS(", partition: year"), /* rows 480 to 670 have a grandchild, so they and
                                                      their children stay */
          .model = "DELETE FROM c WHERE t_id > 670; DELETE FROM t WHERE " OLD
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
          .setup = PARENT CHILD(CASCADES)
              TRIGGER("old.id = 298", "UPDATE c SET note = 'changed' WHERE id = 142"),
          .options = OPTIONS(", partition: none"),
          .model = "UPDATE c SET note = 'changed' WHERE id = 142;"
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
          .setup = PARENT CHILD(CASCADES) "CREATE TRIGGER k BEFORE DELETE ON c WHEN old.id % 30 = 0"
                                          " BEGIN SELECT RAISE(ABORT, 'kept'); END;",
          .options = OPTIONS(", partition: year"),
          .model = "DELETE FROM c WHERE " OLD_CHILDREN " AND id % 30;"
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

START_TEST(stays)
{
    cascade_leaves(&cases[_i], _i % 2 ? "delete" : "wal");
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("archive_cascade_stays");
    SRunner *runner = srunner_create(suite);
    TCase *tests = tcase_create("cases");

    tcase_add_checked_fixture(tests, set_up, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, stays, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
