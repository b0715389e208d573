/*
 * `litekeeper plan`: what each chosen task would do and why, and when it is due. The workers decide
 * as they would in a run, and change nothing.
 */
#include "clock.h"
#include "due.h"
#include "event.h"
#include "log.h"
#include "moment.h"
#include "remember.h"
#include "report.h"
#include "terminal.h"
#include "text.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_COLUMN = 32 };

/* A plan says its reasons; how it got there is of no interest. */
static void plan_event(json_t *event)
{
    (void)event;
}

/* How wide the column of the tasks' names must be. */
static size_t plan_width(const struct selection *selection)
{
    size_t width = 0;

    for (size_t i = 0; i < selection->item_count; i++) {
        const struct config_task *task = selection->items[i].task;
        char *name = report_task(task->kind->name, task->target);
        size_t columns = terminal_columns(name);
        if (columns > width && columns <= PLAN_COLUMN)
            width = columns;
        free(name);
    }
    return width;
}

static void plan_heading(const struct selection *selection, size_t item)
{
    size_t file = selection->items[item].file;
    const struct selection_file *here = &selection->files[file];

    if (item > 0 && selection->items[item - 1].file == file)
        return;
    if (item > 0)
        puts("");
    if (strcmp(here->name, here->path) == 0)
        puts(here->path);
    else
        printf("%s  %s\n", here->name, here->path);
}

/* Where the history knows nothing of it, as if it were seen just now: nothing was missed. */
static void plan_due(const struct work *work, const struct selection *selection,
                     const struct selection_item *item, json_t *plan)
{
    const struct selection_file *file = &selection->files[item->file];
    int64_t now_us = work->at_us >= 0 ? work->at_us : clock_now_us();
    struct schedule_past past = work->counted;
    const json_t *seconds = json_object_get(plan, "seconds");
    char time[TEXT_SHORT];

    schedule_settle(&past, now_us);
    int64_t due_us = due_moment(file->database, item->task, file->path, &past, now_us);
    if (json_is_true(json_object_get(plan, "waits")))
        due_us = due_in_window(file->database, due_us, now_us,
                               json_is_number(seconds) ? json_number_value(seconds) : -1);
    json_object_set_new(plan, "due",
                        due_us < INT64_MAX ? json_string(text_time(time, due_us)) : json_null());
}

static int plan_item(struct session *session, struct remember *remember, struct work *work,
                     const struct selection *selection, size_t item)
{
    work_recall(work, remember, selection, &selection->items[item]);
    json_t *plan = work_do(session, work, selection, &selection->items[item]);
    int status = work_exit(plan, session_interrupted(session));

    plan_due(work, selection, &selection->items[item], plan);
    if (work->line->json) {
        char *line = event_line(plan);
        puts(line ? line : "{}");
        free(line);
    } else {
        plan_heading(selection, item);
        report_plan(plan, plan_width(selection));
    }
    fflush(stdout);
    json_decref(plan);
    return status;
}

static int plan_items(struct session *session, const struct config *config,
                      const struct command_line *line, int64_t at_us,
                      const struct selection *selection)
{
    struct work work = {.kind = "plan",
                        .last = "plan",
                        .config = config,
                        .line = line,
                        .at_us = at_us,
                        .event = plan_event};
    char *state = work_state(config);
    struct remember *remember = remember_open(session, state);
    int status = COMMAND_OK;

    free(state);
    remember_clock(remember, false, &work.memory);
    for (size_t i = 0; i < selection->item_count && !session_interrupted(session); i++)
        status = work_worse(status, plan_item(session, remember, &work, selection, i));
    remember_close(remember);
    return session_interrupted(session) ? COMMAND_INTERRUPTED : status;
}

/* `--at`, or -1 for now. */
static int plan_at(const struct command_line *line, int64_t *at_us)
{
    struct error error = {0};

    if (!line->at || moment_parse(line->at, at_us, &error) == STATUS_OK)
        return -1;
    log_error("%s", error.text);
    return COMMAND_USAGE;
}

int cmd_plan(int argc, char **argv)
{
    struct command_line line = {0};
    struct config *config = NULL;
    struct selection selection = {0};
    struct session *session = NULL;
    int64_t at_us = -1;
    int status = command_parse(argc, argv, &line);

    if (status < 0)
        status = plan_at(&line, &at_us);
    if (status < 0)
        status = work_config(&line, &config);
    if (status >= 0)
        goto out;
    session = session_open();
    status = selection_make(session, config, "litekeeper plan", &line, &selection);
    if (status < 0)
        status = plan_items(session, config, &line, at_us, &selection);
out:
    session_close(session);
    selection_free(&selection);
    config_free(config);
    return status;
}
