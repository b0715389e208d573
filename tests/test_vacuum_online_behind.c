/*
 * Lets the system fail an online compaction at and behind the commit of a step, by strace(1), and
 * looks whether what is told of that step is what the file has. Needs the own build (see
 * test_vacuum_online.c).
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_traced.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ORDER  "mode: online, backup: none"
#define SHRINK ORDER ", order: false"

/* In rollback-journal mode SQLite syncs the folder and cuts the file off when the step is
 * committed. In WAL mode the checkpoints cut it off, and are made again. */
static const struct {
    const char *journal, *options;
    const char *watched, *inject;
    const char *outcome, *reason; /* patterns */
    bool shorter;                 /* by SQLite's count of its pages */
} behinds[] = {
    {"delete", ORDER, "live/t.db", " -e inject=ftruncate:error=EIO:when=1", "failed",
     "the disk fails after the commit: disk I/O error; this step was made, but where it was to "
     "make the file shorter, the file is as long as before; integrity_check is ok afterwards; ~",
     true},
    {"delete", SHRINK, "live/t.db", " -e inject=ftruncate:error=EIO:when=1+", "failed",
     "the disk fails after the commit: ~; integrity_check is ok afterwards; ~", true},
    {"delete", SHRINK, "live/t.db", " -e inject=ftruncate:error=EIO:when=2", "failed",
     "the disk fails after the commit: ~; integrity_check is ok afterwards; ~", true},
    {"delete", SHRINK, "live", " -e inject=fdatasync:error=EIO:when=1+", "failed",
     "the disk fails after the commit: ~; integrity_check is ok afterwards~", false},
    {"delete", SHRINK, "live", " -e inject=fsync:error=EIO:when=1", "failed",
     "~/live/t.db-litekeeper-mark can't be made: Input/output error; nothing was changed", false},
    {"delete", ORDER, "live/t.db", " -e inject=unlink:error=EIO:when=6", "failed",
     "the disk fails: ~; nothing was changed by this step~", false},
    {"wal", SHRINK, "live/t.db", " -e inject=ftruncate:error=EIO:when=2", "done", "~", true},
    {"wal", SHRINK, "live/t.db", " -e inject=ftruncate:error=EIO:when=2+", "done",
     "~; the file gets smaller with the application's next checkpoint, till then the WAL has #~",
     true},
};

static void behind_run(const struct shrink_case *c, int i)
{
    struct program_result result;

    traced_watch(behinds[i].watched);
    traced_run("run -c @/policy.yaml --json d vacuum", behinds[i].inject, &result);
    traced_outcome(&result);
    ck_assert_int_gt(traced_count("INJECTED"), 0);
    json_t *outcome = json_loads(strstr(result.out, "{\"event\":\"outcome\""), 0, NULL);
    expect_text(c->name, json_string_value(json_object_get(outcome, "outcome")),
                behinds[i].outcome);
    expect_text(c->name, json_string_value(json_object_get(outcome, "reason")), behinds[i].reason);
    json_decref(outcome);
    program_result_free(&result);
}

/* What is told is what the file has, and the next run completes. */
START_TEST(behind_the_commit)
{
    const struct shrink_case c = {.name = behinds[_i].inject,
                                  .file = "live/t.db",
                                  .journal = behinds[_i].journal,
                                  .options = behinds[_i].options,
                                  .scale = 1};
    char *live = folder_path("live");
    struct proof_run next;

    if (!traced_can()) {
        skip("strace is missing or may not trace");
        free(live);
        return;
    }
    ck_assert_int_eq(mkdir(live, 0700), 0);
    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    behind_run(&c, _i);
    if (behinds[_i].shorter)
        ck_assert_int_lt(shrink_pragma(&c, "page_count"), pages);
    shrink_same(&c, model);
    shrink_run(&c, &next);
    ck_assert_int_eq(next.result.status, 0);
    shrink_same(&c, model);
    proof_free(&next);
    sqlite3_close(model);
    free(live);
}
END_TEST

static void set_up(void)
{
    folder_make();
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
}

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, set_up, folder_remove);
    tcase_add_loop_test(some, behind_the_commit, 0, sizeof behinds / sizeof *behinds);
}

int main(void)
{
    return online_main("vacuum_online_behind", 60, add_all);
}
