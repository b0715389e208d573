/* What a segment of the shelf consists of: its file, and the rows in it. */
#include "archive_shelf.h"

#include "archive_db.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_LOOK = 1024 }; /* rows between two looks whether to stop */

/* --- files -------------------------------------------------------------------------------- */

static enum status shelf_folder(const struct shelf *shelf, const struct shelf_segment *segment,
                                int *folder, struct error *error)
{
    return archive_place_part(&shelf->place, segment->part, false, folder, error);
}

/* Where its manifest tells already of the file that will replace the other, that one's name. */
static char *shelf_current(int folder, const struct shelf_segment *segment)
{
    char *name = memory_format(".%s.settled", segment->file);

    if (segment->manifest.name && segment->manifest.state == MANIFEST_SETTLED &&
        archive_place_has(folder, name))
        return name;
    free(name);
    return memory_copy(segment->file);
}

bool shelf_there(const struct shelf *shelf, const struct shelf_segment *segment)
{
    struct error ignored;
    int folder = -1;

    if (!segment->file || shelf_folder(shelf, segment, &folder, &ignored))
        return false;
    const struct archive_manifest *manifest = &segment->manifest;
    bool there = manifest->store_first > 0 ? archive_db_has(folder, manifest)
                                           : archive_place_has(folder, segment->file);
    close(folder);
    return there;
}

bool shelf_changed(const struct shelf *shelf, const struct shelf_segment *segment)
{
    char sha256[DIGEST_HEX] = "", *text = NULL;
    struct error ignored;
    size_t length = 0;
    int folder = -1;

    if (archive_place_part(&shelf->place, segment->work ? "" : segment->part, false, &folder,
                           &ignored))
        return true;
    if (!archive_place_get(folder, segment->listed, &text, &length, &ignored) && text)
        digest_of(text, length, sha256);
    close(folder);
    free(text);
    return *segment->listed_sha256 && strcmp(sha256, segment->listed_sha256) != 0;
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
    enum status status = shelf_folder(shelf, segment, &folder, error);
    if (status)
        return status;
    char *name = shelf_current(folder, segment);
    status = archive_read_open(folder, name, &segment->manifest, &segment->columns, read, error);
    free(name);
    close(folder);
    return status;
}

static enum status shelf_stop(const struct shelf_walk *walk, int64_t row, struct error *error)
{
    if (row % READ_LOOK || !walk->stopped || !walk->stopped(walk->argument))
        return STATUS_OK;
    return error_set(error, STATUS_CANCELLED, "told to stop");
}

enum status shelf_walk(const struct shelf *shelf, const struct shelf_segment *segment,
                       const struct shelf_walk *walk, struct error *error)
{
    const struct archive_row *row = NULL;
    struct archive_read *read = NULL;
    enum status status = shelf_read(shelf, segment, &read, error);

    for (int64_t i = 0; !status; i++) {
        if ((status = shelf_stop(walk, i, error)) || (status = archive_read_row(read, &row, error)))
            break;
        if (!row)
            break;
        if (walk->each)
            status = walk->each(walk->argument, read, row, error);
    }
    archive_read_close(read);
    return status;
}

enum status shelf_check(const struct shelf *shelf, const struct shelf_segment *segment,
                        struct error *error)
{
    return shelf_walk(shelf, segment, &(struct shelf_walk){0}, error);
}
