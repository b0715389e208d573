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

enum {
    SHELF_DEPTH = 3,    /* year, month, day */
    SHELF_MOST = 100000 /* segments: each takes memory */
};

/* Another zone in the policy than when the manifest was made moves its times by a day at most. */
static const int64_t shelf_doubt_us = INT64_C(2) * 86400 * 1000000;

static const char shelf_unfinished[] = "_unfinished.json", shelf_manifest[] = ".manifest.json",
                  shelf_file[] = ".jsonl.zst";

static void shelf_free_segment(struct shelf_segment *segment)
{
    archive_columns_free(&segment->columns);
    archive_manifest_free(&segment->manifest);
    free(segment->part);
    free(segment->listed);
    free(segment->file);
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
    return strncmp(name, "_part-", 6) == 0 && shelf_ends(name, shelf_manifest);
}

static bool shelf_is_file(const char *name)
{
    return strncmp(name, "part-", 5) == 0 && shelf_ends(name, shelf_file);
}

/* --- one segment -------------------------------------------------------------------------- */

/* "part-X.jsonl.zst" of "_part-X.manifest.json". */
static char *shelf_file_of(const char *listed)
{
    size_t stem = strlen(listed) - strlen(shelf_manifest);

    return memory_format("%.*s%s", (int)stem - 1, listed + 1, shelf_file);
}

/* A manifest tells of the file beside it, under the name that goes with its own. */
static enum status shelf_fits(const struct shelf_segment *segment, struct error *error)
{
    const struct archive_manifest *manifest = &segment->manifest;
    bool fits = segment->work ? manifest->state < MANIFEST_DONE
                              : manifest->state >= MANIFEST_DONE &&
                                    strcmp(manifest->name, segment->file) == 0 &&
                                    strcmp(manifest->part, segment->part) == 0;

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

static struct shelf_segment *shelf_add(struct shelf *shelf, const char *part, const char *name)
{
    shelf->segments = memory_resize(shelf->segments, shelf->count + 1, sizeof *shelf->segments);
    struct shelf_segment *segment = &shelf->segments[shelf->count++];
    *segment = (struct shelf_segment){.part = memory_copy(part), .listed = memory_copy(name)};
    return segment;
}

static void shelf_add_unfinished(struct shelf *shelf, int folder, const char *name)
{
    struct shelf_segment *segment = shelf_add(shelf, "", name);

    segment->work = true;
    if (shelf_load(folder, segment, &segment->problem))
        return;
    free(segment->part);
    segment->part = memory_copy(segment->manifest.part);
    segment->file = memory_copy(segment->manifest.name);
}

static void shelf_add_manifest(struct shelf *shelf, int folder, const char *part, const char *name)
{
    struct shelf_segment *segment = shelf_add(shelf, part, name);

    segment->file = shelf_file_of(name);
    (void)!shelf_load(folder, segment, &segment->problem);
}

static void shelf_add_file(struct shelf *shelf, const char *part, const char *name)
{
    struct shelf_segment *segment = shelf_add(shelf, part, name);

    segment->file = memory_copy(name);
    error_set(&segment->problem, STATUS_INVALID,
              "no manifest tells of it: that was taken away, or the file is none of ours");
}

/* --- folders ------------------------------------------------------------------------------ */

static enum status shelf_look(struct shelf *shelf, const char *part, int depth,
                              struct error *error);

/* "year=2025"; other folders are none of ours. */
static bool shelf_is_partition(const char *name)
{
    return strchr(name, '=') && *name != '.' && *name != '_';
}

/* What is in a folder that can't be entered is missing, and why is said of the folder. */
static void shelf_enter(struct shelf *shelf, const char *part, const char *name, int depth)
{
    char *inner = memory_format("%s%s%s", part, *part ? "/" : "", name);
    struct error why = {0};

    if (shelf_look(shelf, inner, depth + 1, &why))
        shelf_add(shelf, part, name)->problem = why;
    free(inner);
}

static void shelf_entry(struct shelf *shelf, int folder, const char *part, const char *name,
                        int depth)
{
    struct stat about;

    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return; /* gone by now */
    bool enters = S_ISDIR(about.st_mode) || S_ISLNK(about.st_mode);
    if (enters && shelf_is_partition(name) && depth < SHELF_DEPTH)
        shelf_enter(shelf, part, name, depth);
    else if (S_ISDIR(about.st_mode))
        return;
    else if (depth == 0 && strcmp(name, shelf_unfinished) == 0)
        shelf_add_unfinished(shelf, folder, name);
    else if (shelf_is_manifest(name))
        shelf_add_manifest(shelf, folder, part, name);
    else if (shelf_is_file(name))
        shelf_add_file(shelf, part, name);
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
    while (shelf->count < SHELF_MOST && (entry = readdir(list)))
        shelf_entry(shelf, folder, part, entry->d_name, depth);
    closedir(list);
    return STATUS_OK;
}

/* --- what was found ----------------------------------------------------------------------- */

/* What tells most of a segment comes first: its manifest, _unfinished.json, the file itself. */
static int shelf_rank(const struct shelf_segment *segment)
{
    if (segment->work)
        return 1;
    return shelf_is_manifest(segment->listed) ? 0 : 2;
}

static int shelf_compare_files(const void *one, const void *other)
{
    const struct shelf_segment *a = one, *b = other;
    int parts = strcmp(a->part, b->part);
    int names = strcmp(a->file ? a->file : a->listed, b->file ? b->file : b->listed);

    if (parts || names)
        return parts ? parts : names;
    return shelf_rank(a) - shelf_rank(b);
}

/* What tells of the same file stands side by side now, and is one segment. */
static void shelf_join(struct shelf *shelf)
{
    size_t kept = 0;

    qsort(shelf->segments, shelf->count, sizeof *shelf->segments, shelf_compare_files);
    for (size_t i = 0; i < shelf->count; i++) {
        struct shelf_segment *segment = &shelf->segments[i];
        const struct shelf_segment *last = kept ? &shelf->segments[kept - 1] : NULL;
        if (last && last->file && segment->file && strcmp(last->part, segment->part) == 0 &&
            strcmp(last->file, segment->file) == 0)
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
    if (!status && found.count == SHELF_MOST)
        status = error_set(error, STATUS_FAILED, "%s has more files than %d", found.place.shown,
                           SHELF_MOST);
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
                         segment->file ? segment->file : segment->listed);
}

bool shelf_done(const struct shelf_segment *segment)
{
    return !segment->problem.status && segment->manifest.state == MANIFEST_DONE;
}

bool shelf_spans(const struct shelf_segment *segment, int64_t since_us, int64_t until_us)
{
    const struct archive_manifest *manifest = &segment->manifest;

    return (since_us < 0 || manifest->last_us >= since_us - shelf_doubt_us) &&
           (until_us < 0 || manifest->first_us < until_us + shelf_doubt_us);
}
