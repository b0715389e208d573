/*
 * From a path to a worker that holds the database: as root on files of other users. The engine is
 * a stand-in that opens the file as the engine does, writes a row, and waits; all else is real.
 */
#include "worker.h"

#include "discover.h"
#include "enginelock.h"
#include "identity.h"
#include "lib_launched.h"
#include "lib_owners.h"

#include <check.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = OWNERS_ALICE, BOB = OWNERS_BOB, CAROL = OWNERS_CAROL };

/* Names stay bare: the owner may not be able to walk down from the root. */
static int bare_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    snprintf(path, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static void bare_register(void)
{
    static sqlite3_vfs bare;

    bare = *sqlite3_vfs_find(NULL);
    bare.zName = "bare";
    bare.xFullPathname = bare_path;
    sqlite3_vfs_register(&bare, 0);
}

static enum status hold_write(const char *name, sqlite3 **db, struct error *error)
{
    bare_register();
    int result = sqlite3_open_v2(name, db, SQLITE_OPEN_READWRITE, "bare");
    if (!result)
        result = sqlite3_exec(*db,
                              "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(x);"
                              "INSERT INTO t VALUES(1)",
                              NULL, NULL, NULL);
    return result ? error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(*db)) : STATUS_OK;
}

/* Stands in for "run": the lock, a row, and a long wait. */
static enum status kind_hold(json_t *job, struct error *error)
{
    const char *path = json_string_value(json_object_get(job, "path"));
    json_t *seen = json_object_get(job, "seen");
    const char *name = strrchr(path, '/') + 1;
    sqlite3 *db = NULL;
    struct identity identity = {
        .device = (uint64_t)json_integer_value(json_object_get(seen, "device")),
        .inode = (uint64_t)json_integer_value(json_object_get(seen, "inode")),
        .owner = (uid_t)json_integer_value(json_object_get(seen, "owner")),
    };

    enum status status = enginelock_take(name, &identity, error);
    if (!status)
        status = hold_write(name, &db, error);
    if (!status)
        launched_say("holding %s", name);
    while (!status && !worker_stopped(NULL))
        usleep(1000);
    sqlite3_close(db);
    return status;
}

/* Stands in for "plan", which takes no lock, so that nothing looks at the file once more. */
static enum status kind_look(json_t *job, struct error *error)
{
    (void)job;
    (void)error;
    launched_say("looking");
    return STATUS_OK;
}

static const struct worker_kind kinds[] = {
    {.name = "discover", .serve = discover_serve, .keep = (uint64_t)1 << CAP_DAC_READ_SEARCH},
    {.name = "hold", .serve = kind_hold, .as_owner = true},
    {.name = "look", .serve = kind_look, .as_owner = true},
    {0},
};

/* Alice's, bob's and carol's files, and what is wrong with some. */
static void worker_scene(void)
{
    owners_folder();
    owners_make_folder("alice", 0755, ALICE, ALICE);
    owners_make_file("alice/app.db", 0640, ALICE, ALICE);
    owners_make_file("alice/other.db", 0640, ALICE, ALICE);
    owners_make_file("alice/bobs.db", 0640, BOB, BOB);
    owners_make_file("alice/two.db", 0640, ALICE, ALICE);
    ck_assert_int_eq(link(owners_path("alice/two.db"), owners_path("alice/zwei.db")), 0);
    owners_make_link("alice/link.db", "app.db", ALICE, ALICE);
    owners_make_node("alice/fifo.db", S_IFIFO | 0600, ALICE, ALICE);
    owners_make_folder("closed", 0700, 0, 0);
    owners_make_folder("closed/bob", 0755, BOB, BOB);
    owners_make_file("closed/bob/app.db", 0600, BOB, BOB);
    owners_make_file("closed/alices.db", 0600, ALICE, ALICE);
    owners_make_folder("ledger", 0770, 0, OWNERS_LEDGER);
    owners_make_file("ledger/app.db", 0660, ALICE, OWNERS_LEDGER);
    owners_make_folder("carol", 0700, CAROL, OWNERS_CAROLS_GROUP);
    owners_make_file("carol/app.db", 0600, CAROL, OWNERS_CAROLS_GROUP);
    owners_make_folder("root", 0700, 0, 0);
    owners_make_file("root/app.db", 0600, 0, 0);
}

/* Looks for a path as the daemon does; the one event, the caller's. */
static json_t *worker_discover(const char *path)
{
    struct launched worker;

    launched_start(&worker, json_pack("{s:s, s:s}", "job", "discover", "pattern", path), 0);
    launched_finish(&worker);
    ck_assert_msg(!worker.error.status, "%s", worker.error.text);
    ck_assert_uint_eq(json_array_size(worker.events), 1);
    json_t *event = json_incref(json_array_get(worker.events, 0));
    launched_free(&worker);
    return event;
}

/* The job for what was found; takes over the event. */
static json_t *worker_job(json_t *found)
{
    json_t *job =
        json_pack("{s:s, s:O, s:{s:O, s:O, s:O, s:O}}", "job", "hold", "path",
                  json_object_get(found, "path"), "seen", "device",
                  json_object_get(found, "device"), "inode", json_object_get(found, "inode"),
                  "owner", json_object_get(found, "owner"), "group",
                  json_object_get(found, "group"));

    json_decref(found);
    ck_assert_ptr_nonnull(job);
    return job;
}

static void worker_holding(struct launched *worker, const char *path)
{
    launched_start(worker, worker_job(worker_discover(path)), 0);
    launched_await(worker, 1);
}

static void worker_status_of(int process, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void worker_expect_line(const char *text, const char *line)
{
    ck_assert_msg(strstr(text, line) != NULL, "no \"%s\" in\n%s", line, text);
}

static void worker_expect_file(const char *path, uid_t user, gid_t group, mode_t mode)
{
    struct stat about;

    ck_assert_msg(lstat(path, &about) == 0, "no %s", path);
    ck_assert_msg(about.st_uid == user && about.st_gid == group && (about.st_mode & 07777) == mode,
                  "%s: %u:%u %o", path, about.st_uid, about.st_gid, about.st_mode);
}

static const struct {
    const char *path;
    uid_t user;
    gid_t group; /* of the file */
    mode_t mode;
    const char *ids, *groups; /* the worker's, as in /proc/PID/status */
} worker_owners[] = {
    {"alice/app.db", ALICE, ALICE, 0640,
     "Uid:\t61001\t61001\t61001\t61001\nGid:\t61001\t61001\t61001\t61001\n",
     "Groups:\t61001 61010 \n"},
    {"closed/bob/app.db", BOB, BOB, 0600,
     "Uid:\t61002\t61002\t61002\t61002\nGid:\t61002\t61002\t61002\t61002\n",
     "Groups:\t61002 61010 \n"},
    {"ledger/app.db", ALICE, OWNERS_LEDGER, 0660,
     "Uid:\t61001\t61001\t61001\t61001\nGid:\t61010\t61010\t61010\t61010\n",
     "Groups:\t61001 61010 \n"},
    {"carol/app.db", CAROL, OWNERS_CAROLS_GROUP, 0600,
     "Uid:\t61003\t61003\t61003\t61003\nGid:\t61011\t61011\t61011\t61011\n", "Groups:\t61011 \n"},
    {"root/app.db", 0, 0, 0600, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", "Groups:\t0 \n"},
};

START_TEST(worker_has_the_owners_rights)
{
    struct launched worker;
    char status[8192], beside[64];
    const char *path;

    if (!owners_or_skip())
        return;
    worker_scene();
    path = owners_path(worker_owners[_i].path);
    worker_holding(&worker, path);
    ck_assert_msg(!worker.ended, "%s", worker.error.text);
    worker_status_of(worker.process, status, sizeof status);
    worker_expect_line(status, worker_owners[_i].ids);
    worker_expect_line(status, worker_owners[_i].groups);
    worker_expect_line(status, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                               "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                               "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
    for (int i = 0; i < 2; i++) {
        snprintf(beside, sizeof beside, "%s%s", path, i ? "-shm" : "-wal");
        worker_expect_file(beside, worker_owners[_i].user, worker_owners[_i].group,
                           worker_owners[_i].mode);
    }
    worker_expect_file(path, worker_owners[_i].user, worker_owners[_i].group,
                       worker_owners[_i].mode);
    launch_cancel(worker.launch, LAUNCH_GRACE_MS);
    launched_finish(&worker);
    ck_assert_msg(!worker.error.status, "%s", worker.error.text);
    launched_free(&worker);
}
END_TEST

static const struct {
    const char *path, *reason;
} worker_refusals[] = {
    {"alice/link.db", "is a symbolic link; use the path of the file that it points to"},
    {"alice/two.db", "has 2 hard links, so that it may be opened under another name; remove all "
                     "but one"},
    {"alice/fifo.db", "is a FIFO, not a file"},
    {"alice/none.db", "there is no such file"},
    {"alice/app.db-wal",
     "is a file that SQLite or litekeeper keeps beside a database; name the database"},
};

/* Refused by discovery, and by the worker itself should anyone ask without it. */
START_TEST(worker_refuses)
{
    struct launched worker;

    if (!owners_or_skip())
        return;
    worker_scene();
    const char *path = owners_path(worker_refusals[_i].path);
    json_t *event = worker_discover(path);
    ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "refused");
    ck_assert_str_eq(json_string_value(json_object_get(event, "path")), path);
    ck_assert_str_eq(json_string_value(json_object_get(event, "reason")),
                     worker_refusals[_i].reason);
    json_decref(event);
    launched_start(&worker,
                   json_pack("{s:s, s:s, s:{s:i, s:i, s:i, s:i}}", "job", "hold", "path", path,
                             "seen", "device", 1, "inode", 1, "owner", ALICE, "group", ALICE),
                   0);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_REFUSED);
    ck_assert_str_eq(worker.error.text, worker_refusals[_i].reason);
    launched_free(&worker);
}
END_TEST

START_TEST(worker_refuses_a_folder_closed_to_the_owner)
{
    struct launched worker;

    if (!owners_or_skip())
        return;
    worker_scene();
    worker_holding(&worker, owners_path("closed/alices.db"));
    ck_assert_int_eq(worker.error.status, STATUS_FAILED);
    ck_assert_str_eq(worker.error.text,
                     "its owner may not enter its folder, and litekeeper works as the owner");
    launched_free(&worker);
}
END_TEST

static const char *const worker_swaps[] = {"alice/other.db", "alice/bobs.db", "root/app.db"};

/* Another file, of the same or of another owner, between discovery and opening. */
START_TEST(worker_refuses_a_swapped_file)
{
    struct launched worker;

    if (!owners_or_skip())
        return;
    worker_scene();
    const char *path = owners_path("alice/app.db");
    json_t *found = worker_discover(path);
    ck_assert_int_eq(rename(owners_path(worker_swaps[_i]), path), 0);
    json_t *job = worker_job(found);
    json_object_set_new(job, "job", json_string("look"));
    launched_start(&worker, job, 0);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_REFUSED);
    if (_i < 2)
        ck_assert_str_eq(worker.error.text, "was replaced by another file since it was found; it "
                                            "is looked for again with the next run");
    ck_assert_uint_eq(json_array_size(worker.events), 0);
    launched_free(&worker);
}
END_TEST

START_TEST(worker_refuses_others_files_to_a_user)
{
    if (!owners_or_skip())
        return;
    worker_scene();
    ck_assert_int_eq(setgid(BOB), 0);
    ck_assert_int_eq(setuid(BOB), 0);
    json_t *event = worker_discover(owners_path("alice/app.db"));
    ck_assert_str_eq(json_string_value(json_object_get(event, "reason")),
                     "belongs to alice; run litekeeper as root or as alice");
    json_decref(event);
}
END_TEST

START_TEST(worker_serves_a_user)
{
    struct launched worker;
    char status[8192];

    if (!owners_or_skip())
        return;
    worker_scene();
    ck_assert_int_eq(setgid(ALICE), 0);
    ck_assert_int_eq(setuid(ALICE), 0);
    worker_holding(&worker, owners_path("alice/app.db"));
    ck_assert_msg(!worker.ended, "%s", worker.error.text);
    worker_status_of(worker.process, status, sizeof status);
    worker_expect_line(status, "Uid:\t61001\t61001\t61001\t61001\n");
    worker_expect_line(status, "CapPrm:\t0000000000000000\n");
    worker_expect_line(status, "NoNewPrivs:\t1\n");
    launch_cancel(worker.launch, LAUNCH_GRACE_MS);
    launched_free(&worker);
}
END_TEST

/* Two at once: the second is told who the first is; after a kill -9 nothing is left of it. */
START_TEST(worker_is_alone)
{
    struct launched first, second, third;
    char busy[128];

    if (!owners_or_skip())
        return;
    worker_scene();
    const char *path = owners_path("alice/app.db");
    worker_holding(&first, path);
    ck_assert_msg(!first.ended, "%s", first.error.text);
    worker_holding(&second, path);
    ck_assert_int_eq(second.error.status, STATUS_BUSY);
    snprintf(busy, sizeof busy, "is being worked on by another litekeeper (process %d); try later",
             first.process);
    ck_assert_str_eq(second.error.text, busy);
    kill(first.process, SIGKILL);
    launched_finish(&first);
    worker_holding(&third, path);
    ck_assert_msg(!third.ended, "%s", third.error.text);
    launch_cancel(third.launch, LAUNCH_GRACE_MS);
    launched_free(&first);
    launched_free(&second);
    launched_free(&third);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("worker");
    TCase *test = tcase_create("worker");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    owners_begin();
    tcase_set_timeout(test, 120);
    tcase_add_loop_test(test, worker_has_the_owners_rights, 0,
                        sizeof worker_owners / sizeof *worker_owners);
    tcase_add_loop_test(test, worker_refuses, 0, sizeof worker_refusals / sizeof *worker_refusals);
    tcase_add_test(test, worker_refuses_a_folder_closed_to_the_owner);
    tcase_add_loop_test(test, worker_refuses_a_swapped_file, 0,
                        sizeof worker_swaps / sizeof *worker_swaps);
    tcase_add_test(test, worker_refuses_others_files_to_a_user);
    tcase_add_test(test, worker_serves_a_user);
    tcase_add_test(test, worker_is_alone);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
