/*
 * `litekeeper status`: the daemon at a glance, then what runs, what waits and what is wrong. It
 * prints what the daemon says; the only thing of its own is how far from now a time is.
 */
#include "alert_print.h"
#include "answer.h"
#include "client.h"
#include "clock.h"
#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_LABEL = 12, STATUS_TIME = 20, STATUS_SUBJECT = 32, STATUS_DAYS = 2 * 86400 };

static const char *status_span(char *buffer, double seconds)
{
    return seconds < STATUS_DAYS ? text_seconds(buffer, seconds)
                                 : text_counted(buffer, (int64_t)(seconds / 86400), "day");
}

/* "2026-11-23T04:00:00Z (in 48 min 0 s)"; a time that is past was so long ago. */
static char *status_moment(const json_t *line, const char *key)
{
    char span[TEXT_SHORT];
    int64_t time_us = 0;

    if (!answer_time(line, key, &time_us))
        return memory_copy(answer_text(line, key));
    double ahead = (double)(time_us - clock_now_us()) / 1e6;
    status_span(span, ahead < 0 ? -ahead : ahead);
    return memory_format("%s (%s%s%s)", answer_text(line, key), ahead < 0 ? "" : "in ", span,
                         ahead < 0 ? " ago" : "");
}

/* "2 tasks run", "1 task runs", "no task runs". */
static void status_some(struct text *line, int64_t count, const char *noun, const char *one,
                        const char *many)
{
    char number[TEXT_SHORT];

    if (count)
        text_addf(line, "%s %s", text_counted(number, count, noun), count == 1 ? one : many);
    else
        text_addf(line, "no %s %s", noun, one);
}

static void status_headline(const json_t *daemon)
{
    struct text line = {0};

    text_addf(&line, "litekeeper %s: ", answer_text(daemon, "version"));
    status_some(&line, answer_whole(daemon, "running"), "task", "runs", "run");
    if (answer_whole(daemon, "ready") > 0) {
        text_add(&line, ", ");
        status_some(&line, answer_whole(daemon, "ready"), "task", "waits for a worker",
                    "wait for a worker");
    }
    text_add(&line, "; ");
    status_some(&line, answer_whole(daemon, "alerts"), "alert", "is raised", "are raised");
    text_add(&line, "\n");
    fputs(line.bytes, stdout);
    text_free(&line);
}

/* A line of the daemon's own affairs; takes over the text, and prints none that is empty. */
static void status_fact(const char *label, char *text)
{
    if (text[0]) {
        printf("  %-*s", STATUS_LABEL - 2, label);
        terminal_print(stdout, text, STATUS_LABEL, STATUS_LABEL);
    }
    free(text);
}

static char *status_next(const json_t *daemon)
{
    const json_t *next = json_object_get(daemon, "next");

    if (!json_is_object(next))
        return memory_copy("nothing is scheduled");
    char *subject = answer_subject(next), *due = status_moment(next, "due");
    char *text = memory_format("%s, %s", subject, due);
    free(due);
    free(subject);
    return text;
}

static char *status_policy(const json_t *daemon)
{
    char databases[TEXT_SHORT], workers[TEXT_SHORT];
    char *loaded = status_moment(daemon, "loaded");
    char *text =
        memory_format("%s: %s, %s; loaded %s", answer_text(daemon, "policy"),
                      text_counted(databases, answer_whole(daemon, "databases"), "database"),
                      text_counted(workers, answer_whole(daemon, "workers"), "worker"), loaded);

    free(loaded);
    return text;
}

static void status_pauses(const json_t *daemon)
{
    const json_t *pauses = json_object_get(daemon, "paused");
    json_t *pause;
    size_t i;

    json_array_foreach (pauses, i, pause) {
        char *subject = answer_subject(pause), *until = status_moment(pause, "until");
        status_fact("paused", memory_format("%s, %s%s", subject[0] ? subject : "all tasks",
                                            until[0] ? "until " : "until resumed", until));
        free(until);
        free(subject);
    }
}

static void status_daemon(const json_t *daemon)
{
    char *since = status_moment(daemon, "since");

    status_headline(daemon);
    puts("");
    status_fact("next", status_next(daemon));
    status_pauses(daemon);
    status_fact("policy", status_policy(daemon));
    status_fact("history", memory_copy(answer_text(daemon, "history")));
    status_fact("process",
                memory_format("%" PRId64 ", since %s", answer_whole(daemon, "pid"), since));
    free(since);
}

/* "812,344 of 1,200,000 rows (67%), 57,000/s, 7.0 s left, lock 40%". */
static void status_amount(struct text *line, const json_t *running)
{
    const json_t *total = json_object_get(running, "total"),
                 *eta = json_object_get(running, "eta_s"), *unit = json_object_get(running, "unit");
    int64_t rows = answer_whole(running, "rows"), all = json_integer_value(total);
    char number[TEXT_SHORT];

    text_add(line, text_count(number, rows));
    if (json_is_integer(total))
        text_addf(line, " of %s", text_count(number, all));
    text_addf(line, " %s%s", json_is_string(unit) ? json_string_value(unit) : "row",
              rows == 1 && !json_is_integer(total) ? "" : "s");
    if (all > 0)
        text_addf(line, " (%d%%)", rows < all ? (int)(100.0 * (double)rows / (double)all) : 100);
    text_addf(line, ", %s/s", text_count(number, (int64_t)(answer_real(running, "rate") + 0.5)));
    if (json_is_number(eta))
        text_addf(line, ", %s left", text_seconds(number, json_number_value(eta)));
    text_addf(line, ", lock %d%%", (int)(answer_real(running, "lock_share") * 100 + 0.5));
}

/* How far it is, and what it does just now; it may have said neither. */
static char *status_progress(const json_t *running)
{
    const char *doing = answer_text(running, "doing");
    struct text line = {0};

    if (json_is_integer(json_object_get(running, "rows")))
        status_amount(&line, running);
    text_addf(&line, "%s%s", line.length && doing[0] ? ", " : "", doing);
    return text_take(&line);
}

static void status_running(const json_t *running, size_t width)
{
    char *subject = answer_subject(running), *since = status_moment(running, "since");
    char *progress = status_progress(running);

    (void)width;
    printf("  %s, since %s\n", subject, since);
    if (progress[0]) {
        printf("    ");
        terminal_print(stdout, progress, 4, 4);
    }
    free(progress);
    free(since);
    free(subject);
}

/* How wide the column of the subjects must be. */
static size_t status_width(const json_t *lines)
{
    size_t width = 0, i;
    json_t *line;

    json_array_foreach (lines, i, line) {
        char *subject = answer_is(line, "waiting") ? answer_subject(line) : memory_copy("");
        size_t columns = terminal_columns(subject);
        if (columns > width && columns <= STATUS_SUBJECT)
            width = columns;
        free(subject);
    }
    return width;
}

/* Why it waits, and since when if that is not until it is due. */
static char *status_why(const json_t *waiting)
{
    const char *why = answer_text(waiting, "why");
    int64_t due_us, at_us;

    if (!answer_time(waiting, "due", &due_us) ||
        (answer_time(waiting, "at", &at_us) && at_us <= due_us))
        return memory_copy(why);
    return memory_format("%s, due since %s", why, answer_text(waiting, "due"));
}

/* A subject that is wider than its column has its reason below it. */
static void status_waiting(const json_t *waiting, size_t width)
{
    char *subject = answer_subject(waiting), *why = status_why(waiting);
    const char *at = answer_text(waiting, "at");
    size_t taken = terminal_columns(subject), column = 2 + STATUS_TIME + 2 + width + 2;

    printf("  %-*s  %s", STATUS_TIME, at[0] ? at : "never", subject);
    if (taken > width)
        printf("\n%*s", (int)column, "");
    else
        printf("%*s", (int)(width - taken) + 2, "");
    terminal_print(stdout, why, column, column);
    free(why);
    free(subject);
}

/* Without names the daemon says only the first of those that wait. */
static void status_more(const json_t *lines)
{
    int64_t shown = (int64_t)answer_count(lines, "waiting"),
            all = answer_whole(json_array_get(lines, 0), "waiting");
    char number[TEXT_SHORT];

    if (all > shown)
        printf("  %s more; `litekeeper status DB` shows all of a database\n",
               text_count(number, all - shown));
}

static void status_alert(const json_t *alert, size_t width)
{
    (void)width;
    alert_print(alert, 2, false);
}

static const struct {
    const char *kind, *heading;
    void (*print)(const json_t *line, size_t width);
} status_parts[] = {
    {"running", "Running", status_running},
    {"waiting", "Waiting", status_waiting},
    {"alert", "Alerts", status_alert},
};

/* All lines of a kind under their heading, if there are any. */
static void status_part(const json_t *lines, size_t part, bool all)
{
    size_t width = status_width(lines), i;
    json_t *line;

    if (answer_count(lines, status_parts[part].kind))
        printf("\n%s\n", status_parts[part].heading);
    json_array_foreach (lines, i, line)
        if (answer_is(line, status_parts[part].kind))
            status_parts[part].print(line, width);
    if (all && strcmp(status_parts[part].kind, "waiting") == 0)
        status_more(lines);
}

static void status_lay_out(const json_t *lines, bool all)
{
    const json_t *first = json_array_get(lines, 0);

    if (first && answer_is(first, "daemon"))
        status_daemon(first);
    for (size_t part = 0; part < sizeof status_parts / sizeof *status_parts; part++)
        status_part(lines, part, all);
}

static void status_print(const json_t *lines)
{
    status_lay_out(lines, true);
}

static void status_print_some(const json_t *lines)
{
    status_lay_out(lines, false);
}

int cmd_status(int argc, char **argv)
{
    struct command_line line = {0};
    struct request request;
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    client_request(&line, REQUEST_STATUS, &request);
    return client_command(&line, &request, request.database ? status_print_some : status_print,
                          NULL);
}
