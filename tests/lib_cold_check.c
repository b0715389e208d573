/* Counts each version in the database, in the segments that are done, and in the one that isn't. */
#include "archive_manifest.h"
#include "archive_segment.h"
#include "lib_cold.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cold_is(const struct archive_row *row, int64_t version)
{
    double real = (double)version / 3;
    char text[64];

    cold_text(version, text);
    const struct archive_value wanted[] = {
        {.type = SQLITE_INTEGER, .integer = version},
        {.type = SQLITE_TEXT, .bytes = text, .length = strlen(text)},
        {.type = SQLITE_FLOAT, .real = real},
        {.type = SQLITE_BLOB, .bytes = (const char *)&version, .length = (size_t)(version % 8)}};
    for (size_t i = 0; i < 4; i++)
        if (!archive_value_same(&row->values[2 + i], &wanted[i]))
            return false;
    return true;
}

struct cold_count {
    uint8_t *live, *done, *pending; /* by version */
    int64_t archived, segments;
};

/* A note is given `again` when its item gets another log, to which the export comes yet: the one is
 * deleted, and the other left out when the segment is settled. */
static void cold_count_row(uint8_t *where, const struct archive_row *row, bool again,
                           const char *what)
{
    int64_t version = row->values[2].integer;

    ck_assert_msg(row->values[2].type == SQLITE_INTEGER && version > 0 && version < COLD_VERSIONS,
                  "%s has a row of no version", what);
    ck_assert_msg(cold_is(row, version), "version %lld in %s is not what it was",
                  (long long)version, what);
    where[version]++;
    ck_assert_msg(where[version] == 1 || again, "version %lld is twice in %s", (long long)version,
                  what);
}

static void cold_count_table(sqlite3 *db, const char *table, uint8_t *where)
{
    struct archive_value values[6];
    struct archive_row row = {.values = values, .count = 6};
    char *sql = memory_format("SELECT * FROM %s", table);
    sqlite3_stmt *select = sql_prepare(db, sql);

    while (sqlite3_step(select) == SQLITE_ROW) {
        for (int i = 0; i < 6; i++)
            archive_value_of(select, i, &values[i]);
        cold_count_row(where, &row, false, "the database");
    }
    sqlite3_finalize(select);
    free(sql);
}

static void cold_count_live(const struct cold *cold, struct cold_count *count)
{
    char *path = folder_path("app.db");
    sqlite3 *db = sql_open(path);

    sql_expect(db, "PRAGMA integrity_check", "ok");
    sql_expect(db, "SELECT count(*) FROM pragma_foreign_key_check", "0");
    for (int i = 0; i < cold_table_count(cold); i++)
        cold_count_table(db, cold_tables[i], count->live);
    sqlite3_close(db);
    free(path);
}

static void cold_count_segment(int folder, const struct archive_manifest *manifest, bool done,
                               uint8_t *where)
{
    struct archive_columns columns;
    struct segment_reader *reader;
    struct segment_file file;
    struct archive_row row;
    struct error error = {0};
    const char *line;
    size_t length;
    int64_t rows = 0;

    ck_assert(!archive_manifest_columns(manifest, &columns, &error));
    archive_row_init(&columns, &row);
    ck_assert_msg(!segment_open(folder, manifest->name, manifest->name, &reader, &error), "%s",
                  error.text);
    for (;; rows++) {
        ck_assert_msg(!segment_line(reader, &line, &length, &error), "%s", error.text);
        if (!line)
            break;
        ck_assert_msg(!archive_row_parse(&columns, line, length, &row, &error), "%s", error.text);
        cold_count_row(where, &row, !done && json_object_get(manifest->about, "follows"),
                       done ? "done segments" : "the unfinished segment");
    }
    segment_read(reader, &file);
    if (done) {
        ck_assert_str_eq(file.sha256, manifest->sha256);
        ck_assert_int_eq(rows, manifest->rows);
    }
    segment_close(reader);
    archive_row_free(&row);
    archive_columns_free(&columns);
}

/* Rows that lie in a SQLite file; returns how many. */
static int64_t cold_count_stored(int folder, const struct archive_manifest *manifest,
                                 const char *what, uint8_t *where)
{
    const char *table = json_string_value(json_object_get(manifest->about, "table"));
    char *path = memory_format("/proc/self/fd/%d/%s", folder, manifest->store);
    char *sql = memory_format("SELECT t.* FROM %s AS t JOIN _litekeeper_segment AS s"
                              " ON t.rowid BETWEEN s.first AND s.last WHERE s.name = '%s'",
                              table, manifest->name);
    struct archive_value values[6];
    struct archive_row row = {.values = values, .count = 6};
    sqlite3 *db = sql_open(path);
    sqlite3_stmt *select = sql_prepare(db, sql);
    int64_t rows = 0;

    for (; sqlite3_step(select) == SQLITE_ROW; rows++) {
        for (int i = 0; i < 6; i++)
            archive_value_of(select, i, &values[i]);
        cold_count_row(where, &row, false, what);
    }
    sqlite3_finalize(select);
    sqlite3_close(db);
    free(sql);
    free(path);
    return rows;
}

static void cold_count_part(int folder, const struct archive_manifest *manifest,
                            struct cold_count *count)
{
    bool done = manifest->state == MANIFEST_DONE;
    bool lines = faccessat(folder, manifest->name, F_OK, 0) == 0;

    if (done && manifest->store)
        ck_assert_int_eq(cold_count_stored(folder, manifest, "done segments", count->done),
                         manifest->rows);
    else if (done || (lines && manifest->state >= MANIFEST_WRITTEN))
        cold_count_segment(folder, manifest, done, done ? count->done : count->pending);
    else if (manifest->state == MANIFEST_SETTLED && manifest->store)
        cold_count_stored(folder, manifest, "the unfinished segment", count->pending);
}

static void cold_count_manifest(int folder, const char *name, struct cold_count *count)
{
    struct archive_manifest manifest;
    struct error error = {0};
    char path[512], *text;
    struct stat about;
    int fd = openat(folder, name, O_RDONLY);

    ck_assert(fd >= 0 && fstat(fd, &about) == 0);
    text = memory_zeroed((size_t)about.st_size + 1, 1);
    ck_assert_int_eq(read(fd, text, (size_t)about.st_size), about.st_size);
    close(fd);
    ck_assert_msg(!archive_manifest_parse(text, strlen(text), &manifest, &error), "%s: %s", name,
                  error.text);
    bool done = manifest.state == MANIFEST_DONE;
    snprintf(path, sizeof path, "%s", done || !manifest.part[0] ? "." : manifest.part);
    int part = openat(folder, path, O_RDONLY | O_DIRECTORY);
    if (part >= 0)
        cold_count_part(part, &manifest, count);
    count->archived += done ? manifest.rows : 0;
    count->segments -= done && !manifest.store;
    close(part);
    archive_manifest_free(&manifest);
    free(text);
}

static void cold_count_folder(int folder, struct cold_count *count)
{
    DIR *list = fdopendir(folder);
    struct dirent *entry;

    ck_assert_ptr_nonnull(list);
    while ((entry = readdir(list))) {
        const char *name = entry->d_name;
        size_t length = strlen(name);
        if (entry->d_type == DT_DIR && name[0] != '.')
            cold_count_folder(openat(folder, name, O_RDONLY | O_DIRECTORY), count);
        else if (name[0] == '_' && length > 5 && strcmp(name + length - 5, ".json") == 0)
            cold_count_manifest(folder, name, count);
        count->segments += strncmp(name, "part-", 5) == 0;
    }
    closedir(list);
}

/* A version that has left and whose segment is about to be done is in both for a while. Once that
 * is done, it is in one of them; and never in none. */
static void cold_compare(const struct cold *cold, const struct cold_count *count)
{
    for (int32_t i = 1; i < cold->next_version; i++) {
        int sure = count->live[i] + count->done[i], all = sure + count->pending[i];
        ck_assert_msg(!cold->there[i] || all > 0, "version %d is lost", i);
        ck_assert_msg(sure <= 1, "version %d is in the database and in a done segment", i);
        ck_assert_msg(cold->there[i] || sure == 0, "version %d is no more, and %s has it", i,
                      count->live[i] ? "the database" : "a done segment");
    }
}

static void cold_check_finished(const char *table)
{
    char *name = memory_format("cold/app/%s/_unfinished.json", table), *left = folder_path(name);

    ck_assert_msg(access(left, F_OK) < 0, "a segment of %s is unfinished", table);
    free(left);
    free(name);
}

int64_t cold_check(const struct cold *cold, bool unfinished)
{
    char *path = folder_path("cold");
    struct cold_count count = {.live = memory_zeroed(COLD_VERSIONS, 1),
                               .done = memory_zeroed(COLD_VERSIONS, 1),
                               .pending = memory_zeroed(COLD_VERSIONS, 1)};

    cold_count_live(cold, &count);
    cold_count_folder(open(path, O_RDONLY | O_DIRECTORY), &count);
    cold_compare(cold, &count);
    ck_assert_msg(unfinished || count.segments == 0, "a segment has no manifest");
    for (int i = 0; !unfinished && i < cold_table_count(cold); i++)
        cold_check_finished(cold_tables[i]);
    free(count.live);
    free(count.done);
    free(count.pending);
    free(path);
    return count.archived;
}
