/*
 * Retention with an archive: rows are written to a verified segment, noted in the catalogue, and
 * only then deleted, each only if it still is what the segment has.
 */
#ifndef RETENTION_ARCHIVE_H
#define RETENTION_ARCHIVE_H

#include "retention.h"

/* What must be so before anything is measured further: STATUS_REFUSED says what isn't. Finds out
 * whether an earlier run has left a segment unfinished. */
enum status retention_archive_check(struct engine *engine, const struct retention_options *options,
                                    struct retention_facts *facts, struct error *error) MUST_CHECK;

/* Brings what was left to its end, then archives and deletes what is to go. */
enum status retention_archive(struct engine *engine, const struct retention_options *options,
                              const struct retention_facts *facts, struct retention_result *result,
                              struct error *error) MUST_CHECK;

#endif
