/* Reads a segment's rows from a SQLite file of the archive. */
#include "archive_db_inside.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct archive_db_rows {
    struct archive_db db;
    sqlite3_stmt *select;
};

/* The file's own words for the segment must be the manifest's. */
static enum status rows_find(struct archive_db_rows *rows, const struct archive_manifest *manifest,
                             struct db_segment *segment, struct error *error)
{
    enum status status;

    if ((status = db_find_rowid(&rows->db, error)) ||
        (status = db_find_segment(&rows->db, manifest->name, segment, error)))
        return status;
    bool same = segment->found && segment->first == manifest->store_first &&
                segment->last == manifest->store_last &&
                strcmp(segment->sha256_rows, manifest->sha256_rows) == 0;
    return same ? STATUS_OK
                : error_set(error, STATUS_INVALID, "%s %s %s", rows->db.name,
                            segment->found ? "says something else of" : "has no rows of",
                            manifest->name);
}

enum status archive_db_open(int folder, const struct archive_manifest *manifest,
                            const struct archive_columns *columns, struct archive_db_rows **result,
                            struct error *error)
{
    struct archive_db_rows *rows = memory_new(struct archive_db_rows);
    struct db_segment segment;
    enum status status = db_open(folder, manifest, false, 0, &rows->db, error);

    if (status == STATUS_OK)
        status = rows_find(rows, manifest, &segment, error);
    if (status == STATUS_OK)
        status = db_select(&rows->db, columns, &segment, &rows->select, error);
    if (status)
        archive_db_close(rows);
    else
        *result = rows;
    return status;
}

enum status archive_db_next(struct archive_db_rows *rows, struct archive_row *row, bool *found,
                            struct error *error)
{
    enum status status = db_step(&rows->db, rows->select, found, error);

    if (status == STATUS_OK && *found)
        archive_row_of(rows->select, 0, row);
    return status;
}

void archive_db_close(struct archive_db_rows *rows)
{
    if (!rows)
        return;
    sqlite3_finalize(rows->select);
    db_close(&rows->db);
    free(rows);
}
