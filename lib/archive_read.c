/* Reads a file of an archive anew, by other code than wrote it, and says whether it is what it was
 * meant to be. */
#include "archive.h"

#include <string.h>

/* Reads all rows; `*rows` counts them. */
static enum status read_rows(struct segment_reader *reader, const struct archive_columns *columns,
                             struct digest *digest, int64_t *rows, struct error *error)
{
    struct archive_row row;
    const char *line = "";
    size_t length;
    enum status status = STATUS_OK;

    archive_row_init(columns, &row);
    while (!status && !(status = segment_line(reader, &line, &length, error)) && line) {
        status = archive_row_parse(columns, line, length, &row, error);
        if (!status)
            archive_row_digest(&row, digest);
        *rows += 1;
    }
    archive_row_free(&row);
    return status;
}

static enum status read_compare(const struct archive_manifest *manifest, int64_t rows,
                                const struct segment_file *file, const char *sha256_rows,
                                struct error *error)
{
    if (rows != manifest->rows)
        return error_set(error, STATUS_INVALID, "it has %lld rows instead of %lld", (long long)rows,
                         (long long)manifest->rows);
    if (file->bytes != manifest->bytes || strcmp(file->sha256, manifest->sha256) != 0)
        return error_set(error, STATUS_INVALID, "its bytes are not those that were written");
    if (strcmp(sha256_rows, manifest->sha256_rows) != 0)
        return error_set(error, STATUS_INVALID, "its values are not those of the table");
    return STATUS_OK;
}

enum status archive_verify(struct archive *archive, const char *name, struct error *error)
{
    char hex[DIGEST_HEX];
    struct segment_reader *reader = NULL;
    struct segment_file file;
    struct digest digest;
    struct error why = {0};
    int64_t rows = 0;
    enum status status = segment_open(archive->part, name, name, &reader, &why);

    digest_begin(&digest);
    if (!status)
        status = read_rows(reader, &archive->columns, &digest, &rows, &why);
    if (!status) {
        segment_read(reader, &file);
        digest_end(&digest, hex);
        status = read_compare(&archive->manifest, rows, &file, hex, &why);
    }
    segment_close(reader);
    if (status)
        return error_set(error, status, "reading back %s/%s failed: %.300s", archive->place.shown,
                         name, why.text);
    return STATUS_OK;
}
