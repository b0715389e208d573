/* Through the real program alone. */
#include "lib_archived.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY                                                                                 \
    "daemon: { state: \"@/state\" }\n"                                                         \
    "databases:\n"                                                                             \
    "  - { name: app, path: \"@/app.db\", retention: [{ table: t, column: at, keep: 50d, %s\n" \
    "      archive: { directory: \"@/cold\", segment_rows: 20 } }] }\n"

void archived_policy(const char *options)
{
    char *yaml = memory_format(POLICY, options);

    expect_policy(yaml);
    free(yaml);
}

static void archived_fill(sqlite3 *db)
{
    sql_do(db, "PRAGMA journal_mode = wal");
    sql_do(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x TEXT, n); "
               "CREATE INDEX t_at ON t(at)");
    sql_do(db,
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
           " INSERT INTO t SELECT i, unixepoch('now', '-' || (i * 240 + 30) || ' minutes'),"
           " CASE i %% 5 WHEN 0 THEN NULL ELSE 'text \"' || (i * 7 %% 100) || '\" \xc3\xa4' END,"
           " CASE i %% 4 WHEN 0 THEN i / 3.0 WHEN 1 THEN x'00ff' || i WHEN 2 THEN i * 3000000000000"
           " ELSE 'n' || i END FROM n",
           ARCHIVED_ROWS);
}

sqlite3 *archived_prepare(void)
{
    char *path = folder_path("app.db"), *cold = folder_path("cold");
    sqlite3 *db = sql_make(path);

    archived_policy("");
    ck_assert(!mkdir(cold, 0750));
    archived_fill(db);
    free(path);
    free(cold);
    return db;
}

sqlite3 *archived_make(void)
{
    sqlite3 *db = archived_prepare(), *before = sql_make(":memory:");

    sqlite3_backup *copy = sqlite3_backup_init(before, "main", db, "main");
    ck_assert_int_eq(sqlite3_backup_step(copy, -1), SQLITE_DONE);
    sqlite3_backup_finish(copy);
    sqlite3_close(db);
    expect("run -c @/policy.yaml app", 0, "app retention t: done in ~ archived in ~\n", "");
    return before;
}

sqlite3 *archived_history(void)
{
    char *path = folder_path("state/history.db");
    sqlite3 *db = sql_open(path);

    free(path);
    return db;
}

static int archived_order(const FTSENT **one, const FTSENT **other)
{
    return strcmp((*one)->fts_name, (*other)->fts_name);
}

json_t *archived_files(void)
{
    char *cold = folder_path("cold"), *roots[] = {cold, NULL};
    size_t above = strlen(cold) - strlen("cold");
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, archived_order);
    json_t *files = json_array();
    FTSENT *entry;

    while ((entry = fts_read(walk)))
        if (entry->fts_info == FTS_F)
            json_array_append_new(files, json_string(entry->fts_path + above));
    fts_close(walk);
    free(cold);
    return files;
}

void archived_run(const char *words, int status, struct program_result *result)
{
    const char *rest = strchrnul(words, ' ');
    char *all = memory_format("archive %.*s -c @/policy.yaml%s", (int)(rest - words), words, rest);

    expect_run(all, result);
    ck_assert_msg(result->status == status, "%s: exit status %d\n%.700s%.700s", all, result->status,
                  result->out, result->err);
    free(all);
}

json_t *archived_lines(const char *words, int status)
{
    struct program_result result;
    json_t *lines = json_array();

    archived_run(words, status, &result);
    for (char *rest = result.out, *line; (line = strsep(&rest, "\n")) && *line;) {
        json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
        ck_assert_msg(object != NULL, "%s", line);
        json_array_append_new(lines, object);
    }
    program_result_free(&result);
    return lines;
}

json_t *archived_problems(int status)
{
    json_t *lines = archived_lines("verify --json", status), *problems = json_array(), *line;
    size_t i;

    json_array_foreach (lines, i, line) {
        const char *file = json_string_value(json_object_get(line, "file"));
        const char *known = json_string_value(json_object_get(line, "catalogue"));
        if (file && (json_is_string(json_object_get(line, "problem")) ||
                     (known && strcmp(known, "unknown") == 0)))
            json_array_append_new(problems, json_string(strrchr(file, '/') + 1));
    }
    json_decref(lines);
    return problems;
}

char *archived_file(size_t which, const char *end)
{
    json_t *files = archived_files(), *file;
    char *path = NULL;
    size_t i, found = 0;

    json_array_foreach (files, i, file) {
        const char *name = json_string_value(file);
        if (strcmp(name + strlen(name) - strlen(end), end) == 0 && found++ == which)
            path = folder_path(name);
    }
    ck_assert_ptr_nonnull(path);
    json_decref(files);
    return path;
}

void archived_flip(const char *path, int64_t at, int bit)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

int64_t archived_size(const char *path)
{
    struct stat about;

    ck_assert(!stat(path, &about));
    return about.st_size;
}
