/*
 * What a job says of a restore, its "restore": {"table", "since_us", "until_us" (-1: any), "where",
 * "into" (null: none, and into the table), "catalogue" ({"year=2025/part-...": the first
 * RESTORE_SHA256 digits of its manifest's sha256}, null: not known)}. The job's task is the
 * retention that has archived the rows.
 */
#ifndef RESTORE_JOB_H
#define RESTORE_JOB_H

#include "restore.h"

/* In the parent: a new reference; NULL where a text is not UTF-8. `catalogue` is taken over. */
json_t *restore_job(const struct restore_options *options, json_t *catalogue);
/* In the worker: what it points to is the job's. STATUS_INVALID says what is wrong. */
enum status restore_job_read(const json_t *restore, struct restore_options *options,
                             struct error *error) MUST_CHECK;

#endif
