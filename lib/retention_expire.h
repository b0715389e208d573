/*
 * Archives have a retention, too: a segment whose youngest row is older than `keep_archives` goes,
 * and its manifest stays and says so. So do the segments of rows that went because of this table's.
 */
#ifndef RETENTION_EXPIRE_H
#define RETENTION_EXPIRE_H

#include "retention.h"

/* Counts what is to go. */
enum status retention_expire_measure(struct engine *engine, const struct retention_options *options,
                                     struct retention_facts *facts, struct error *error) MUST_CHECK;

/* Removes it: first the catalogue says so, then the manifest, then the file goes. What ends it in
 * between is ended by the next run. */
enum status retention_expire(struct engine *engine, const struct retention_options *options,
                             const struct retention_facts *facts, struct retention_result *result,
                             struct error *error) MUST_CHECK;

#endif
