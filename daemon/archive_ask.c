/* From names to tables with an archive, and to a worker for each. Runs in the parent, which opens
 * nothing below the archive's directory. */
#include "archive_ask.h"

#include "archive_place.h"
#include "catalogue.h"
#include "job.h"
#include "log.h"
#include "memory.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

static char *ask_prefix(const struct archive_table *table)
{
    struct text prefix = {0};

    archive_place_name(table->file->name, &prefix);
    text_add(&prefix, "/");
    archive_place_name(table->options->table, &prefix);
    text_add(&prefix, "/");
    return text_take(&prefix);
}

static bool ask_archives(const struct config_task *task)
{
    const struct retention_options *options = task->options;

    return strcmp(task->kind->name, "retention") == 0 && options->archive.directory;
}

static int ask_tables(struct archive_ask *ask, int (*each)(const struct archive_table *table))
{
    int status = COMMAND_OK, found = 0;

    for (size_t i = 0; i < ask->selection.item_count && !session_interrupted(ask->session); i++) {
        const struct selection_item *item = &ask->selection.items[i];
        if (!ask_archives(item->task))
            continue;
        struct archive_table table = {ask, &ask->selection.files[item->file], item->task,
                                      item->task->options, NULL};
        table.prefix = ask_prefix(&table);
        status = work_worse(status, each(&table));
        free(table.prefix);
        found++;
    }
    if (!found && ask->selection.item_count)
        log_notice("the policy archives nothing there");
    return session_interrupted(ask->session) ? COMMAND_INTERRUPTED : status;
}

/* DB and TABLE as the names of a task. */
static int ask_select(struct archive_ask *ask, const char *command)
{
    struct command_line line = *ask->line;

    line.names[1] = line.names[1] ? "retention" : NULL;
    line.names[2] = ask->line->names[1];
    return selection_make(ask->session, ask->config, command, &line, &ask->selection);
}

int archive_ask(const struct command_line *line, const char *command,
                int (*each)(const struct archive_table *table))
{
    struct archive_ask ask = {.line = line};
    int status = work_config(line, &ask.config);

    if (status >= 0)
        return status;
    char *state = work_state(ask.config);
    ask.session = session_open();
    status = ask_select(&ask, command);
    if (status < 0) {
        ask.remember = remember_open(ask.session, state);
        status = ask_tables(&ask, each);
        remember_close(ask.remember);
    }
    free(state);
    session_close(ask.session);
    selection_free(&ask.selection);
    config_free(ask.config);
    return status;
}

/* Where the database is gone, its folder in the archive's directory tells whose it was. */
char *archive_ask_owned(const struct archive_table *table)
{
    struct text path = {0};

    if (!table->file->error.status)
        return NULL;
    text_addf(&path, "%s/", table->options->archive.directory);
    archive_place_name(table->file->name, &path);
    return text_take(&path);
}

enum status archive_ask_worker(const struct archive_table *table, json_t *order,
                               void (*event)(void *argument, json_t *event), void *argument,
                               struct error *error)
{
    char *owned = archive_ask_owned(table);
    struct job_request request = {.kind = "archive",
                                  .policy = table->ask->config,
                                  .database = table->file->database,
                                  .task = table->task,
                                  .name = table->file->name,
                                  .path = table->file->path,
                                  .seen = table->file->seen,
                                  .at_us = -1,
                                  .memory = {-1, -1, false, {0}, NULL},
                                  .order = order,
                                  .owned = owned};
    json_t *job = job_engine(&request);
    enum status status = session_run(table->ask->session, job, 0, event, argument, error);

    json_decref(job);
    json_decref(order);
    free(owned);
    return status;
}

json_t *archive_ask_catalogue(const struct archive_table *table)
{
    json_t *rows = remember_segments(table->ask->remember);
    json_t *found = catalogue_of(rows, table->options->archive.directory, table->prefix);

    json_decref(rows);
    return found;
}

int archive_ask_failed(const struct archive_table *table, const struct error *error)
{
    if (session_interrupted(table->ask->session))
        return COMMAND_INTERRUPTED;
    if (error->status == STATUS_INVALID) {
        log_error("%s", error->text);
        return COMMAND_USAGE;
    }
    log_error("%s %s: %s", table->file->name, table->options->table, error->text);
    return error->status == STATUS_BUSY ? COMMAND_BUSY : COMMAND_FAILED;
}
