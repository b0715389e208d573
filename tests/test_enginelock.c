/* The one-engine lock: between processes, beside SQLite, and on the file that was seen alone. */
#include "enginelock.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char enginelock_folder[64];

static void enginelock_setup(void)
{
    snprintf(enginelock_folder, sizeof enginelock_folder, "/tmp/litekeeper-lock-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(enginelock_folder));
    ck_assert_int_eq(chmod(enginelock_folder, 0777), 0);
    ck_assert_int_eq(chdir(enginelock_folder), 0);
    close(open("app.db", O_CREAT | O_RDWR, 0644));
}

static void enginelock_teardown(void)
{
    static const char *const names[] = {"app.db", "app.db-wal", "app.db-shm", "other.db"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    ck_assert_int_eq(rmdir(enginelock_folder), 0);
}

static struct identity enginelock_seen(const char *name)
{
    struct stat about;

    ck_assert_int_eq(stat(name, &about), 0);
    return (struct identity){about.st_dev, about.st_ino, about.st_uid, about.st_gid};
}

static enum status enginelock_try(struct error *error)
{
    struct identity seen = enginelock_seen("app.db");

    return enginelock_take("app.db", &seen, error);
}

/* A child that takes the lock, tells so, and keeps it till it is killed. */
static pid_t enginelock_other(void)
{
    int pipes[2];
    char told;

    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        told = enginelock_try(&error) ? 'n' : 'y';
        if (write(pipes[1], &told, 1) == 1)
            pause();
        _exit(0);
    }
    ck_assert_int_eq(read(pipes[0], &told, 1), 1);
    ck_assert_int_eq(told, 'y');
    return child;
}

START_TEST(enginelock_tells_who_has_it)
{
    struct error error = {0};
    char busy[128];

    pid_t other = enginelock_other();
    ck_assert_int_eq(enginelock_try(&error), STATUS_BUSY);
    snprintf(busy, sizeof busy, "is being worked on by another litekeeper (process %d); try later",
             (int)other);
    ck_assert_str_eq(error.text, busy);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    ck_assert_int_eq(enginelock_try(&error), STATUS_OK);
}
END_TEST

/* SQLite opens, locks, closes: the lock stays. And SQLite does not mind it. */
START_TEST(enginelock_survives_sqlite)
{
    struct error error = {0};

    ck_assert_int_eq(enginelock_try(&error), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        sqlite3 *db;
        ck_assert_int_eq(sqlite3_open("app.db", &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db,
                                      i ? "PRAGMA journal_mode=WAL; INSERT INTO t VALUES(2)"
                                        : "CREATE TABLE t(x); INSERT INTO t VALUES(1)",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    }
    pid_t child = fork();
    if (child == 0)
        _exit(enginelock_try(&error) == STATUS_BUSY ? 0 : 1);
    int ended;
    waitpid(child, &ended, 0);
    ck_assert_int_eq(ended, 0);
}
END_TEST

/* The other way round: our lock takes nothing from a SQLite in another process. */
START_TEST(enginelock_lets_the_application_write)
{
    struct error error = {0};
    sqlite3 *db;

    ck_assert_int_eq(enginelock_try(&error), STATUS_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(sqlite3_open("app.db", &db) ||
              sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL));
    int ended;
    waitpid(child, &ended, 0);
    ck_assert_int_eq(ended, 0);
}
END_TEST

START_TEST(enginelock_sees_another_file)
{
    struct identity seen = enginelock_seen("app.db");
    struct error error = {0};

    close(open("other.db", O_CREAT | O_RDWR, 0644));
    ck_assert_int_eq(rename("other.db", "app.db"), 0);
    ck_assert_int_eq(enginelock_take("app.db", &seen, &error), STATUS_REFUSED);
    ck_assert_str_eq(error.text, "was replaced by another file since it was found; it is looked "
                                 "for again with the next run");
}
END_TEST

START_TEST(enginelock_does_not_wait_at_a_fifo)
{
    struct identity seen = enginelock_seen("app.db");
    struct error error = {0};

    unlink("app.db");
    ck_assert_int_eq(mkfifo("app.db", 0600), 0);
    ck_assert_int_eq(enginelock_take("app.db", &seen, &error), STATUS_REFUSED);
    unlink("app.db");
    ck_assert_int_eq(symlink("/etc/passwd", "app.db"), 0);
    ck_assert_int_eq(enginelock_take("app.db", &seen, &error), STATUS_REFUSED);
    ck_assert_str_eq(error.text, "can't be opened by its owner: Too many levels of symbolic links");
}
END_TEST

START_TEST(enginelock_takes_a_read_only_file)
{
    struct error error = {0};

    ck_assert_int_eq(chmod("app.db", 0444), 0);
    if (geteuid() == 0) { /* who may write whatever its mode is */
        ck_assert_int_eq(chown("app.db", 61001, 61001), 0);
        ck_assert_int_eq(seteuid(61001), 0);
    }
    ck_assert_int_eq(open("app.db", O_RDWR), -1);
    ck_assert_msg(enginelock_try(&error) == STATUS_OK, "%s", error.text);
    ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enginelock");
    TCase *test = tcase_create("enginelock");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(test, enginelock_setup, enginelock_teardown);
    tcase_add_test(test, enginelock_tells_who_has_it);
    tcase_add_test(test, enginelock_survives_sqlite);
    tcase_add_test(test, enginelock_lets_the_application_write);
    tcase_add_test(test, enginelock_sees_another_file);
    tcase_add_test(test, enginelock_does_not_wait_at_a_fifo);
    tcase_add_test(test, enginelock_takes_a_read_only_file);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
