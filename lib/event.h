/*
 * Events: what a worker says to its parent, one JSON object a line. Each kind is one row of a
 * table (its keys and their types); the parent checks every line against it, since a worker that
 * reads a hostile database file is itself not trusted.
 */
#ifndef EVENT_H
#define EVENT_H

#include "engine_host.h"
#include "error.h"
#include "outcome.h"
#include "task.h"

#include <jansson.h>

enum {
    EVENT_LINE = 64 * 1024, /* a longer line is an error */
    EVENT_ROWS = 30 * 1024  /* bytes of a "rows" event, each of which may be two on the line */
};

/* Who the event is about. `target` may be NULL. */
struct event_subject {
    const char *database, *task, *target;
};

/* New references, the caller's. */
json_t *event_outcome(const struct event_subject *subject, const struct outcome *outcome);
/* `waits`: what it would do waits for the policy's window. When it is due the parent knows. */
json_t *event_plan(const struct event_subject *subject, const struct decision *decision,
                   bool waits);
/* `total` and `eta_s` are -1 where unknown; `lock_share` is the lock's share of the time. */
json_t *event_progress(const struct event_subject *subject, int64_t rows, int64_t total,
                       double rate, double eta_s, double lock_share);
json_t *event_notice(const struct event_subject *subject, const char *text);
/* A segment of an archive, for the catalogue: `about` (taken over) has the keys of its row. */
json_t *event_segment(const struct event_subject *subject, json_t *about);
/* Which SQLite others write the file with. */
json_t *event_writer(const struct event_subject *subject, const struct engine_writer *writer);
/* A hold on rows of the subject's target whose times are between the two, in microseconds. */
json_t *event_hold(const struct event_subject *subject, int64_t first_us, int64_t last_us);

/* Parses and checks one line (without its newline). The event is a copy with the keys of its row
 * alone, in the table's order: unknown keys are left behind, so nothing that was not checked goes
 * on. All strings but EVENT_RAW's come back fit for a terminal. STATUS_INVALID says what is wrong
 * with it. */
enum status event_parse(const char *line, size_t length, json_t **event,
                        struct error *error) MUST_CHECK;
/* The same for an object; it stays the caller's. */
enum status event_take(json_t *object, json_t **event, struct error *error) MUST_CHECK;
const char *event_kind(const json_t *event); /* "outcome", "progress", ... */

/* The event as one line of JSON without a newline, the caller's to free; NULL if it can't be. */
char *event_line(const json_t *event);

#endif
