/* Makes segments by the rooms that write archives, but for the one that drives them. */
#include "lib_shelved.h"

#include "archive_place.h"
#include "archive_segment.h"
#include "archive_shelf.h"
#include "archive_tally.h"
#include "lib_folder.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct shelved shelved_first = {"year=2025", "20260101T000000.000001Z", SHELVED_DAYS(0), 10,
                                      MANIFEST_DONE},
                     shelved_second = {"year=2025", "20260101T000000.000000Z", SHELVED_DAYS(1), 20,
                                       MANIFEST_DONE},
                     shelved_third = {"year=2025", "20260101T000000.000002Z", SHELVED_DAYS(400), 30,
                                      MANIFEST_DONE};

static void shelved_enter(const char *name)
{
    char *path = folder_path(name);

    mkdir(path, 0750);
    free(path);
}

char *shelved_folder(void)
{
    shelved_enter("cold");
    shelved_enter("cold/app");
    shelved_enter("cold/app/t");
    return folder_path("cold/app/t");
}

static const char *shelved_part(const struct shelved *shelved)
{
    return shelved->part ? shelved->part : "";
}

static char *shelved_name(const struct shelved *shelved, const char *before, const char *after)
{
    const char *part = shelved_part(shelved);

    return memory_format("%s%s%spart-%s%s", part, *part ? "/" : "", before, shelved->stamp, after);
}

char *shelved_file(const struct shelved *shelved)
{
    return shelved_name(shelved, "", ".jsonl.zst");
}

char *shelved_manifest(const struct shelved *shelved)
{
    return shelved->state < MANIFEST_DONE ? memory_copy("_unfinished.json")
                                          : shelved_name(shelved, "_", ".manifest.json");
}

char *shelved_path(char *name)
{
    char *folder = shelved_folder(), *path = memory_format("%s/%s", folder, name);

    free(folder);
    free(name);
    return path;
}

static void shelved_columns(struct archive_columns *columns)
{
    static const char *const names[][2] = {{"id", "INTEGER"}, {"at", "INTEGER"}, {"x", "TEXT"}};

    *columns = (struct archive_columns){0};
    for (size_t i = 0; i < 3; i++)
        ck_assert(!archive_columns_add(columns, names[i][0], names[i][1], NULL));
    columns->time = 1;
    columns->key_count = 1;
}

static void shelved_row(const struct shelved *shelved, int i, struct archive_row *row, char *text)
{
    int64_t at = shelved->first_us / 1000000 + i;

    snprintf(text, 64,
             "row %d of \"%s\" \xc3\xa4\x7f\xc2\x9b"
             "31m",
             i, shelved->stamp);
    row->values[0] = (struct archive_value){.type = SQLITE_INTEGER, .integer = at * 10};
    row->values[1] = (struct archive_value){.type = SQLITE_INTEGER, .integer = at};
    row->values[2] =
        (struct archive_value){.type = SQLITE_TEXT, .bytes = text, .length = strlen(text)};
}

static void shelved_rows(const struct shelved *shelved, const struct archive_columns *columns,
                         int folder, struct archive_manifest *manifest)
{
    struct segment_writer *writer;
    struct segment_file file;
    struct archive_tally tally;
    struct archive_row row;
    struct error error = {0};
    struct text line = {0};
    char text[64];

    archive_row_init(columns, &row);
    archive_tally_begin(&tally);
    ck_assert_msg(!segment_create(folder, manifest->name, 0640, "it", &writer, &error), "%s",
                  error.text);
    for (int i = 0; i < shelved->rows; i++) {
        shelved_row(shelved, i, &row, text);
        text_clear(&line);
        archive_row_write(columns, &row, &line);
        ck_assert(!segment_write(writer, line.bytes, line.length, &error));
        archive_tally_add(&tally, columns, &row, line.length);
    }
    ck_assert_msg(!segment_finish(writer, &file, &error), "%s", error.text);
    archive_tally_end(&tally, manifest);
    manifest->bytes = file.bytes;
    memcpy(manifest->sha256, file.sha256, sizeof file.sha256);
    archive_row_free(&row);
    text_free(&line);
}

static int shelved_open(const char *part)
{
    char *path = shelved_path(memory_copy(part));
    int folder;

    mkdir(path, 0750);
    folder = open(path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(folder, 0);
    free(path);
    return folder;
}

static void shelved_tell(const struct shelved *shelved, const struct archive_manifest *manifest)
{
    char *path = shelved_path(shelved_manifest(shelved));
    char *text = archive_manifest_text(manifest);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    free(text);
    free(path);
}

void shelved_make(const struct shelved *shelved)
{
    const char *part = shelved_part(shelved);
    struct archive_columns columns;
    int folder = shelved_open(part);

    shelved_columns(&columns);
    struct archive_manifest manifest = {
        .state = shelved->state,
        .part = memory_copy(part),
        .name = memory_format("part-%s.jsonl.zst", shelved->stamp),
        .about = archive_manifest_about("app", "/srv/app.db", "t",
                                        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x)",
                                        &columns),
        .first_us = shelved->first_us,
        .last_us = shelved->first_us + (shelved->rows - 1) * INT64_C(1000000),
        .cutoff_us = shelved->first_us + SHELVED_DAY,
        .made_us = shelved->first_us + 2 * SHELVED_DAY,
        .removed_us = shelved->state == MANIFEST_REMOVED ? shelved->first_us + 3 * SHELVED_DAY : -1,
    };
    shelved_rows(shelved, &columns, folder, &manifest);
    shelved_tell(shelved, &manifest);
    archive_manifest_free(&manifest);
    archive_columns_free(&columns);
    close(folder);
}

char *shelved_shown(void)
{
    char *directory = folder_path("cold");
    struct text text = {0};
    struct error error = {0};
    struct shelf shelf;

    ck_assert_msg(!shelf_open(directory, "app", "t", &shelf, &error), "%s", error.text);
    for (size_t i = 0; i < shelf.count; i++) {
        const struct shelf_segment *segment = &shelf.segments[i];
        struct error problem = {0};
        char *name = shelf_name(segment);
        if (!segment->problem.status && segment->manifest.state != MANIFEST_REMOVED)
            (void)!shelf_check(&shelf, segment, &problem);
        text_addf(&text, "%s %s %d%s%s\n", strrchr(name, '/') ? strrchr(name, '/') + 1 : name,
                  segment->manifest.name ? archive_manifest_state(segment->manifest.state) : "-",
                  (int)segment->manifest.rows,
                  segment->problem.status || problem.status ? ": " : "",
                  segment->problem.status ? segment->problem.text : problem.text);
        free(name);
    }
    shelf_close(&shelf);
    free(directory);
    return text_take(&text);
}

void shelved_shows(const char *expected)
{
    char *found = shelved_shown();

    ck_assert_msg(strncmp(found, expected, strlen(expected)) == 0, "%s\ninstead of\n%s", found,
                  expected);
    free(found);
}

void shelved_has(const char *part)
{
    char *found = shelved_shown();

    ck_assert_msg(strstr(found, part) != NULL, "%s\nlacks\n%s", found, part);
    free(found);
}

void shelved_put(char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

void shelved_set_up(void)
{
    folder_make();
    free(shelved_folder());
}
