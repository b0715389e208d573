/*
 * The care around edited pages, phase by phase: what becomes of the copy, however the work ends; a
 * doubt; and a window that closes. It needs the own build (see test_vacuum_online.c).
 */
#include "lib_caring.h"
#include "lib_opened.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static const char *const modes[] = {"wal", "delete"};

/* The very rows and rowids, in a file that others can't read, though they can the database. */
START_TEST(what_the_copy_is)
{
    struct caring stage;
    struct stat about;

    caring_begin(&stage, modes[_i]);
    caring_before(&stage);
    ck_assert_int_eq(stat("app.db" IDENTITY_COPY, &about), 0);
    ck_assert_int_eq(about.st_mode & 07777, 0640);
    ck_assert_int_eq(about.st_size, stage.care.copy_bytes);
    ck_assert(!caring_here(IDENTITY_PART));
    sqlite3 *db = sql_open("app.db");
    sql_do(db, "ATTACH 'app.db" IDENTITY_COPY "' AS copy");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM copy.t"), 300);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM (SELECT rowid, * FROM main.t EXCEPT"
                                    " SELECT rowid, * FROM copy.t)"),
                     0);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE"
                                    " integrity_check <> 'ok'"),
                     0);
    sqlite3_close(db);
    caring_end(&stage);
}
END_TEST

/* How the work ends, what was done before, and what becomes of the copy. */
static const struct {
    const char *name;
    enum status worked;
    bool moved;
    enum status status;
    enum vacuum_copy_fate copy;
    const char *why;
} endings_of_work[] = {
    {"done", STATUS_OK, true, STATUS_OK, COPY_REMOVED, NULL},
    {"stopped at once", STATUS_CANCELLED, false, STATUS_CANCELLED, COPY_REMOVED, "it was"},
    {"refused at once", STATUS_REFUSED, false, STATUS_REFUSED, COPY_REMOVED, "it was"},
    {"failed at once", STATUS_FAILED, false, STATUS_FAILED, COPY_REMOVED, "it was"},
    {"stopped in the middle", STATUS_CANCELLED, true, STATUS_CANCELLED, COPY_MADE, "it was"},
    {"busy in the middle", STATUS_BUSY, true, STATUS_BUSY, COPY_MADE, "it was"},
    {"refused in the middle", STATUS_REFUSED, true, STATUS_FAILED, COPY_REMOVED,
     "it was; integrity_check is ok afterwards"},
    {"failed in the middle", STATUS_FAILED, true, STATUS_FAILED, COPY_REMOVED,
     "it was; integrity_check is ok afterwards"},
};

START_TEST(how_it_ends)
{
    struct error error = {.text = "it was"};
    struct caring stage;

    printf("  %s\n", endings_of_work[_i].name);
    fflush(stdout);
    caring_begin(&stage, "wal");
    caring_before(&stage);
    if (endings_of_work[_i].moved)
        caring_compact(&stage);
    enum status status = vacuum_care_after(&stage.care, endings_of_work[_i].worked, &error);
    ck_assert_int_eq(status, endings_of_work[_i].status);
    ck_assert_int_eq(stage.care.copy, endings_of_work[_i].copy);
    ck_assert_int_eq(caring_here(IDENTITY_COPY), endings_of_work[_i].copy == COPY_MADE);
    if (endings_of_work[_i].why)
        ck_assert_str_eq(error.text, endings_of_work[_i].why);
    caring_end(&stage);
}
END_TEST

/* --- without a copy ----------------------------------------------------------------------- */

static void begin_without(struct caring *stage, const char *mode)
{
    struct error error = {0};

    caring_begin(stage, mode);
    stage->care.backup = false;
    ck_assert(!caring_here(IDENTITY_MARK));
    ck_assert_msg(!vacuum_care_before(&stage->care, &error), "%s", error.text);
    ck_assert_int_eq(stage->care.copy, COPY_NONE);
    ck_assert(caring_here(IDENTITY_MARK));
}

/* The mark stays where the copy would, and goes where that goes. */
START_TEST(the_mark)
{
    struct error error = {.text = "it was"};
    struct caring stage;

    begin_without(&stage, "wal");
    if (endings_of_work[_i].moved)
        caring_compact(&stage);
    enum status status = vacuum_care_after(&stage.care, endings_of_work[_i].worked, &error);
    ck_assert_int_eq(status, endings_of_work[_i].status);
    ck_assert_int_eq(caring_here(IDENTITY_MARK), endings_of_work[_i].copy == COPY_MADE);
    ck_assert(!caring_here(IDENTITY_COPY));
    caring_end(&stage);
}
END_TEST

/* As if the file had been found sound a second ago. */
static enum status before_known(struct caring *stage, struct error *error)
{
    caring_resume(stage);
    stage->care.backup = false;
    stage->engine.now_us = 2000000;
    stage->care.sound_us = 1000000;
    return vacuum_care_before(&stage->care, error);
}

/* Only while there is a mark does the integrity_check that it asks for find what the audit can't:
 * an entry of an index that is another one than its row. */
START_TEST(the_mark_of_a_killed_run)
{
    struct error error = {0};
    struct caring stage;

    begin_without(&stage, modes[_i]);
    caring_compact(&stage);
    caring_end(&stage);
    opened_sql("PRAGMA wal_checkpoint(TRUNCATE)");
    opened_close();
    ck_assert_int_ge(caring_damage("app.db", false), 2);

    ck_assert_int_eq(before_known(&stage, &error), STATUS_REFUSED);
    ck_assert_str_eq(error.text, "integrity_check says: row 111 missing from index i");
    ck_assert(caring_here(IDENTITY_MARK));
    caring_end(&stage);

    ck_assert_int_eq(unlink("app.db" IDENTITY_MARK), 0);
    ck_assert_msg(before_known(&stage, &error) == STATUS_OK, "%s", error.text);
    caring_end(&stage);
}
END_TEST

/* A doubt, without a copy: the mark has the next run look once more. */
START_TEST(a_doubt_without_a_copy)
{
    struct error error = {0};
    struct caring stage;

    begin_without(&stage, "delete");
    caring_compact(&stage);
    ck_assert_int_ge(caring_damage("app.db", false), 2);
    ck_assert_int_eq(vacuum_care_after(&stage.care, STATUS_OK, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text,
                     "after the pages were moved: integrity_check says: row 111 missing "
                     "from index i; stop the application, and if the file is damaged "
                     "go back to your copy of it");
    ck_assert(caring_here(IDENTITY_MARK));
    caring_end(&stage);
    ck_assert_int_eq(before_known(&stage, &error), STATUS_REFUSED);
    caring_end(&stage);
}
END_TEST

/* --- doubts ------------------------------------------------------------------------------- */

/* A row that changes though nobody has committed, with its entry in the index or without. */
static const struct {
    bool all;
    const char *why;
} damages[] = {
    {true, "the rows are not those of before, and nobody else has written: in table \"t\" a row is "
           "another one"},
    {false, "integrity_check says: row 111 missing from index i"},
};

/* A doubt: the copy stays, has a name of its own, and no later run goes on beside it. */
START_TEST(a_doubt)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "delete");
    caring_before(&stage);
    caring_compact(&stage);
    char *why =
        memory_format("after the pages were moved: %s; stop the application, and if the file "
                      "is damaged go back to its copy, /srv/app.db-litekeeper-kept",
                      damages[_i].why);

    ck_assert_int_ge(caring_damage("app.db", damages[_i].all), 2);
    ck_assert_int_eq(vacuum_care_after(&stage.care, STATUS_OK, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, why);
    free(why);
    ck_assert_int_eq(stage.care.copy, COPY_KEPT);
    ck_assert(!caring_here(IDENTITY_COPY));
    ck_assert(caring_here(IDENTITY_KEPT));
    caring_end(&stage);

    caring_resume(&stage);
    ck_assert_int_eq(vacuum_care_before(&stage.care, &error), STATUS_REFUSED);
    ck_assert(caring_here(IDENTITY_KEPT));
    caring_end(&stage);
}
END_TEST

/* What others have written meanwhile is no doubt. */
START_TEST(others_write)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, modes[_i]);
    caring_before(&stage);
    caring_compact(&stage);
    opened_sql("INSERT INTO t VALUES('one more'); DELETE FROM t WHERE v LIKE '%3'");
    ck_assert_msg(!vacuum_care_after(&stage.care, STATUS_OK, &error), "%s", error.text);
    ck_assert(stage.care.checked);
    ck_assert(!stage.care.compared);
    ck_assert_int_eq(stage.care.copy, COPY_REMOVED);
    caring_end(&stage);
}
END_TEST

/* It closes after the pages were moved: told, and the copy stays for the next run. */
static int asks_for_mode(void *count, int action, const char *what, const char *value,
                         const char *schema, const char *trigger)
{
    (void)value;
    (void)schema;
    (void)trigger;
    *(int *)count += action == SQLITE_PRAGMA && strcmp(what, "journal_mode") == 0;
    return SQLITE_OK;
}

/* Amid a read of a connection nothing else may be asked of it: SQLite would read the schema from a
 * page that is not there yet, and say that the file is no database. */
START_TEST(a_look_amid_a_read)
{
    struct error error = {0};
    struct caring stage;
    int asked = 0;

    caring_begin(&stage, "wal");
    sqlite3_set_authorizer(database_sql(stage.care.reading), asks_for_mode, &asked);
    struct vacuum_listen listen = {.care = &stage.care, .database = stage.care.reading};
    vacuum_listen_open(&listen);
    ck_assert_msg(!vacuum_check_integrity(stage.care.reading, &error), "%s", error.text);
    vacuum_listen_close(&listen);
    ck_assert_int_eq(asked, 0);
    caring_end(&stage);
}
END_TEST

/* What a check has found is told, even if it was to end in the same moment. */
START_TEST(found_before_it_ended)
{
    const struct vacuum_care care = {.enough = true, .closed = true};
    struct error error = {0};

    ck_assert_int_eq(vacuum_listen_ended(&care, "x", STATUS_REFUSED, &error), STATUS_REFUSED);
    ck_assert_int_eq(vacuum_listen_ended(&care, "x", STATUS_CANCELLED, &error), STATUS_BUSY);
    ck_assert_msg(strstr(error.text, "the policy's window has closed"), "%s", error.text);
}
END_TEST

START_TEST(the_window_closes_at_the_end)
{
    struct error error = {0};
    struct caring stage;
    struct text said = {0};
    json_t *found = json_object();

    caring_begin(&stage, "delete");
    caring_before(&stage);
    caring_compact(&stage);
    caring_job.outside_window = false;
    ck_assert_int_eq(vacuum_care_after(&stage.care, STATUS_OK, &error), STATUS_OK);
    vacuum_care_tell(&stage.care, found, &said);
    ck_assert_str_eq(said.bytes,
                     "; it was not checked afterwards, since the window had closed, and its copy "
                     "/srv/app.db-litekeeper-copy stays until the next run has checked it");
    ck_assert_str_eq(json_string_value(json_object_get(found, "copy")), "left");
    ck_assert(caring_here(IDENTITY_COPY));
    caring_end(&stage);
    caring_job.outside_window = true;

    caring_resume(&stage);
    ck_assert_msg(!vacuum_care_settle(&stage.care, &error), "%s", error.text);
    ck_assert(!caring_here(IDENTITY_COPY));
    caring_end(&stage);
    json_decref(found);
    text_free(&said);
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, opened_set_up, opened_tear_down);
    tcase_add_loop_test(some, what_the_copy_is, 0, LENGTH(modes));
    tcase_add_loop_test(some, how_it_ends, 0, LENGTH(endings_of_work));
    tcase_add_loop_test(some, the_mark, 0, LENGTH(endings_of_work));
    tcase_add_loop_test(some, the_mark_of_a_killed_run, 0, LENGTH(modes));
    tcase_add_test(some, a_doubt_without_a_copy);
    tcase_add_loop_test(some, a_doubt, 0, LENGTH(damages));
    tcase_add_loop_test(some, others_write, 0, LENGTH(modes));
    tcase_add_test(some, a_look_amid_a_read);
    tcase_add_test(some, found_before_it_ended);
    tcase_add_test(some, the_window_closes_at_the_end);
}

int main(void)
{
    return online_main("vacuum_care", 60, add_all);
}
