/*
 * Builds events in the worker and takes them apart in the parent. What may be in an event is in
 * event_table.c, and how it is checked in event_check.c; nothing here reads or writes a pipe.
 */
#include "event.h"

#include "event_check.h"

#include <math.h>
#include <string.h>

enum { EVENT_NAME_LIMIT = 4096 };

static json_t *event_string(const char *text)
{
    return text ? event_check_text(text, strlen(text), EVENT_NAME_LIMIT) : json_null();
}

static json_t *event_count(int64_t number)
{
    return json_integer(number > 0 ? number : 0);
}

static json_t *event_count_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

/* Rounded to a thousandth, which is finer than anything here is measured. */
static json_t *event_number(double number)
{
    return json_real(number > 0 && number < 1e15 ? round(number * 1000) / 1000 : 0.0);
}

static json_t *event_number_or_null(double number)
{
    return number >= 0 && number < 1e15 ? event_number(number) : json_null();
}

static json_t *event_new(const char *kind, const struct event_subject *subject)
{
    json_t *event = json_object();

    json_object_set_new(event, "event", json_string(kind));
    json_object_set_new(event, "database", event_string(subject->database));
    json_object_set_new(event, "task", event_string(subject->task));
    json_object_set_new(event, "target", event_string(subject->target));
    return event;
}

static json_t *event_lock(const struct outcome_lock *lock)
{
    json_t *object = json_object();

    json_object_set_new(object, "count", event_count(lock->count));
    json_object_set_new(object, "max_ms", event_number(lock->max_ms));
    json_object_set_new(object, "p99_ms", event_number(lock->p99_ms));
    json_object_set_new(object, "total_ms", event_number(lock->total_ms));
    return object;
}

json_t *event_outcome(const struct event_subject *subject, const struct outcome *outcome)
{
    json_t *event = event_new("outcome", subject);

    json_object_set_new(event, "outcome", json_string(outcome_name(outcome->kind)));
    json_object_set_new(event, "reason", event_string(outcome->reason));
    json_object_set_new(event, "rows", event_count(outcome->rows));
    json_object_set_new(event, "bytes_freed", event_count(outcome->bytes_freed));
    json_object_set_new(event, "seconds", event_number(outcome->seconds));
    if (outcome->busy)
        json_object_set_new(event, "busy", json_true());
    if (outcome->waits)
        json_object_set_new(event, "waits", json_true());
    if (outcome->guard)
        json_object_set_new(event, "guard", json_string(outcome->guard));
    json_object_set_new(event, "lock", event_lock(&outcome->lock));
    json_object_set_new(event, "effect",
                        outcome->effect ? json_deep_copy(outcome->effect) : json_null());
    return event;
}

json_t *event_plan(const struct event_subject *subject, const struct decision *decision, bool waits)
{
    json_t *event = event_new("plan", subject);

    json_object_set_new(event, "due", json_null());
    json_object_set_new(event, "decision", json_string(decision->act ? "act" : "skip"));
    json_object_set_new(event, "reason", event_string(decision->reason));
    json_object_set_new(event, "rows", event_count_or_null(decision->rows));
    json_object_set_new(event, "bytes", event_count_or_null(decision->bytes));
    json_object_set_new(event, "seconds", event_number_or_null(decision->seconds));
    if (waits)
        json_object_set_new(event, "waits", json_true());
    return event;
}

json_t *event_progress(const struct event_subject *subject, int64_t rows, int64_t total,
                       double rate, double eta_s, double lock_share)
{
    json_t *event = event_new("progress", subject);

    json_object_set_new(event, "rows", event_count(rows));
    json_object_set_new(event, "total", event_count_or_null(total));
    json_object_set_new(event, "rate", event_number(rate));
    json_object_set_new(event, "eta_s", event_number_or_null(eta_s));
    json_object_set_new(event, "lock_share", event_number(lock_share < 1 ? lock_share : 1));
    return event;
}

json_t *event_notice(const struct event_subject *subject, const char *text)
{
    json_t *event = event_new("notice", subject);

    json_object_set_new(event, "text", event_string(text));
    return event;
}

json_t *event_segment(const struct event_subject *subject, json_t *about)
{
    json_t *event = event_new("segment", subject);

    json_object_update(event, about);
    json_decref(about);
    return event;
}

json_t *event_hold(const struct event_subject *subject, int64_t first_us, int64_t last_us)
{
    json_t *event = event_new("hold", subject);

    json_object_set_new(event, "first_us", json_integer(first_us));
    json_object_set_new(event, "last_us", json_integer(last_us));
    return event;
}

json_t *event_writer(const struct event_subject *subject, const struct engine_writer *writer)
{
    json_t *event = event_new("writer", subject);

    json_object_set_new(event, "version", json_integer(writer->version));
    json_object_set_new(event, "ours", json_integer(writer->ours));
    json_object_set_new(event, "at_us", json_integer(writer->at_us));
    json_object_set_new(event, "inode", json_integer((json_int_t)writer->inode));
    return event;
}

static const struct event_row *event_row(const char *kind)
{
    for (const struct event_row *row = event_table; row->kind; row++)
        if (kind && strcmp(row->kind, kind) == 0)
            return row;
    return NULL;
}

enum status event_take(json_t *object, json_t **event, struct error *error)
{
    json_t *checked = NULL, *named = json_object();
    const struct event_row *row = event_row(event_kind(object));
    enum status status;

    if (!row)
        status = error_set(error, STATUS_INVALID, "no known kind of event");
    else
        status = event_check(row->kind, row->keys, object, &checked, error);
    if (!status) {
        json_object_set_new(named, "event", json_string(row->kind));
        json_object_update(named, checked);
        *event = json_incref(named);
    }
    json_decref(checked);
    json_decref(named);
    return status;
}

enum status event_parse(const char *line, size_t length, json_t **event, struct error *error)
{
    json_error_t problem;
    enum status status;

    if (length > EVENT_LINE)
        return error_set(error, STATUS_INVALID, "longer than %d bytes", EVENT_LINE);
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (!object)
        return error_set(error, STATUS_INVALID, "no JSON object, by column %d", problem.column);
    status = event_take(object, event, error);
    json_decref(object);
    return status;
}

const char *event_kind(const json_t *event)
{
    return json_string_value(json_object_get(event, "event"));
}

char *event_line(const json_t *event)
{
    return json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(15));
}
