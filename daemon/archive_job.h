/*
 * What is asked of a table's archive: a job of the kind "archive", in a worker with the rights of
 * the database's owner. Its order says what to do: {"do":"tables"} tells which there are, "list",
 * "verify" and "cat" what is in one, "table" (the policy's unless given), with "since_us",
 * "until_us" (-1: any), "where" (null: any) and "unfinished" for "cat".
 */
#ifndef ARCHIVE_JOB_H
#define ARCHIVE_JOB_H

#include "error.h"

#include <jansson.h>

/* Emits "archived" for each table, or "shelved" for each segment, before its rows; for "cat" also
 * "rows". */
enum status archive_job(json_t *job, struct error *error) MUST_CHECK;

#endif
