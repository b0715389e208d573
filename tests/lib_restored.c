/* Goes through the archive in the test's folder, manifest by manifest. */
#include "lib_restored.h"

#include "archive_manifest.h"
#include "archive_segment.h"
#include "lib_folder.h"
#include "lib_proof.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void restored_bind(sqlite3_stmt *insert, int at, const struct archive_value *value)
{
    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(insert, at, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(insert, at, value->real);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text(insert, at, value->bytes, (int)value->length, SQLITE_TRANSIENT);
    else if (value->type == SQLITE_BLOB)
        sqlite3_bind_blob(insert, at, value->bytes, (int)value->length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(insert, at);
}

static sqlite3_stmt *restored_insert(sqlite3 *db, const struct archive_manifest *manifest,
                                     const struct archive_columns *columns)
{
    const char *table = json_string_value(json_object_get(manifest->about, "table"));
    struct text sql = {0};
    int count = 0;

    text_addf(&sql, "INSERT INTO \"%s\"(", table);
    for (size_t i = 0; i < columns->count; i++)
        if (!columns->list[i].generated)
            text_addf(&sql, "%s\"%s\"", count++ ? ", " : "", columns->list[i].name);
    text_add(&sql, ") VALUES(");
    for (int i = 0; i < count; i++)
        text_add(&sql, i ? ", ?" : "?");
    text_add(&sql, ")");
    sqlite3_stmt *insert = proof_prepare(db, sql.bytes);
    text_free(&sql);
    return insert;
}

static void restored_segment(sqlite3 *db, int folder, const struct archive_manifest *manifest)
{
    struct archive_columns columns;
    struct segment_reader *reader;
    struct archive_row row;
    struct error error = {0};
    const char *line;
    size_t length;

    ck_assert(!archive_manifest_columns(manifest, &columns, &error));
    archive_row_init(&columns, &row);
    sqlite3_stmt *insert = restored_insert(db, manifest, &columns);
    ck_assert_msg(!segment_open(folder, manifest->name, manifest->name, &reader, &error), "%s",
                  error.text);
    while (!segment_line(reader, &line, &length, &error) && line) {
        int at = 1;
        ck_assert_msg(!archive_row_parse(&columns, line, length, &row, &error), "%s", error.text);
        for (size_t i = 0; i < columns.count; i++)
            if (!columns.list[i].generated)
                restored_bind(insert, at++, &row.values[i]);
        ck_assert_msg(sqlite3_step(insert) == SQLITE_DONE, "%s", sqlite3_errmsg(db));
        sqlite3_reset(insert);
    }
    segment_close(reader);
    sqlite3_finalize(insert);
    archive_row_free(&row);
    archive_columns_free(&columns);
}

static void restored_manifest(sqlite3 *db, int folder, const char *name)
{
    struct archive_manifest manifest;
    struct error error = {0};
    char bytes[65536] = "";
    int fd = openat(folder, name, O_RDONLY);

    ck_assert_int_gt(read(fd, bytes, sizeof bytes - 1), 0);
    close(fd);
    ck_assert_msg(!archive_manifest_parse(bytes, strlen(bytes), &manifest, &error), "%s",
                  error.text);
    ck_assert_int_eq(manifest.state, MANIFEST_DONE);
    restored_segment(db, folder, &manifest);
    archive_manifest_free(&manifest);
}

/* Puts back all that is in a folder; counts the files of it that are no manifests, less these. */
static int restored_folder(sqlite3 *db, int folder)
{
    DIR *list = fdopendir(folder);
    struct dirent *entry;
    int more = 0;

    ck_assert_ptr_nonnull(list);
    while ((entry = readdir(list))) {
        const char *name = entry->d_name;
        if (entry->d_type == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            more += restored_folder(db, openat(folder, name, O_RDONLY | O_DIRECTORY));
        if (entry->d_type != DT_REG)
            continue;
        more += strstr(name, ".manifest.json") ? -1 : 1;
        if (strstr(name, ".manifest.json"))
            restored_manifest(db, folder, name);
    }
    closedir(list);
    return more;
}

int restored_all(sqlite3 *db)
{
    char *cold = folder_path("cold");
    int folder = open(cold, O_RDONLY | O_DIRECTORY);

    proof_do(db, "BEGIN");
    int more = restored_folder(db, folder);
    proof_do(db, "COMMIT");
    free(cold);
    return more;
}
