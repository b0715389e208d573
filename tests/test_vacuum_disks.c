/*
 * Vacuum end to end, on disks that are full, fill up or fail, and with temporary folders that are
 * none: it is refused in time, or fails with everything as it was, unless it was committed already.
 */
#include "clock.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static const char *const journals[] = {"wal", "delete"};

static int64_t file_size(const char *path)
{
    struct stat about;

    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_size;
}

/* A file system of its own in the test's folder; false where that can't be. */
static bool mount_small(const char *name, const char *options)
{
    char *folder = folder_path(name);

    mkdir(folder, 0755);
    bool mounted = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
                   mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("small", folder, "tmpfs", MS_NOSUID, options) == 0;
    if (!mounted)
        puts("skipped: needs root and a mount namespace");
    free(folder);
    return mounted;
}

static void unmount_small(const char *name)
{
    char *folder = folder_path(name);

    umount2(folder, MNT_DETACH);
    free(folder);
}

static int64_t free_space(const char *name)
{
    char *folder = folder_path(name);
    struct statvfs about;

    ck_assert_int_eq(statvfs(folder, &about), 0);
    free(folder);
    return (int64_t)about.f_bavail * (int64_t)about.f_frsize;
}

/* Tells what is made in a folder from now on. */
static int watch(const char *folder)
{
    int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    ck_assert_int_ge(watcher, 0);
    ck_assert_int_ge(inotify_add_watch(watcher, folder, IN_CREATE), 0);
    return watcher;
}

/* Whether a file whose name begins so was made. */
static bool made(int watcher, const char *beginning)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t length = read(watcher, events, sizeof events);
    bool found = false;

    for (char *at = events; length > 0 && at < events + length;) {
        const struct inotify_event *event = (const struct inotify_event *)at;
        found = found || (event->len && strncmp(event->name, beginning, strlen(beginning)) == 0);
        at += sizeof *event + event->len;
    }
    close(watcher);
    return found;
}

/* It is a file, not memory, and nowhere else. What fits into the cache makes none. */
START_TEST(the_temporary_file_is_one)
{
    char *temp = folder_path("temp"), *beside = folder_path("d"),
         *limits = memory_format(SHRINK_OPEN "    temp: %s\n", temp);
    struct shrink_case c = {.name = "file",
                            .file = "d/t.db",
                            .limits = _i ? limits : SHRINK_OPEN,
                            .scale = 50,
                            .mode = "full"};

    mkdir(temp, 0755);
    mkdir(beside, 0755);
    int there = watch(temp), here = watch(beside);
    shrink_whole(&c);
    ck_assert_int_eq(made(there, "etilqs_"), _i);
    ck_assert_int_eq(made(here, "etilqs_"), !_i);
    free(limits);
    free(beside);
    free(temp);
}
END_TEST

/* The log has room, and the temporary file has with it: in another folder it fits. */
START_TEST(the_temporary_file_goes_where_the_policy_says)
{
    struct shrink_case c = {.name = "room",
                            .journal = journals[_i],
                            .file = "small/t.db",
                            .outcome = "skipped",
                            .reason = "a full VACUUM needs # MiB for the ~ and # MiB for its "
                                      "temporary file, and # MiB are free on their file system"};
    struct proof_run run;
    char *temp = folder_path("temp");

    if (!mount_small("small", "size=24m,mode=755"))
        return;
    mkdir(temp, 0755);
    sqlite3 *model = shrink_make(&c);
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    proof_free(&run);
    char *limits = memory_format(SHRINK_OPEN "    temp: %s\n", temp);
    struct shrink_case other = {.name = "other", .file = c.file, .limits = limits, .mode = "full"};
    shrink_policy(&other);
    shrink_run(&other, &run);
    shrink_check(&other, &run);
    shrink_same(&other, model);
    proof_free(&run);
    ck_assert_int_eq(rmdir(temp), 0); /* nothing is left in it */
    sqlite3_close(model);
    unmount_small("small");
    free(limits);
    free(temp);
}
END_TEST

static const struct {
    const char *temp, *reason;
} folders[] = {
    {"nowhere", "the folder for the temporary file (temp), @/nowhere: there is no folder "
                "\"nowhere\" in its path"},
    {"policy.yaml", "the folder for the temporary file (temp), @/policy.yaml: \"policy.yaml\" in "
                    "its path is not a folder"},
    {"closed", "the folder for the temporary file (temp), @/closed: its owner can't write there: "
               "Permission denied"},
    {"small", "a full VACUUM needs # MiB for its temporary file, and # MiB are free in the folder "
              "for it (temp)"},
};

START_TEST(a_temporary_folder_that_is_none)
{
    char *path = folder_path(folders[_i].temp), *closed = folder_path("closed"),
         *limits = memory_format(SHRINK_OPEN "    temp: %s\n", path);
    struct shrink_case c = {
        .name = "temp", .limits = limits, .outcome = "skipped", .reason = folders[_i].reason};

    mkdir(closed, 0555);
    if (mount_small("small", "size=4m,mode=755"))
        shrink_whole(&c);
    unmount_small("small");
    free(limits);
    free(closed);
    free(path);
}
END_TEST

/* Takes all the room there is, at once. */
static void fill(const char *name)
{
    char *path = memory_format("%s/ballast", name), *whole = folder_path(path);
    int file = open(whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(file, 0);
    for (int64_t room; (room = free_space(name)) > 0;)
        if (fallocate(file, 0, file_size(whole), room))
            break;
    close(file);
    free(whole);
    free(path);
}

/* One run, during which the disk fills up as soon as it has taken some of it. */
static void run_and_fill(const struct shrink_case *c, struct proof_run *run)
{
    int64_t room = free_space("small");
    struct program program;

    shrink_start(c, &program);
    for (int i = 0; i < 10000 && free_space("small") > room - (3 << 20); i++)
        clock_sleep_ms(1);
    fill("small");
    shrink_finish(c, &program, run);
}

/* Where the last page is gone before the wal-index can grow, SQLite calls that a failure. */
static const char *reason_of_full(const struct proof_run *run)
{
    const char *reason = json_string_value(json_object_get(run->outcome, "reason"));

    return reason && strstr(reason, "the disk fails: ")
               ? "the disk fails: disk I/O error; nothing was changed by this step"
               : "the disk is full: database or disk is full; nothing was changed by this step";
}

/* Whoever fills it up is at times too late. */
START_TEST(a_disk_that_fills_up)
{
    struct shrink_case c = {.name = "fills up",
                            .journal = journals[_i],
                            .file = "small/t.db",
                            .scale = 40,
                            .status = 1,
                            .outcome = "failed"};
    struct proof_run run;
    char *ballast = folder_path("small/ballast");
    bool failed = false;

    if (!mount_small("small", "size=200m,mode=755"))
        return;
    for (int i = 0; !failed && i < 10; i++) {
        sqlite3 *model = shrink_make(&c);
        run_and_fill(&c, &run);
        failed = run.result.status != 0;
        c.reason = reason_of_full(&run);
        if (failed)
            shrink_check(&c, &run);
        shrink_same(&c, model);
        proof_free(&run);
        unlink(ballast);
        struct shrink_case again = {
            .name = "again", .file = c.file, .words = " --force", .mode = "full"};
        shrink_run(&again, &run);
        shrink_check(&again, &run);
        shrink_same(&again, model);
        proof_free(&run);
        sqlite3_close(model);
        char *path = folder_path(c.file);
        unlink(path);
        free(path);
    }
    ck_assert(failed);
    unmount_small("small");
    free(ballast);
}
END_TEST

/* Without a log SQLite makes the file shorter when the VACUUM is committed, and so do we tell it.
 */
START_TEST(a_disk_that_fails_behind_the_commit)
{
    struct shrink_case c = {.name = "behind", .journal = "delete", .mode = "full"};
    struct program_result result;

    if (!traced_can()) {
        puts("skipped: strace is missing or may not trace");
        return;
    }
    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    traced_watch("t.db");
    traced_run("run -c @/policy.yaml --json d vacuum", " -e inject=ftruncate:error=EIO", &result);
    ck_assert(traced_outcome(&result));
    ck_assert_ptr_nonnull(strstr(result.out, "; but the disk has failed to make the file shorter: "
                                             "it still has "));
    ck_assert_ptr_nonnull(strstr(result.out, "\"bytes_freed\":0,"));
    ck_assert_int_lt(shrink_pragma(&c, "page_count"), pages);
    shrink_same(&c, model);
    program_result_free(&result);
    sqlite3_close(model);
}
END_TEST

static void set_up(void)
{
    folder_make();
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
}

int main(void)
{
    Suite *suite = suite_create("vacuum_disks");
    TCase *cases = tcase_create("vacuum_disks");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, the_temporary_file_is_one, 0, 2);
    tcase_add_loop_test(cases, the_temporary_file_goes_where_the_policy_says, 0, 2);
    tcase_add_loop_test(cases, a_temporary_folder_that_is_none, 0, LENGTH(folders));
    tcase_add_loop_test(cases, a_disk_that_fills_up, 0, 2);
    tcase_add_test(cases, a_disk_that_fails_behind_the_commit);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
