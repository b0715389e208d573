/* Who else has a database open: nobody, one, several, each in a process of its own. */
#include "neighbours.h"

#include "lib_opened.h"
#include "lib_other.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void make(const char *mode)
{
    char *sql = memory_format("PRAGMA journal_mode=%s; CREATE TABLE t(a)", mode);

    opened_sql(sql);
    opened_close();
    free(sql);
}

enum { MOST = 3 };

static struct other *others[MOST];

/* So many other processes have the database open, and have read it. */
static void start_others(int count)
{
    for (int i = 0; i < count; i++)
        others[i] = other_start();
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(other_sql(others[i], "SELECT * FROM t"), SQLITE_OK);
}

START_TEST(none_and_several_with_a_log)
{
    make("WAL");
    start_others(_i);
    opened_database(DATABASE_WRITE);
    opened_value("SELECT count(*) FROM t"); /* another connection of ours is no neighbour */
    struct neighbours *neighbours = neighbours_open("app.db");
    ck_assert_int_eq(neighbours_none(neighbours), _i == 0);
    ck_assert_int_eq(neighbours_connections(neighbours), _i);
    for (int i = 0; i < _i; i++) {
        ck_assert(!neighbours_none(neighbours));
        other_stop(others[i]);
    }
    ck_assert(neighbours_none(neighbours));
    ck_assert_int_eq(neighbours_connections(neighbours), 0);
    neighbours_free(neighbours);
}
END_TEST

/* Without a log nobody's absence is certain: whoever has it open needs no lock for that. */
START_TEST(none_and_several_with_a_journal)
{
    make("DELETE");
    start_others(_i);
    opened_database(DATABASE_WRITE);
    struct neighbours *neighbours = neighbours_open("app.db");
    ck_assert(!neighbours_none(neighbours));
    ck_assert_int_eq(neighbours_connections(neighbours), _i ? _i : -1);
    for (int i = 0; i < _i; i++)
        other_stop(others[i]);
    ck_assert_int_eq(neighbours_connections(neighbours), -1);
    neighbours_free(neighbours);
}
END_TEST

/* Others than the owner may write, too, and what they have open can't be seen. */
START_TEST(files_of_a_group)
{
    make("WAL");
    ck_assert_int_eq(chmod("app.db", 0664), 0);
    start_others(1);
    opened_database(DATABASE_WRITE);
    struct neighbours *neighbours = neighbours_open("app.db");
    ck_assert_int_eq(neighbours_connections(neighbours), -1);
    other_stop(others[0]);
    ck_assert_int_eq(neighbours_connections(neighbours), 0);
    neighbours_free(neighbours);
}
END_TEST

START_TEST(nothing_to_look_at)
{
    struct neighbours *neighbours = neighbours_open("missing.db");

    ck_assert(!neighbours_none(neighbours));
    ck_assert_int_eq(neighbours_connections(neighbours), -1);
    neighbours_free(neighbours);
    neighbours_free(NULL);
}
END_TEST

static bool pinned(struct database *database, const struct neighbours *neighbours, char *who)
{
    struct walindex index;

    ck_assert_int_eq(walindex_read(database_sql(database), &index, NULL), STATUS_OK);
    return neighbours_pinning(neighbours, &index, who);
}

/* Of several readers the one with the old snapshot is named, and only while it has it. */
START_TEST(who_pins_the_log)
{
    char who[NEIGHBOURS_WHO] = "", *expected;

    make("WAL");
    start_others(3);
    struct database *database = opened_database(DATABASE_WRITE);
    struct neighbours *neighbours = neighbours_open("app.db");
    ck_assert(!pinned(database, neighbours, who));
    opened_sql("INSERT INTO t VALUES(1)");
    ck_assert_int_eq(other_sql(others[1], "BEGIN; SELECT * FROM t"), SQLITE_OK);
    ck_assert(!pinned(database, neighbours, who)); /* it has the newest */
    opened_sql("INSERT INTO t VALUES(2)");
    ck_assert_int_eq(other_sql(others[2], "BEGIN; SELECT * FROM t"), SQLITE_OK);
    ck_assert(pinned(database, neighbours, who));
    expected = memory_format("(process %d)", (int)other_pid(others[1]));
    ck_assert_msg(strstr(who, expected) && strncmp(who, "test_neighbours", 15) == 0, "%s", who);
    free(expected);
    ck_assert_int_eq(other_sql(others[1], "COMMIT"), SQLITE_OK);
    ck_assert(!pinned(database, neighbours, who));
    for (int i = 0; i < 3; i++)
        other_stop(others[i]);
    neighbours_free(neighbours);
}
END_TEST

/* One that began while the log was empty reads the file alone, and keeps all of the log from it. */
START_TEST(a_reader_without_a_log)
{
    char who[NEIGHBOURS_WHO] = "", *expected;
    int frames, copied;

    make("WAL");
    start_others(1);
    struct database *database = opened_database(DATABASE_WRITE);
    struct neighbours *neighbours = neighbours_open("app.db");
    ck_assert_int_eq(other_sql(others[0], "BEGIN; SELECT * FROM t"), SQLITE_OK);
    ck_assert(!pinned(database, neighbours, who)); /* there is nothing to copy */
    opened_sql("INSERT INTO t VALUES(1)");
    sqlite3_busy_timeout(opened_app(), 0);
    sqlite3_wal_checkpoint_v2(opened_app(), "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    ck_assert(frames > 0 && copied == 0);
    ck_assert(pinned(database, neighbours, who));
    expected = memory_format("(process %d)", (int)other_pid(others[0]));
    ck_assert_msg(strstr(who, expected) != NULL, "%s", who);
    free(expected);
    other_stop(others[0]);
    ck_assert(!pinned(database, neighbours, who));
    neighbours_free(neighbours);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neighbours");
    TCase *cases = tcase_create("neighbours");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 20);
    tcase_add_loop_test(cases, none_and_several_with_a_log, 0, MOST + 1);
    tcase_add_loop_test(cases, none_and_several_with_a_journal, 0, MOST + 1);
    tcase_add_test(cases, files_of_a_group);
    tcase_add_test(cases, nothing_to_look_at);
    tcase_add_test(cases, who_pins_the_log);
    tcase_add_test(cases, a_reader_without_a_log);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
