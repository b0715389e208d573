/* The copy that is made before pages are edited: what is in it, whose it is, what becomes of it,
 * and what of copies that earlier runs have left. Needs the own build (see test_vacuum_online.c).
 */
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_small.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"
#include "vacuum_care.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define ONLINE        "mode: online"
#define SHRINK        "mode: online, order: false"
/* --- end to end --------------------------------------------------------------------------- */

static const struct shrink_case cases[] = {
    {.name = "wal",
     .options = ONLINE,
     .reason = "online compaction took the file from # MiB to # MiB; fragmentation #%, before #%; "
               "integrity_check is ok, and all rows of all tables are as before",
     .mode = "online"},
    {.name = "journal", .journal = "delete", .options = ONLINE, .mode = "online"},
    {.name = "512", .page_size = 512, .options = ONLINE, .mode = "online"},
    {.name = "64 KiB",
     .page_size = 65536,
     .journal = "delete",
     .options = SHRINK,
     .mode = "online"},
    {.name = "rowids and names of columns that hide them",
     .setup = "CREATE TABLE bare(x); INSERT INTO bare SELECT k FROM a;"
              "DELETE FROM bare WHERE rowid % 3; CREATE TABLE hidden(rowid, oid UNIQUE);"
              "INSERT INTO hidden SELECT x, _rowid_ FROM bare;"
              "DELETE FROM hidden WHERE _rowid_ % 5;"
              "CREATE TABLE all_hidden(rowid, _rowid_, oid); INSERT INTO all_hidden VALUES(1,2,3);",
     .options = ONLINE,
     .mode = "online"},
    {.name = "a name like a URI", .file = "file:t.db", .options = ONLINE, .mode = "online"},
    {.name = "Litestream",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER);",
     .options = ONLINE ", replicated: true",
     .mode = "online"},
};

static const char *const endings[] = {IDENTITY_COPY, IDENTITY_PART, IDENTITY_PART "-journal",
                                      IDENTITY_KEPT, IDENTITY_MARK};

static bool there(const char *file, const char *ending)
{
    char *name = memory_format("%s%s", file, ending), *path = folder_path(name);
    struct stat about;
    bool is = lstat(path, &about) == 0;
    free(path);
    free(name);
    return is;
}

static void expect_no_copy(const char *file)
{
    for (int i = 0; i < LENGTH(endings); i++)
        ck_assert_msg(!there(file, endings[i]), "%s%s is left", file, endings[i]);
}

START_TEST(end_to_end)
{
    folder_make();
    printf("  %s\n", cases[_i].name);
    fflush(stdout);
    shrink_whole(&cases[_i]);
    expect_no_copy(cases[_i].file ? cases[_i].file : "t.db");
    folder_remove();
}
END_TEST

/* --- what lies there already -------------------------------------------------------------- */

static void make_copy(const char *path)
{
    char *from = folder_path("t.db");
    sqlite3 *db = sql_open(from);

    sql_do(db, "VACUUM INTO '%s'", path);
    sqlite3_close(db);
    free(from);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void make_public(const char *path)
{
    make_copy(path);
    ck_assert_int_eq(chmod(path, 0644), 0);
}

/* Somebody has made a database of his own of it. */
static void make_used(const char *path)
{
    make_copy(path);
    sqlite3 *db = sql_open(path);
    sql_do(db, "CREATE TABLE mine(x)");
    sqlite3_close(db);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void make_grown(const char *path)
{
    make_copy(path);
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write(file, "more", 4), 4);
    close(file);
}

static void make_text(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_eq(write(file, "notes", 5), 5);
    close(file);
}

static void make_empty(const char *path)
{
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void make_zeroes(const char *path)
{
    make_empty(path);
    ck_assert_int_eq(truncate(path, 100000), 0);
}

static void make_link(const char *path)
{
    ck_assert_int_eq(symlink("t.db", path), 0);
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* That may be read through the group. */
static void make_foreign(const char *path)
{
    make_copy(path);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(chown(path, 12345, getegid()), 0);
}

static void make_twice(const char *path)
{
    char *other = memory_format("%s-2", path);

    make_copy(path);
    ck_assert_int_eq(link(path, other), 0);
    free(other);
}

static const struct {
    const char *name, *ending;
    void (*make)(const char *path);
    bool ours, root; /* `root`: only root can make it */
} leftovers[] = {
    {"a copy", IDENTITY_COPY, make_copy, true, false},
    {"an empty part", IDENTITY_PART, make_empty, true, false},
    {"a part without a header", IDENTITY_PART, make_zeroes, true, false},
    {"a whole part", IDENTITY_PART, make_copy, true, false},

    {"a mark", IDENTITY_MARK, make_empty, true, false},
    {"an empty copy", IDENTITY_COPY, make_empty, false, false},
    {"a text for a mark", IDENTITY_MARK, make_text, false, false},
    {"a link for a mark", IDENTITY_MARK, make_link, false, false},
    {"a copy that others may read", IDENTITY_COPY, make_public, false, false},
    {"a database", IDENTITY_COPY, make_used, false, false},
    {"a longer file", IDENTITY_COPY, make_grown, false, false},
    {"a text", IDENTITY_COPY, make_text, false, false},
    {"a text for a part", IDENTITY_PART, make_text, false, false},
    {"a link", IDENTITY_COPY, make_link, false, false},
    {"a link for a part", IDENTITY_PART, make_link, false, false},
    {"a folder", IDENTITY_COPY, make_folder, false, false},
    {"another user's", IDENTITY_COPY, make_foreign, false, true},
    {"two names of one", IDENTITY_COPY, make_twice, false, false},
    {"a kept copy", IDENTITY_KEPT, make_copy, false, false},
};

/* What is not ours is refused, and stays as it is, even with --force. */
static void expect_refused(int i, const char *path)
{
    bool kept = strcmp(leftovers[i].ending, IDENTITY_KEPT) == 0;
    const struct shrink_case c = {
        .name = leftovers[i].name,
        .options = ONLINE,
        .words = " --force",
        .outcome = "skipped",
        .reason = kept ? "a run that ended in doubt has kept a copy, ~: compare the database with "
                         "it, then go back to it or remove it"
                       : "~ is in the way, and is not a copy that litekeeper has made: move it "
                         "elsewhere"};
    struct proof_run run;
    struct stat before, after;

    ck_assert_int_eq(lstat(path, &before), 0);
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    proof_free(&run);
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(before.st_size, after.st_size);
    ck_assert_int_eq(before.st_mtime, after.st_mtime);
}

START_TEST(left_behind)
{
    const struct shrink_case c = {.name = leftovers[_i].name, .options = ONLINE, .mode = "online"};
    char *name = memory_format("t.db%s", leftovers[_i].ending), *path;
    struct proof_run run;

    printf("  %s\n", c.name);
    fflush(stdout);
    if (leftovers[_i].root && geteuid() != 0) {
        skip("only root can give a file away");
        free(name);
        return;
    }
    folder_make();
    path = folder_path(name);
    sqlite3 *model = shrink_make(&c);
    leftovers[_i].make(path);
    if (leftovers[_i].ours) {
        shrink_run(&c, &run);
        shrink_check(&c, &run);
        expect_no_copy("t.db");
        proof_free(&run);
    } else {
        expect_refused(_i, path);
    }
    shrink_same(&c, model);
    sqlite3_close(model);
    free(path);
    free(name);
    folder_remove();
}
END_TEST

/* It goes with the next run, even if there is nothing to shrink. */
START_TEST(left_behind_a_dense_file)
{
    const struct shrink_case c = {
        .name = "dense",
        .dense = true,
        .options = ONLINE,
        .reason = "online compaction took the file from # MiB to # MiB; what an earlier "
                  "run had left is removed, since the file is sound",
        .mode = "online"};
    const struct shrink_case again = {.name = "again",
                                      .outcome = "skipped",
                                      .reason = "not enough is free: ~"};
    const struct shrink_case order = {
        .name = "order",
        .task = "defragment",
        .reason = "what an earlier run had left is removed, since the file is sound"};
    struct proof_run run;

    folder_make();
    char *path = folder_path("t.db-litekeeper-copy");
    sqlite3 *model = shrink_make(&c);
    make_copy(path);
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    expect_no_copy("t.db");
    proof_free(&run);
    shrink_run(&again, &run);
    shrink_check(&again, &run);
    proof_free(&run);
    make_copy(path);
    shrink_policy(&order);
    shrink_run(&order, &run);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "reason")), order.reason);
    expect_no_copy("t.db");
    proof_free(&run);
    shrink_same(&c, model);
    sqlite3_close(model);
    free(path);
    folder_remove();
}
END_TEST

/* --- a disk that is too small, and one that fails ----------------------------------------- */

START_TEST(no_room)
{
    const struct shrink_case c = {.name = "no room",
                                  .file = "small/t.db",
                                  .options = ONLINE,
                                  .outcome = "skipped",
                                  .reason =
                                      "the copy that is made first (backup: required) needs # "
                                      "MiB beside the database, and # MiB are free there"},
                             none = {.name = "none needed",
                                     .file = "small/t.db",
                                     .options = ONLINE ", backup: none",
                                     .mode = "online"};
    struct proof_run run;

    folder_make();
    if (small_mount("small", "size=64m,mode=700")) {
        sqlite3 *model = shrink_make(&c);
        small_fill("small", 17 << 20);
        shrink_run(&c, &run);
        shrink_check(&c, &run);
        proof_free(&run);
        expect_no_copy("small/t.db");
        shrink_policy(&none);
        shrink_run(&none, &run);
        shrink_check(&none, &run);
        proof_free(&run);
        shrink_same(&c, model);
        sqlite3_close(model);
        small_unmount("small");
    }
    folder_remove();
}
END_TEST

/* Each call that makes the copy fails once: nothing was changed, and no copy is left. */
static const struct {
    const char *call, *error;
} faults[] = {
    {"pwrite64", "ENOSPC"}, {"fsync", "EIO"}, {"renameat2", "EACCES"}, {"fchmod", "EPERM"}};

START_TEST(a_disk_that_fails)
{
    const struct shrink_case c = {.name = "fault", .options = ONLINE, .scale = 1};
    struct program_result result;
    int failed = 0;

    if (!traced_can()) {
        skip("no strace, or it may not trace");
        return;
    }
    folder_make();
    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    if (strcmp(faults[_i].call, "renameat2") == 0)
        traced_watch_all(); /* it has a bare name alone */
    else
        traced_watch("t.db-litekeeper-part");
    for (int when = 1; when <= 3; when++) {
        char *inject = memory_format(" -e inject=%s:error=%s:when=%d", faults[_i].call,
                                     faults[_i].error, when);
        traced_run("run -c @/policy.yaml --json d vacuum", inject, &result);
        printf("  %s, %d: %s%s\n", faults[_i].call, when, result.out, result.err);
        fflush(stdout);
        if (strstr(result.out, "\"outcome\":\"failed\"")) {
            failed++;
            ck_assert_int_eq(shrink_pragma(&c, "page_count"), pages);
            expect_no_copy("t.db");
        }
        shrink_same(&c, model);
        program_result_free(&result);
        free(inject);
    }
    ck_assert_int_gt(failed, 0);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_loop_test(some, end_to_end, 0, LENGTH(cases));
    tcase_add_loop_test(some, left_behind, 0, LENGTH(leftovers));
    tcase_add_test(some, left_behind_a_dense_file);
    tcase_add_test(some, no_room);
    tcase_add_loop_test(some, a_disk_that_fails, 0, LENGTH(faults));
}

int main(void)
{
    return online_main("vacuum_backup", 60, add_all);
}
