/* Looks through the folders of a table's archive. */
#include "archive_shelf.h"

#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHELF_DEPTH = 3 }; /* year, month, day */

static const char shelf_unfinished[] = "_unfinished.json";

static void shelf_free_segment(struct shelf_segment *segment)
{
    archive_columns_free(&segment->columns);
    archive_manifest_free(&segment->manifest);
    free(segment->part);
    free(segment->listed);
}

void shelf_close(struct shelf *shelf)
{
    if (!shelf->place.shown)
        return;
    for (size_t i = 0; i < shelf->count; i++)
        shelf_free_segment(&shelf->segments[i]);
    free(shelf->segments);
    archive_place_close(&shelf->place);
    *shelf = (struct shelf){.place.folder = -1};
}

static bool shelf_ends(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);

    return length > tail && strcmp(name + length - tail, end) == 0;
}

static bool shelf_is_manifest(const char *name)
{
    return strcmp(name, shelf_unfinished) == 0 ||
           (strncmp(name, "_part-", 6) == 0 && shelf_ends(name, ".manifest.json"));
}

static bool shelf_is_file(const char *name)
{
    return strncmp(name, "part-", 5) == 0 && shelf_ends(name, ".jsonl.zst");
}

/* --- one segment -------------------------------------------------------------------------- */

/* A manifest tells of the file beside it, under the name that goes with its own. */
static enum status shelf_fits(const struct shelf_segment *segment, struct error *error)
{
    const struct archive_manifest *manifest = &segment->manifest;
    bool work = strcmp(segment->listed, shelf_unfinished) == 0;
    char *own = archive_manifest_file(manifest);
    bool fits = work ? manifest->state != MANIFEST_DONE
                     : manifest->state == MANIFEST_DONE && strcmp(own, segment->listed) == 0 &&
                           strcmp(manifest->part, segment->part) == 0;

    free(own);
    return fits ? STATUS_OK
                : error_set(error, STATUS_INVALID, "the manifest is that of another file: %s%s%s",
                            manifest->part, *manifest->part ? "/" : "", manifest->name);
}

static enum status shelf_load(int folder, struct shelf_segment *segment, struct error *error)
{
    char *text = NULL;
    size_t length = 0;
    enum status status = archive_place_get(folder, segment->listed, &text, &length, error);

    if (!status && !text)
        status = error_set(error, STATUS_INVALID, "it is gone");
    if (!status) {
        segment->listed_bytes = (int64_t)length;
        digest_of(text, length, segment->listed_sha256);
        status = archive_manifest_parse(text, length, &segment->manifest, error);
    }
    free(text);
    if (!status)
        status = archive_manifest_columns(&segment->manifest, &segment->columns, error);
    return status ? status : shelf_fits(segment, error);
}

static void shelf_add(struct shelf *shelf, int folder, const char *part, const char *name)
{
    struct shelf_segment segment = {.part = memory_copy(part), .listed = memory_copy(name)};

    if (shelf_is_manifest(name))
        (void)!shelf_load(folder, &segment, &segment.problem);
    else
        error_set(&segment.problem, STATUS_INVALID,
                  "no manifest tells of it: it was taken away, or the file is none of ours");
    if (strcmp(name, shelf_unfinished) == 0 && segment.manifest.part) {
        free(segment.part);
        segment.part = memory_copy(segment.manifest.part);
    }
    shelf->segments = memory_resize(shelf->segments, shelf->count + 1, sizeof *shelf->segments);
    shelf->segments[shelf->count++] = segment;
}

/* --- folders ------------------------------------------------------------------------------ */

static enum status shelf_look(struct shelf *shelf, const char *part, int depth,
                              struct error *error);

/* "year=2025" and what is in it; other folders are none of ours. */
static enum status shelf_enter(struct shelf *shelf, const char *part, const char *name, int depth,
                               struct error *error)
{
    if (!strchr(name, '=') || *name == '.' || *name == '_' || depth == SHELF_DEPTH)
        return STATUS_OK;
    char *inner = memory_format("%s%s%s", part, *part ? "/" : "", name);
    enum status status = shelf_look(shelf, inner, depth + 1, error);
    free(inner);
    return status;
}

static enum status shelf_entry(struct shelf *shelf, int folder, const char *part, const char *name,
                               int depth, struct error *error)
{
    struct stat about;

    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return STATUS_OK; /* gone by now */
    if (S_ISDIR(about.st_mode))
        return shelf_enter(shelf, part, name, depth, error);
    if (shelf_is_manifest(name) || shelf_is_file(name))
        shelf_add(shelf, folder, part, name);
    return STATUS_OK;
}

static enum status shelf_look(struct shelf *shelf, const char *part, int depth, struct error *error)
{
    struct dirent *entry;
    int folder = -1;
    enum status status = archive_place_part(&shelf->place, part, false, &folder, error);
    DIR *list = status ? NULL : fdopendir(folder);

    if (status)
        return status;
    if (!list) {
        close(folder);
        return error_set(error, STATUS_FAILED, "can't read %s/%s: %s", shelf->place.shown, part,
                         strerror(errno));
    }
    while (!status && (entry = readdir(list)))
        status = shelf_entry(shelf, folder, part, entry->d_name, depth, error);
    closedir(list);
    return status;
}

/* --- what was found ----------------------------------------------------------------------- */

static bool shelf_tells(const struct shelf_segment *one, const struct shelf_segment *other)
{
    return one->manifest.name && strcmp(one->part, other->part) == 0 &&
           strcmp(one->manifest.name, other->listed) == 0;
}

static int shelf_compare_files(const void *one, const void *other)
{
    const struct shelf_segment *a = one, *b = other;
    int parts = strcmp(a->part, b->part);
    const char *first = a->manifest.name ? a->manifest.name : a->listed;
    const char *second = b->manifest.name ? b->manifest.name : b->listed;
    int names = parts ? parts : strcmp(first, second);

    return names ? names : (a->manifest.name == NULL) - (b->manifest.name == NULL);
}

/* Files of which a manifest tells stand right behind it now, and are no segments of their own. */
static void shelf_join(struct shelf *shelf)
{
    size_t kept = 0;

    qsort(shelf->segments, shelf->count, sizeof *shelf->segments, shelf_compare_files);
    for (size_t i = 0; i < shelf->count; i++) {
        struct shelf_segment *segment = &shelf->segments[i];
        if (kept > 0 && shelf_is_file(segment->listed) &&
            shelf_tells(&shelf->segments[kept - 1], segment))
            shelf_free_segment(segment);
        else
            shelf->segments[kept++] = *segment;
    }
    shelf->count = kept;
}

static int shelf_compare_times(const void *one, const void *other)
{
    const struct shelf_segment *a = one, *b = other;
    int64_t first = a->manifest.first_us, second = b->manifest.first_us;

    return first != second ? (first > second) - (first < second) : shelf_compare_files(one, other);
}

enum status shelf_open(const char *directory, const char *database, const char *table,
                       struct shelf *shelf, struct error *error)
{
    struct shelf found = {.place.folder = -1};
    enum status status = archive_place_open(directory, database, table, false, &found.place, error);

    if (!status && found.place.folder >= 0)
        status = shelf_look(&found, "", 0, error);
    if (status) {
        shelf_close(&found);
        return status;
    }
    if (found.count) {
        shelf_join(&found);
        qsort(found.segments, found.count, sizeof *found.segments, shelf_compare_times);
    }
    *shelf = found;
    return STATUS_OK;
}

char *shelf_name(const struct shelf_segment *segment)
{
    return memory_format("%s%s%s", segment->part, *segment->part ? "/" : "",
                         segment->manifest.name ? segment->manifest.name : segment->listed);
}

bool shelf_done(const struct shelf_segment *segment)
{
    return segment->manifest.name && segment->manifest.state == MANIFEST_DONE;
}

/* --- rows --------------------------------------------------------------------------------- */

enum status shelf_read(const struct shelf *shelf, const struct shelf_segment *segment,
                       struct archive_read **read, struct error *error)
{
    int folder = -1;

    if (segment->problem.status) {
        *error = segment->problem;
        return error->status;
    }
    enum status status = archive_place_part(&shelf->place, segment->part, false, &folder, error);
    if (status)
        return status;
    status = archive_read_open(folder, segment->manifest.name, &segment->manifest,
                               &segment->columns, read, error);
    close(folder);
    return status;
}

enum status shelf_check(const struct shelf *shelf, const struct shelf_segment *segment,
                        struct error *error)
{
    struct archive_read *read = NULL;
    const struct archive_row *row = NULL;
    enum status status = shelf_read(shelf, segment, &read, error);

    while (!status && !(status = archive_read_row(read, &row, error)) && row)
        continue;
    archive_read_close(read);
    return status;
}
