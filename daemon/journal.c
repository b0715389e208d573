/*
 * What stands in the entries: of an outcome, of an alert's change, of the daemon's own life. Runs
 * in the daemon; journal_entry.c takes them to the journal.
 */
#include "journal.h"

#include "journal_entry.h"
#include "memory.h"
#include "report.h"
#include "task.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The keys of an outcome, and of its lock, as fields. */
struct journal_field {
    const char *name, *key;
};

static const struct journal_field journal_outcome_fields[] = {
    {"DATABASE", "database"}, {"TASK", "task"},       {"TARGET", "target"},
    {"OUTCOME", "outcome"},   {"REASON", "reason"},   {"ROWS", "rows"},
    {"BYTES", "bytes_freed"}, {"SECONDS", "seconds"}, {NULL, NULL},
};

static const struct journal_field journal_lock_fields[] = {
    {"LOCK_COUNT", "count"},
    {"LOCK_MAX_MS", "max_ms"},
    {"LOCK_P99_MS", "p99_ms"},
    {NULL, NULL},
};

static void journal_fields(struct journal_entry *entry, const struct journal_field *fields,
                           const json_t *object)
{
    for (; fields->name; fields++)
        journal_entry_json(entry, fields->name, json_object_get(object, fields->key));
}

/* An outcome that will not be the last word has a kind of its own. */
static const struct journal_row *journal_outcome_row(const json_t *outcome)
{
    char name[32];

    if (json_is_true(json_object_get(outcome, "busy")))
        return journal_row("run_busy");
    if (json_is_true(json_object_get(outcome, "waits")))
        return journal_row("run_waits");
    snprintf(name, sizeof name, "run_%s", json_string_value(json_object_get(outcome, "outcome")));
    return journal_row(name);
}

static bool journal_is_quiet(const json_t *outcome)
{
    const struct task_kind *kind = task_find(json_string_value(json_object_get(outcome, "task")));

    return kind && kind->flags & TASK_QUIET &&
           strcmp(json_string_value(json_object_get(outcome, "outcome")), "failed") != 0;
}

void journal_outcome(const json_t *outcome, const char *path)
{
    struct journal_entry entry = {0};

    if (journal_is_quiet(outcome))
        return;
    char *message = report_outcome(outcome);
    journal_fields(&entry, journal_outcome_fields, outcome);
    journal_fields(&entry, journal_lock_fields, json_object_get(outcome, "lock"));
    journal_entry_text(&entry, "PATH", path);
    journal_entry_send(&entry, journal_outcome_row(outcome), LOG_ERR, message);
    free(message);
}

static const int journal_priorities[] = {
    [ALERT_WARNING] = LOG_WARNING,
    [ALERT_CRITICAL] = LOG_CRIT,
};

/* A metric's own row explains what to do; there is nothing to do about one that is cleared. */
static const struct journal_row *journal_alarm_row(enum alarm_change change, const char *metric)
{
    char name[64];

    if (change == ALARM_CLEARED)
        return journal_row("alert_cleared");
    snprintf(name, sizeof name, "alert_%s", metric);
    const struct journal_row *row = journal_row(name);
    return row ? row : journal_row("alert");
}

/* "worklog: alert table_size raised: logs has 2.1 GB, above 2 GB" */
static char *journal_alarm_message(enum alarm_change change, const struct alarm *alarm)
{
    char since[TEXT_SHORT];
    struct text line = {0};

    if (alarm->database)
        text_addf(&line, "%s: ", alarm->database);
    text_addf(&line, "alert %s %s", alarm->metric,
              change == ALARM_REPEATED ? "lasts since " : alarm_change_name(change));
    if (change == ALARM_REPEATED)
        text_add(&line, text_time(since, alarm->raised_us));
    text_addf(&line, ": %s", alarm->text);
    return text_take(&line);
}

void journal_alarm(enum alarm_change change, const struct alarm *alarm)
{
    char *message = journal_alarm_message(change, alarm), since[TEXT_SHORT];
    struct journal_entry entry = {0};

    journal_entry_text(&entry, "DATABASE", alarm->database);
    journal_entry_text(&entry, "PATH", alarm->path);
    journal_entry_text(&entry, "ALERT", alarm->metric);
    journal_entry_text(&entry, "ALERT_CHANGE", alarm_change_name(change));
    journal_entry_text(&entry, "SEVERITY", alert_severity_name(alarm->severity));
    journal_entry_text(&entry, "SUBJECT", alarm->subject);
    journal_entry_text(&entry, "REASON", alarm->text);
    journal_entry_text(&entry, "SINCE", text_time(since, alarm->raised_us));
    journal_entry_figure(&entry, "VALUE", alarm->value);
    journal_entry_figure(&entry, "THRESHOLD", alarm->threshold);
    journal_entry_send(&entry, journal_alarm_row(change, alarm->metric),
                       journal_priorities[alarm->severity], message);
    free(message);
}

static const char *const journal_events[JOURNAL_EVENTS] = {
    [JOURNAL_STARTED] = "started",   [JOURNAL_STOPPED] = "stopped",
    [JOURNAL_RELOADED] = "reloaded", [JOURNAL_RELOAD_FAILED] = "reload_failed",
    [JOURNAL_PAUSED] = "paused",     [JOURNAL_RESUMED] = "resumed",
    [JOURNAL_FOUND] = "found",       [JOURNAL_GONE] = "gone",
};

static void journal_tell(enum journal_event event, const char *database, const char *path,
                         const char *format, va_list arguments)
{
    struct journal_entry entry = {0};
    char message[2048];

    vsnprintf(message, sizeof message, format, arguments);
    journal_entry_text(&entry, "DATABASE", database);
    journal_entry_text(&entry, "PATH", path);
    journal_entry_send(&entry, journal_row(journal_events[event]), LOG_INFO, message);
}

void journal_event(enum journal_event event, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    journal_tell(event, NULL, NULL, format, arguments);
    va_end(arguments);
}

void journal_event_of(enum journal_event event, const char *database, const char *path,
                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    journal_tell(event, database, path, format, arguments);
    va_end(arguments);
}
