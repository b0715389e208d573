/* `litekeeper history`: the runs that the daemon's history has, the newest first. */
#include "answer.h"
#include "client.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "moment.h"
#include "report.h"
#include "terminal.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HISTORY_COLUMN = 22 };

static void history_print_run(const json_t *run)
{
    char *outcome = report_outcome(run);

    printf("%-20s  ", answer_text(run, "started"));
    terminal_print(stdout, outcome, HISTORY_COLUMN, HISTORY_COLUMN);
    free(outcome);
}

static void history_print(const json_t *lines)
{
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line)
        if (answer_is(line, "run"))
            history_print_run(line);
    if (!answer_count(lines, "run"))
        puts("no such run is remembered");
}

/* A moment, or how long ago: "7d". -1, or the exit status. */
static int history_since(const char *text, int64_t *since_us)
{
    struct error error = {0};
    struct span span;

    if (!text || moment_parse(text, since_us, NULL) == STATUS_OK)
        return -1;
    if (units_span(text, &span, &error) == STATUS_OK) {
        int64_t before_us = units_before(clock_now_us(), &span);
        *since_us = before_us > 0 ? before_us : 0;
        return -1;
    }
    log_error("\"%s\" is no time; write 2026-11-23T04:00:00Z, \"2026-11-23 04:00\" in UTC, or 7d "
              "for the last seven days",
              text);
    return COMMAND_USAGE;
}

static int history_limit(const char *text, int64_t *limit)
{
    struct error error = {0};
    int64_t count = 0;

    if (!text)
        return -1;
    if (units_count(text, &count, &error) == STATUS_OK && count >= 1 &&
        count <= REQUEST_ROWS_MOST) {
        *limit = count;
        return -1;
    }
    log_error("--limit takes a number from 1 to %d, not \"%s\"", REQUEST_ROWS_MOST, text);
    return COMMAND_USAGE;
}

int cmd_history(int argc, char **argv)
{
    struct command_line line = {0};
    struct request request;
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    client_request(&line, REQUEST_HISTORY, &request);
    status = history_since(line.since, &request.since_us);
    if (status < 0)
        status = history_limit(line.limit, &request.limit);
    return status < 0 ? client_command(&line, &request, history_print, NULL) : status;
}
