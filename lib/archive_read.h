/* Reads a segment to its end, be it lines or rows of a SQLite file, by other code than wrote it,
 * and holds it against what its manifest says: bytes (of lines), rows, digests. */
#ifndef ARCHIVE_READ_H
#define ARCHIVE_READ_H

#include "archive_manifest.h"

struct archive_read;

/* File `name` of that folder; manifest and columns are borrowed until it is closed. */
enum status archive_read_open(int folder, const char *name, const struct archive_manifest *manifest,
                              const struct archive_columns *columns, struct archive_read **read,
                              struct error *error) MUST_CHECK;
/* The next row, good until the next call; NULL at the end. STATUS_INVALID: the file is damaged, or,
 * known at its end alone, is another than the manifest says. */
enum status archive_read_row(struct archive_read *read, const struct archive_row **row,
                             struct error *error) MUST_CHECK;
/* The last row as a line, without its newline, good until the next call. */
const char *archive_read_line(struct archive_read *read, size_t *length);
void archive_read_close(struct archive_read *read); /* safe on NULL */

/* Reads all of it, for what its end tells. */
enum status archive_read_check(int folder, const char *name,
                               const struct archive_manifest *manifest,
                               const struct archive_columns *columns,
                               struct error *error) MUST_CHECK;

#endif
