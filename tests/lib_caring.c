/* Makes the file and the engine that a worker would have, in this process. */
#include "lib_caring.h"

#include "lib_opened.h"
#include "memory.h"
#include "task_kinds.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char name[] = "app.db";
struct config_database caring_policy = {.name = name};
static const struct config_task task = {.kind = &task_vacuum};
struct engine_job caring_job = {.file = name,
                                .path = "/srv/app.db",
                                .database = &caring_policy,
                                .task = &task,
                                .outside_window = true};

void caring_resume(struct caring *stage)
{
    struct error error = {0};
    struct stat about;

    ck_assert_int_eq(stat(name, &about), 0);
    caring_policy.limits.max_lock = caring_policy.limits.busy_timeout =
        (struct span){.set = true, .us = 100000};
    caring_policy.limits.max_wal = 1 << 30;
    caring_policy.limits.duty = 1;
    caring_job.outside_window = true;
    caring_job.seen = (struct identity){.device = about.st_dev,
                                        .inode = about.st_ino,
                                        .owner = about.st_uid,
                                        .group = about.st_gid};
    *stage = (struct caring){.engine = {.job = &caring_job}, .care = {.backup = true}};
    stage->care.engine = &stage->engine;
    ck_assert_int_eq(opened_try(DATABASE_WRITE, 500, &stage->engine.database, &error), STATUS_OK);
    caring_job.host = *database_host(stage->engine.database);
    ck_assert_msg(!vacuum_care_open(&stage->care, &error), "%s", error.text);
}

void caring_begin(struct caring *stage, const char *mode)
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
    caring_resume(stage);
}

void caring_before(struct caring *stage)
{
    struct error error = {0};

    ck_assert_msg(!vacuum_care_before(&stage->care, &error), "%s", error.text);
    ck_assert_int_eq(stage->care.copy, COPY_MADE);
}

void caring_compact(struct caring *stage)
{
    struct error error = {0};

    ck_assert_msg(!compact_shrink(stage->care.compact, INT64_MAX, &error), "%s", error.text);
    ck_assert_int_gt(compact_result(stage->care.compact)->given, 100);
}

void caring_end(struct caring *stage)
{
    vacuum_care_close(&stage->care);
    lease_free(stage->engine.lease);
    database_close(stage->engine.database);
}

bool caring_here(const char *ending)
{
    char *file = memory_format("%s%s", name, ending);
    bool is = access(file, F_OK) == 0;

    free(file);
    return is;
}

int caring_damage(const char *path, bool all)
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
