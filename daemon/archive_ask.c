/* From names to tables with an archive, and to a worker for each. Runs in the parent, which opens
 * nothing below the archive's directory. */
#include "archive_ask.h"

#include "archive_place.h"
#include "catalogue.h"
#include "event.h"
#include "job.h"
#include "log.h"
#include "memory.h"
#include "suggest.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *ask_prefix(const struct archive_table *table)
{
    struct text prefix = {0};

    archive_place_name(table->file->name, &prefix);
    text_add(&prefix, "/");
    archive_place_name(table->name, &prefix);
    text_add(&prefix, "/");
    return text_take(&prefix);
}

static bool ask_archives(const struct config_task *task)
{
    const struct retention_options *options = task->options;

    return strcmp(task->kind->name, "retention") == 0 && options->archive.directory;
}

/* --- which tables there are --------------------------------------------------------------- */

struct ask_tables {
    struct archive_table *list;
    size_t count;
};

static void tables_add(struct ask_tables *tables, const struct archive_table *like,
                       const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->list[i].file == like->file && strcmp(tables->list[i].name, name) == 0)
            return;
    tables->list = memory_resize(tables->list, tables->count + 1, sizeof *tables->list);
    struct archive_table *table = &tables->list[tables->count++];
    *table = *like;
    table->name = memory_copy(name);
    table->prefix = ask_prefix(table);
}

static void tables_free(struct ask_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        free(tables->list[i].name);
        free(tables->list[i].prefix);
    }
    free(tables->list);
}

static void tables_event(void *argument, json_t *event)
{
    if (strcmp(event_kind(event), "archived") == 0)
        json_array_append(argument, event);
    json_decref(event);
}

/* The policy's own table, spelled as its folder is; then those that follow it. */
static void tables_choose(struct ask_tables *tables, const struct archive_table *like,
                          const json_t *archived)
{
    const char *own = like->options->table;
    json_t *event;
    size_t i;

    json_array_foreach (archived, i, event) {
        const char *name = json_string_value(json_object_get(event, "table"));
        if (strcasecmp(name, own) == 0)
            own = name;
    }
    tables_add(tables, like, own);
    json_array_foreach (archived, i, event) {
        const char *follows = json_string_value(json_object_get(event, "follows"));
        if (follows && strcasecmp(follows, own) == 0)
            tables_add(tables, like, json_string_value(json_object_get(event, "table")));
    }
}

/* What can't be looked at is told by whoever looks into it. */
static void tables_find(struct ask_tables *tables, const struct archive_table *like)
{
    json_t *archived = json_array();
    struct error ignored = {0};

    if (archive_ask_worker(like, json_pack("{s:s}", "do", "tables"), tables_event, archived,
                           &ignored) &&
        session_interrupted(like->ask->session))
        json_array_clear(archived);
    tables_choose(tables, like, archived);
    json_decref(archived);
}

static int ask_find(struct archive_ask *ask, struct ask_tables *tables)
{
    for (size_t i = 0; i < ask->selection.item_count && !session_interrupted(ask->session); i++) {
        const struct selection_item *item = &ask->selection.items[i];
        struct archive_table like = {ask,        &ask->selection.files[item->file],
                                     item->task, item->task->options,
                                     NULL,       NULL};
        if (ask_archives(item->task))
            tables_find(tables, &like);
    }
    if (!tables->count && ask->selection.item_count)
        log_notice("the policy archives nothing there");
    return session_interrupted(ask->session) ? COMMAND_INTERRUPTED : -1;
}

/* --- what is done for each ---------------------------------------------------------------- */

static int ask_unknown(const char *command, const char *name, const struct ask_tables *tables)
{
    const char **names = memory_zeroed(tables->count, sizeof *names);

    for (size_t i = 0; i < tables->count; i++)
        names[i] = tables->list[i].name;
    suggest_report(command, "table", name, names, tables->count);
    free(names);
    return COMMAND_USAGE;
}

static int ask_each(const struct archive_ask *ask, const char *command,
                    const struct ask_tables *tables, int (*each)(const struct archive_table *table))
{
    const char *name = ask->line->names[1];
    int status = COMMAND_OK;
    bool found = false;

    for (size_t i = 0; i < tables->count && !session_interrupted(ask->session); i++) {
        if (name && strcasecmp(name, tables->list[i].name) != 0)
            continue;
        found = true;
        int one = each(&tables->list[i]);
        if (one == COMMAND_USAGE)
            return one;
        status = work_worse(status, one);
    }
    if (name && !found)
        return ask_unknown(command, name, tables);
    return session_interrupted(ask->session) ? COMMAND_INTERRUPTED : status;
}

static int ask_all(struct archive_ask *ask, const char *command,
                   int (*each)(const struct archive_table *table))
{
    struct ask_tables tables = {0};
    struct command_line database = *ask->line;

    database.names[1] = NULL;
    int status = selection_make(ask->session, ask->config, command, &database, &ask->selection);
    if (status < 0)
        status = ask_find(ask, &tables);
    if (status < 0)
        status = ask_each(ask, command, &tables, each);
    tables_free(&tables);
    return status;
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
    ask.remember = remember_open(ask.session, state);
    status = ask_all(&ask, command, each);
    remember_close(ask.remember);
    free(state);
    session_close(ask.session);
    selection_free(&ask.selection);
    config_free(ask.config);
    return status;
}

/* --- the worker --------------------------------------------------------------------------- */

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

    if (table->name)
        json_object_set_new(order, "table", json_string(table->name));
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

static bool ask_holds(const struct archive_table *table, const json_t *hold)
{
    const char *path = json_string_value(json_object_get(hold, "path"));
    const char *target = json_string_value(json_object_get(hold, "target"));

    return path && target && strcmp(path, table->file->path) == 0 &&
           strcasecmp(target, table->name) == 0;
}

json_t *archive_ask_holds(const struct archive_table *table)
{
    json_t *all = remember_holds(table->ask->remember), *hold;
    json_t *holds = all ? json_array() : NULL;
    size_t i;

    json_array_foreach (all, i, hold)
        if (ask_holds(table, hold))
            json_array_append(holds, hold);
    json_decref(all);
    return holds;
}

int archive_ask_failed(const struct archive_table *table, const struct error *error)
{
    if (session_interrupted(table->ask->session))
        return COMMAND_INTERRUPTED;
    if (error->status == STATUS_INVALID) {
        log_error("%s", error->text);
        return COMMAND_USAGE;
    }
    log_error("%s %s: %s", table->file->name, table->name, error->text);
    return error->status == STATUS_BUSY ? COMMAND_BUSY : COMMAND_FAILED;
}
