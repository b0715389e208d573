/* What a manifest says of a segment's rows, as they come: how many, their keys, their digest. */
#ifndef ARCHIVE_TALLY_H
#define ARCHIVE_TALLY_H

#include "archive_manifest.h"

struct archive_tally {
    int64_t rows, line_bytes;
    struct text first, last; /* keys, as JSON */
    struct digest digest;
};

void archive_tally_begin(struct archive_tally *tally);
/* Counts a row, whose line has so many bytes. */
void archive_tally_add(struct archive_tally *tally, const struct archive_columns *columns,
                       const struct archive_row *row, size_t length);
/* Puts it into the manifest, and ends. */
void archive_tally_end(struct archive_tally *tally, struct archive_manifest *manifest);
void archive_tally_free(struct archive_tally *tally);

#endif
