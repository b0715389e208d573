/* Rows that are to go, as they are written to a segment of the archive, without the lock. */
#ifndef RETENTION_EXPORT_H
#define RETENTION_EXPORT_H

#include "archive.h"
#include "retention_passes.h"

struct export;

/* `archive` has the columns of the pass's table. */
enum status export_open(struct engine *engine, const struct pass *pass,
                        const struct archive_options *options, struct archive *archive,
                        struct export **export, struct error *error) MUST_CHECK;
void export_close(struct export *export); /* safe on NULL */

/* Writes the next segment, of `most` rows at most (-1: any), verifies it and gives it its name:
 * then it is `written`. `*rows` is 0 where there are no more. */
enum status export_next(struct export *export, int64_t most, int64_t *rows,
                        struct error *error) MUST_CHECK;

/* From which of these rows on they have the time at which the scan stands; and how many of those
 * are gone since. */
int64_t export_tie_start(const struct export *export);
void export_forget(struct export *export, int64_t gone);
/* How long reading rows and writing segments took so far, without reading back. */
double export_seconds(const struct export *export);
/* Values that are no time in the column's format, so far. */
int64_t export_others(const struct export *export);

#endif
