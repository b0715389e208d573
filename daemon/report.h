/* Outcomes and plans in words, for people. */
#ifndef REPORT_H
#define REPORT_H

#include <jansson.h>
#include <stddef.h>

/* "worklog retention logs: done in 14.2 s: 812,344 rows older than 90 days; 288.0 MiB given back;
 * lock held 1,604 times, longest 14.9 ms, p99 12.1 ms; no row left past the cutoff". The caller's
 * to free. */
char *report_outcome(const json_t *event);
char *report_notice(const json_t *event);

/* "retention logs"; the caller's to free. */
char *report_task(const char *task, const char *target);

/* Prints one task of a plan, its name in a column of `width`:
 *   retention logs  act   812,344 rows older than 90 days
 *                         due 2026-11-29 02:00:00Z; expected: 812,344 rows, 288.0 MiB, 14.2 s */
void report_plan(const json_t *event, size_t width);

#endif
