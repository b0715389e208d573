/*
 * The commands that tell the daemon what to do: `litekeeper reload`, `cancel`, `pause`, `resume`.
 * Each prints a line for what was done.
 */
#include "answer.h"
#include "client.h"
#include "log.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void manage_reloaded(const json_t *line)
{
    char databases[TEXT_SHORT], tasks[TEXT_SHORT];

    printf("reloaded: %s, %s\n",
           text_counted(databases, answer_whole(line, "databases"), "database"),
           text_counted(tasks, answer_whole(line, "tasks"), "task"));
}

static void manage_error(const json_t *line)
{
    fprintf(stderr, "%s\n", answer_text(line, "text"));
}

static void manage_cancelled(const json_t *line)
{
    char *subject = answer_subject(line);

    printf("%s: told to stop\n", subject);
    free(subject);
}

static void manage_paused(const json_t *line)
{
    char *subject = answer_subject(line);
    const char *until = answer_text(line, "until");

    printf("%s: paused until %s\n", subject[0] ? subject : "all tasks",
           until[0] ? until : "resumed");
    free(subject);
}

static void manage_resumed(const json_t *line)
{
    char *subject = answer_subject(line);

    printf("%s: resumed\n", subject[0] ? subject : "all tasks");
    free(subject);
}

static const struct {
    const char *kind;
    void (*print)(const json_t *line);
} manage_lines[] = {
    {"reloaded", manage_reloaded}, {"error", manage_error},     {"cancelled", manage_cancelled},
    {"paused", manage_paused},     {"resumed", manage_resumed},
};

static void manage_print(const json_t *lines)
{
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line)
        for (size_t k = 0; k < sizeof manage_lines / sizeof *manage_lines; k++)
            if (answer_is(line, manage_lines[k].kind))
                manage_lines[k].print(line);
}

/* `--for`: -1, or the exit status. */
static int manage_span(const char *text, int64_t *for_us)
{
    struct error error = {0};
    struct span span;

    if (!text)
        return -1;
    if (units_span(text, &span, &error) != STATUS_OK) {
        log_error("--for: %s", error.text);
        return COMMAND_USAGE;
    }
    *for_us = units_span_us(&span);
    if (*for_us >= 1000000)
        return -1;
    log_error("--for takes a time of at least 1s, not \"%s\"", text);
    return COMMAND_USAGE;
}

static int manage(int argc, char **argv, enum request_kind kind)
{
    struct command_line line = {0};
    struct request request;
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    client_request(&line, kind, &request);
    status = manage_span(line.span, &request.for_us);
    return status < 0 ? client_command(&line, &request, manage_print, NULL) : status;
}

int cmd_reload(int argc, char **argv)
{
    return manage(argc, argv, REQUEST_RELOAD);
}

int cmd_cancel(int argc, char **argv)
{
    return manage(argc, argv, REQUEST_CANCEL);
}

int cmd_pause(int argc, char **argv)
{
    return manage(argc, argv, REQUEST_PAUSE);
}

int cmd_resume(int argc, char **argv)
{
    return manage(argc, argv, REQUEST_RESUME);
}
