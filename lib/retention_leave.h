/* One pass of a retention with an archive: rows of one table leave. */
#ifndef RETENTION_LEAVE_H
#define RETENTION_LEAVE_H

#include "retention_passes.h"

/* Archives and deletes the rows of the pass, and adds to the result, on failure too. `schema` is
 * the version of the schema by which the pass was loaded: with another one nothing is deleted. The
 * table has no unfinished segment, and there is a ledger. */
enum status retention_leave(struct engine *engine, const struct archive_options *options,
                            const struct pass *pass, int64_t schema,
                            struct retention_result *result, struct error *error) MUST_CHECK;

#endif
