/* Reading segments, with as much memory as their longest row takes. */
#include "archive_read.h"

#include "archive_db.h"
#include "archive_segment.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { READ_OTHERWISE = 64 }; /* of so many rows one is read by another parser, too */

struct archive_read {
    const struct archive_manifest *manifest;
    const struct archive_columns *columns;
    struct segment_reader *reader; /* of lines; NULL: they are in ... */
    struct archive_db_rows *stored;
    struct text written;           /* a line of such a row */
    struct archive_row row, other; /* `other`: the same by the other parser */
    const char *line;
    size_t length;
    struct digest digest;
    int64_t rows;
};

enum status archive_read_open(int folder, const char *name, const struct archive_manifest *manifest,
                              const struct archive_columns *columns, struct archive_read **result,
                              struct error *error)
{
    struct archive_db_rows *stored = NULL;
    struct segment_reader *reader = NULL;
    enum status status = manifest->store_first > 0
                             ? archive_db_open(folder, manifest, columns, &stored, error)
                             : segment_open(folder, name, name, &reader, error);

    if (status)
        return status;
    if (reader)
        segment_limit(reader, manifest->line_bytes);
    struct archive_read *read = memory_new(struct archive_read);
    read->manifest = manifest;
    read->columns = columns;
    read->reader = reader;
    read->stored = stored;
    archive_row_init(columns, &read->row);
    archive_row_init(columns, &read->other);
    digest_begin(&read->digest);
    *result = read;
    return STATUS_OK;
}

static enum status read_compare(struct archive_read *read, struct error *error)
{
    const struct archive_manifest *manifest = read->manifest;
    char sha256_rows[DIGEST_HEX];
    struct segment_file file;

    digest_end(&read->digest, sha256_rows);
    if (read->rows != manifest->rows)
        return error_set(error, STATUS_INVALID, "it has %lld rows instead of %lld",
                         (long long)read->rows, (long long)manifest->rows);
    if (read->reader) {
        segment_read(read->reader, &file);
        if (file.bytes != manifest->bytes || strcmp(file.sha256, manifest->sha256) != 0)
            return error_set(error, STATUS_INVALID, "its bytes are not those that were written");
    }
    if (strcmp(sha256_rows, manifest->sha256_rows) != 0)
        return error_set(error, STATUS_INVALID, "its values are not those of the table");
    return STATUS_OK;
}

/* Whoever reads an archive without us must find the same in it. */
static enum status read_otherwise(struct archive_read *read, struct error *error)
{
    enum status status =
        archive_row_parse(read->columns, read->line, read->length, &read->other, error);

    if (!status && !archive_row_same(&read->row, &read->other))
        status = error_set(error, STATUS_INVALID, "row %lld is not the same to every reader",
                           (long long)read->rows + 1);
    return status;
}

/* The next row of a file of lines. */
static enum status read_line(struct archive_read *read, bool *found, struct error *error)
{
    enum status status = segment_line(read->reader, &read->line, &read->length, error);

    *found = read->line != NULL;
    if (!status && *found)
        status = archive_row_read(read->columns, read->line, read->length, &read->row, error);
    if (!status && *found && read->rows % READ_OTHERWISE == 0)
        status = read_otherwise(read, error);
    return status;
}

enum status archive_read_row(struct archive_read *read, const struct archive_row **row,
                             struct error *error)
{
    bool found = false;
    enum status status = read->reader ? read_line(read, &found, error)
                                      : archive_db_next(read->stored, &read->row, &found, error);

    if (status)
        return status;
    *row = found ? &read->row : NULL;
    if (!found)
        return read_compare(read, error);
    archive_row_digest(&read->row, &read->digest);
    read->rows++;
    return STATUS_OK;
}

const char *archive_read_line(struct archive_read *read, size_t *length)
{
    if (read->reader) {
        *length = read->length;
        return read->line;
    }
    text_clear(&read->written);
    archive_row_write(read->columns, &read->row, &read->written);
    *length = read->written.length - 1; /* without the newline */
    return read->written.bytes;
}

void archive_read_close(struct archive_read *read)
{
    if (!read)
        return;
    archive_row_free(&read->row);
    archive_row_free(&read->other);
    segment_close(read->reader);
    archive_db_close(read->stored);
    text_free(&read->written);
    free(read);
}

enum status archive_read_check(int folder, const char *name,
                               const struct archive_manifest *manifest,
                               const struct archive_columns *columns, struct error *error)
{
    struct archive_read *read = NULL;
    const struct archive_row *row = NULL;
    enum status status = archive_read_open(folder, name, manifest, columns, &read, error);

    while (!status && !(status = archive_read_row(read, &row, error)) && row)
        continue;
    archive_read_close(read);
    return status;
}
