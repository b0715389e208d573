/*
 * The copy that is made before pages are edited: what is in it, whose it is, what becomes of it,
 * and what of copies that earlier runs have left. It needs the own build (see
 * test_vacuum_online.c).
 */
#include "clock.h"
#include "lib_folder.h"
#include "lib_opened.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_small.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"
#include "pageedit.h"
#include "task_kinds.h"
#include "vacuum_care.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define ONLINE        "mode: online"

enum { MOMENTS = 12 };

/* --- end to end --------------------------------------------------------------------------- */

static const struct shrink_case cases[] = {
    {.name = "wal",
     .options = ONLINE,
     .reason = "online compaction took the file from # MiB to # MiB; fragmentation #%, before #%; "
               "integrity_check is ok, and all rows of all tables are as before",
     .mode = "online"},
    {.name = "journal", .journal = "delete", .options = ONLINE, .mode = "online"},
    {.name = "512", .page_size = 512, .options = ONLINE, .mode = "online"},
    {.name = "64 KiB, journal",
     .page_size = 65536,
     .journal = "delete",
     .options = ONLINE ", order: false",
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
                                      IDENTITY_KEPT};

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

    {"an empty copy", IDENTITY_COPY, make_empty, false, false},
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
        .reason = "online compaction took the file from # MiB to # MiB; the copy that an earlier "
                  "run had left is removed, since the file is sound",
        .mode = "online"};
    const struct shrink_case again = {.name = "again",
                                      .outcome = "skipped",
                                      .reason = "not enough is free: ~"};
    const struct shrink_case order = {
        .name = "order",
        .task = "defragment",
        .reason = "the copy that an earlier run had left is removed, since the file is sound"};
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

/* A glob of the policy's does not take a copy for a database. */
START_TEST(a_copy_is_no_database)
{
    for (int i = 0; i < LENGTH(endings); i++) {
        char *name = memory_format("t.db%s", endings[i]);
        ck_assert_msg(identity_beside(name), "%s", name);
        free(name);
    }
    ck_assert(!identity_beside("copy-of-litekeeper"));
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
        failed += strstr(result.out, "\"outcome\":\"failed\"") != NULL;
        if (strstr(result.out, "\"outcome\":\"failed\"")) {
            ck_assert_int_eq(shrink_pragma(&c, "page_count"), pages);
            expect_no_copy("t.db");
        }
        shrink_same(&c, model);
        free(inject);
    }
    ck_assert_int_gt(failed, 0);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

/* --- what becomes of it, step by step ----------------------------------------------------- */

static char name[] = "app.db";
static struct config_database policy = {.name = name};
static const struct config_task task = {.kind = &task_vacuum};
static struct engine_job job = {.file = name,
                                .path = "/srv/app.db",
                                .database = &policy,
                                .task = &task,
                                .outside_window = true};

struct stage {
    struct engine engine;
    struct vacuum_care care;
};

/* With the database as it is. */
static void resume(struct stage *stage)
{
    struct error error = {0};
    struct stat about;

    ck_assert_int_eq(stat(name, &about), 0);
    policy.limits.max_lock = policy.limits.busy_timeout = (struct span){.set = true, .us = 100000};
    policy.limits.max_wal = 1 << 30;
    policy.limits.duty = 1;
    job.outside_window = true;
    job.seen = (struct identity){.device = about.st_dev,
                                 .inode = about.st_ino,
                                 .owner = about.st_uid,
                                 .group = about.st_gid};
    *stage = (struct stage){.engine = {.job = &job}, .care = {.backup = true}};
    stage->care.engine = &stage->engine;
    ck_assert_int_eq(opened_try(DATABASE_WRITE, 500, &stage->engine.database, &error), STATUS_OK);
    job.host = *database_host(stage->engine.database);
    ck_assert_msg(!vacuum_care_open(&stage->care, &error), "%s", error.text);
}

/* `mode` is the journal's. The rows are short texts. */
static void begin(struct stage *stage, const char *mode)
{
    char *sql = memory_format(
        "PRAGMA journal_mode = %s; CREATE TABLE gone(v); CREATE TABLE t(v); CREATE INDEX i ON t(v);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        " INSERT INTO gone SELECT zeroblob(2000) FROM n;"
        "INSERT INTO t SELECT 'row number ' || rowid FROM gone; DELETE FROM t WHERE rowid %% 3;"
        "DROP TABLE gone;",
        mode);

    opened_make(sql);
    free(sql);
    ck_assert_int_eq(chmod(name, 0644), 0);
    resume(stage);
}

static void before(struct stage *stage)
{
    struct error error = {0};

    ck_assert_msg(!vacuum_care_before(&stage->care, &error), "%s", error.text);
    ck_assert_int_eq(stage->care.copy, COPY_MADE);
}

static void compact(struct stage *stage)
{
    struct error error = {0};

    ck_assert_msg(!compact_shrink(stage->care.compact, INT64_MAX, &error), "%s", error.text);
    ck_assert_int_gt(compact_result(stage->care.compact)->given, 100);
}

static void end(struct stage *stage)
{
    vacuum_care_close(&stage->care);
    lease_free(stage->engine.lease);
    database_close(stage->engine.database);
}

static bool here(const char *ending)
{
    char *file = memory_format("%s%s", name, ending);
    bool is = access(file, F_OK) == 0;

    free(file);
    return is;
}

static const char *const modes[] = {"wal", "delete"};

/* The very rows and rowids, in a file that others can't read, though they can the database. */
START_TEST(what_the_copy_is)
{
    struct stage stage;
    struct stat about;

    begin(&stage, modes[_i]);
    before(&stage);
    ck_assert_int_eq(stat("app.db" IDENTITY_COPY, &about), 0);
    ck_assert_int_eq(about.st_mode & 07777, 0640);
    ck_assert_int_eq(about.st_size, stage.care.copy_bytes);
    ck_assert(!here(IDENTITY_PART));
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
    end(&stage);
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
    struct stage stage;

    printf("  %s\n", endings_of_work[_i].name);
    fflush(stdout);
    begin(&stage, "wal");
    before(&stage);
    if (endings_of_work[_i].moved)
        compact(&stage);
    enum status status = vacuum_care_after(&stage.care, endings_of_work[_i].worked, &error);
    ck_assert_int_eq(status, endings_of_work[_i].status);
    ck_assert_int_eq(stage.care.copy, endings_of_work[_i].copy);
    ck_assert_int_eq(here(IDENTITY_COPY), endings_of_work[_i].copy == COPY_MADE);
    if (endings_of_work[_i].why)
        ck_assert_str_eq(error.text, endings_of_work[_i].why);
    end(&stage);
}
END_TEST

/* A row that changes though nobody has committed, with its entry in the index or without. */
static const struct {
    bool all;
    const char *why;
} damages[] = {
    {true, "the rows are not those of before, and nobody else has written: in table \"t\" a row is "
           "another one"},
    {false, "integrity_check says: row 111 missing from index i"},
};

/* Changes "row number 333" behind SQLite's back, in all places or in the first; how many there are.
 */
static int damage(const char *path, bool all)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    off_t size = lseek(file, 0, SEEK_END);
    char *bytes = memory_zeroed((size_t)size + 1, 1), *at = bytes;
    int found = 0;

    ck_assert_int_eq(pread(file, bytes, (size_t)size, 0), size);
    while ((at = memmem(at, (size_t)(bytes + size - at), "row number 333", 14)) != NULL) {
        if (all || !found)
            ck_assert_int_eq(pwrite(file, "row number 334", 14, at - bytes), 14);
        found++;
        at++;
    }
    free(bytes);
    close(file);
    return found;
}

/* A copy that SQLite has written, and that is another one when it is read. */
static int tampers;
static bool tamper_all;

static bool tamper(void *argument)
{
    (void)argument;
    if (!tampers && access("app.db" IDENTITY_PART, F_OK) == 0)
        tampers = damage("app.db" IDENTITY_PART, tamper_all);
    return false;
}

START_TEST(a_copy_that_is_none)
{
    struct error error = {0};
    struct stage stage;
    char why[300];

    begin(&stage, "wal");
    opened_sql(
        "CREATE TABLE many(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 200000) INSERT INTO many SELECT i FROM n");
    tampers = 0;
    tamper_all = damages[_i].all;
    job.host.stopped = tamper; /* asked while the rows are counted, after the copy was written */
    snprintf(why, sizeof why,
             "the copy of the database is not what it must be: %s; nothing was "
             "changed",
             _i ? damages[_i].why : "in table \"t\" a row is another one");
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_FAILED);
    ck_assert_int_ge(tampers, 2);
    ck_assert_str_eq(error.text, why);
    ck_assert(!here(IDENTITY_PART));
    ck_assert(!here(IDENTITY_COPY));
    end(&stage);
}
END_TEST

/* A doubt: the copy stays, has a name of its own, and no later run goes on beside it. */
START_TEST(a_doubt)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, "delete");
    before(&stage);
    compact(&stage);
    char *why =
        memory_format("after the pages were moved: %s; stop the application, and if the file "
                      "is damaged go back to its copy, /srv/app.db-litekeeper-kept",
                      damages[_i].why);

    ck_assert_int_ge(damage(name, damages[_i].all), 2);
    ck_assert_int_eq(vacuum_care_after(&stage.care, STATUS_OK, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, why);
    free(why);
    ck_assert_int_eq(stage.care.copy, COPY_KEPT);
    ck_assert(!here(IDENTITY_COPY));
    ck_assert(here(IDENTITY_KEPT));
    end(&stage);

    resume(&stage);
    ck_assert_int_eq(vacuum_care_before(&stage.care, &error), STATUS_REFUSED);
    ck_assert(here(IDENTITY_KEPT));
    end(&stage);
}
END_TEST

/* What others have written meanwhile is no doubt. */
START_TEST(others_write)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, modes[_i]);
    before(&stage);
    compact(&stage);
    opened_sql("INSERT INTO t VALUES('one more'); DELETE FROM t WHERE v LIKE '%3'");
    ck_assert_msg(!vacuum_care_after(&stage.care, STATUS_OK, &error), "%s", error.text);
    ck_assert(stage.care.checked);
    ck_assert(!stage.care.compared);
    ck_assert_int_eq(stage.care.copy, COPY_REMOVED);
    end(&stage);
}
END_TEST

/* --- beside others ------------------------------------------------------------------------ */

static void writes(void)
{
    sqlite3 *db = sql_open(name);

    sql_do(db, "PRAGMA synchronous = OFF");
    for (int i = 0;; i++)
        sql_do(db, "INSERT INTO t VALUES(%d); DELETE FROM t WHERE rowid = %d", i, i);
}

/* A writer that never rests: the copy has the very rows that were counted, or it would not do. */
START_TEST(of_one_moment)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, "wal");
    pid_t writer = fork();
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        writes();
    }
    clock_sleep_ms(100);
    for (int i = 0; i < MOMENTS; i++) {
        vacuum_check_free(&stage.care.before);
        stage.care.copy = COPY_NONE;
        ck_assert_msg(!vacuum_copy_make(&stage.care, &error), "%d: %s", i, error.text);
        vacuum_copy_remove(&stage.care);
        ck_assert_int_eq(stage.care.copy, COPY_REMOVED);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    end(&stage);
}
END_TEST

/* Told to stop while it copies. */
START_TEST(stopped)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, modes[_i]);
    opened_stop = true;
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_CANCELLED);
    ck_assert(!here(IDENTITY_PART));
    ck_assert(!here(IDENTITY_COPY));
    end(&stage);
}
END_TEST

/* Its snapshot keeps the log. */
START_TEST(the_log_gets_too_long)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, "wal");
    opened_sql("PRAGMA wal_autocheckpoint = 0; CREATE TABLE more(v);"
               "INSERT INTO more VALUES(zeroblob(4000000))");
    policy.limits.max_wal = 10 << 20;
    policy.limits.max_wal = 1 << 20; /* the lease has let it pass */
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_BUSY);
    printf("  %s\n", error.text);
    ck_assert_msg(strstr(error.text, "the copy of the database ended before it was through: ") &&
                      strstr(error.text, "of the WAL wait to be checkpointed (max_wal 1.0 MiB)"),
                  "%s", error.text);
    ck_assert(!here(IDENTITY_PART));
    end(&stage);
}
END_TEST

/* In rollback-journal mode it keeps writers out, and so does a check: in the window alone. */
START_TEST(the_window_closes)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, "delete");
    job.outside_window = false;
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_BUSY);
    ck_assert_str_eq(error.text, "the copy of the database ended before it was through: it keeps "
                                 "writers out, and the policy's window has closed");
    ck_assert(!here(IDENTITY_PART));
    ck_assert_int_eq(vacuum_care_before(&stage.care, &error), STATUS_BUSY);
    ck_assert_str_eq(error.text, "the check before the pages are moved ended before it was "
                                 "through: it keeps writers out, and the policy's window has "
                                 "closed");
    end(&stage);
}
END_TEST

/* It closes after the pages were moved: told, and the copy stays for the next run. */
START_TEST(the_window_closes_at_the_end)
{
    struct error error = {0};
    struct stage stage;
    struct text said = {0};
    json_t *found = json_object();

    begin(&stage, "delete");
    before(&stage);
    compact(&stage);
    job.outside_window = false;
    ck_assert_int_eq(vacuum_care_after(&stage.care, STATUS_OK, &error), STATUS_OK);
    vacuum_care_tell(&stage.care, found, &said);
    ck_assert_str_eq(said.bytes,
                     "; it was not checked afterwards, since the window had closed, and its copy "
                     "/srv/app.db-litekeeper-copy stays until the next run has checked it");
    ck_assert_str_eq(json_string_value(json_object_get(found, "copy")), "left");
    ck_assert(here(IDENTITY_COPY));
    end(&stage);
    job.outside_window = true;

    resume(&stage);
    ck_assert_msg(!vacuum_care_settle(&stage.care, &error), "%s", error.text);
    ck_assert(!here(IDENTITY_COPY));
    end(&stage);
    json_decref(found);
    text_free(&said);
}
END_TEST

/* What is in the way though the guard saw nothing: never overwritten. */
START_TEST(in_the_way)
{
    struct error error = {0};
    struct stage stage;

    begin(&stage, "wal");
    folder_write("app.db" IDENTITY_PART, "");
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, "the copy beside /srv/app.db can't be made: File exists; nothing "
                                 "was changed");
    ck_assert(here(IDENTITY_PART));
    end(&stage);
}
END_TEST

static void add_steps(TCase *steps)
{
    tcase_add_checked_fixture(steps, opened_set_up, opened_tear_down);
    tcase_add_loop_test(steps, what_the_copy_is, 0, LENGTH(modes));
    tcase_add_loop_test(steps, how_it_ends, 0, LENGTH(endings_of_work));
    tcase_add_loop_test(steps, a_doubt, 0, LENGTH(damages));
    tcase_add_loop_test(steps, others_write, 0, LENGTH(modes));
    tcase_add_loop_test(steps, a_copy_that_is_none, 0, LENGTH(damages));
    tcase_add_test(steps, in_the_way);
    tcase_add_test(steps, of_one_moment);
    tcase_add_loop_test(steps, stopped, 0, LENGTH(modes));
    tcase_add_test(steps, the_log_gets_too_long);
    tcase_add_test(steps, the_window_closes);
    tcase_add_test(steps, the_window_closes_at_the_end);
}

int main(void)
{
    Suite *suite = suite_create("vacuum_backup");
    TCase *some = tcase_create("vacuum_backup"), *steps = tcase_create("steps");
    SRunner *runner = srunner_create(suite);
    struct error error;

    tcase_set_timeout(some, 60);
    tcase_add_test(some, a_copy_is_no_database);
    if (pageedit_available(&error) == STATUS_OK) {
        tcase_add_loop_test(some, end_to_end, 0, LENGTH(cases));
        tcase_add_loop_test(some, left_behind, 0, LENGTH(leftovers));
        tcase_add_test(some, left_behind_a_dense_file);
        tcase_add_test(some, no_room);
        tcase_add_loop_test(some, a_disk_that_fails, 0, LENGTH(faults));
        add_steps(steps);
        suite_add_tcase(suite, steps);
    } else {
        skip("online compaction: the linked SQLite has no sqlite_dbpage that truncates; see the "
             "head of tests/test_vacuum_online.c");
    }
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
