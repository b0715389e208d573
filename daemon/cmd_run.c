/*
 * `litekeeper run`: the chosen tasks now, one after the other, each in a worker; its outcome is
 * printed and remembered. Runs in the foreground and touches no database itself.
 */
#include "clock.h"
#include "event.h"
#include "progress.h"
#include "remember.h"
#include "report.h"
#include "terminal.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_print_json(json_t *event)
{
    char *line = event_line(event);

    puts(line ? line : "{}");
    fflush(stdout); /* whoever reads along wants it now */
    free(line);
}

static void run_print(char *line)
{
    progress_clear();
    terminal_print(stdout, line, 0, 2);
    fflush(stdout);
    free(line);
}

static void run_event(json_t *event)
{
    if (strcmp(event_kind(event), "notice") == 0)
        run_print(report_notice(event));
    else
        progress_show(event);
}

/* One task from start to memory. */
static int run_item(struct session *session, struct remember *remember, struct work *work,
                    const struct selection *selection, const struct selection_item *item)
{
    int64_t started_us = clock_now_us();

    work_recall(work, remember, selection, item);
    json_t *outcome = work_do(session, work, selection, item);
    int status = work_exit(outcome, session_interrupted(session));

    if (work->line->json)
        run_print_json(outcome);
    else
        run_print(report_outcome(outcome));
    remember_outcome(remember, outcome, selection->files[item->file].path, started_us,
                     &work->config->daemon.history);
    json_decref(outcome);
    return status;
}

static int run_items(struct session *session, const struct config *config,
                     const struct command_line *line, const struct selection *selection)
{
    struct work work = {.kind = "run",
                        .last = "outcome",
                        .config = config,
                        .line = line,
                        .at_us = -1,
                        .event = line->json ? run_print_json : run_event};
    char *state = work_state(config);
    struct remember *remember = remember_open(session, state);
    int status = COMMAND_OK;

    free(state);
    work.remember = remember;
    remember_clock(remember, line->trust_clock, &work.memory);
    for (size_t i = 0; i < selection->item_count && !session_interrupted(session); i++)
        status =
            work_worse(status, run_item(session, remember, &work, selection, &selection->items[i]));
    remember_close(remember);
    return session_interrupted(session) ? COMMAND_INTERRUPTED : status;
}

int cmd_run(int argc, char **argv)
{
    struct command_line line = {0};
    struct config *config = NULL;
    struct selection selection = {0};
    struct session *session = NULL;
    int status = command_parse(argc, argv, &line);

    if (status < 0)
        status = work_config(&line, &config);
    if (status >= 0)
        goto out;
    session = session_open();
    status = selection_make(session, config, "litekeeper run", &line, &selection);
    if (status < 0)
        status = run_items(session, config, &line, &selection);
out:
    session_close(session);
    selection_free(&selection);
    config_free(config);
    return status;
}
