/*
 * `litekeeper restore`: rows of an archive come back, into their table or into a file, by a worker
 * with the rights of the database's owner; or what was put back is given free again. Runs in the
 * parent, which opens neither.
 */
#include "archive_ask.h"
#include "catalogue.h"
#include "clock.h"
#include "event.h"
#include "log.h"
#include "memory.h"
#include "moment.h"
#include "progress.h"
#include "report.h"
#include "restore_job.h"
#include "terminal.h"
#include "text.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what is asked ------------------------------------------------------------------------ */

static int restore_moment(const char *text, int64_t *time_us)
{
    struct error error = {0};

    *time_us = -1;
    if (!text || moment_parse(text, time_us, &error) == STATUS_OK)
        return -1;
    log_error("%s", error.text);
    return COMMAND_USAGE;
}

/* Whether just one of the three is asked for, and only with what it takes. */
static int restore_check(const struct command_line *line)
{
    int ways = (line->into != NULL) + line->into_table + line->lift;

    if (ways != 1) {
        log_error("say where the rows shall go: one of --into FILE and --into-table; or --lift");
        return COMMAND_USAGE;
    }
    if (line->lift && (line->since || line->until || line->where)) {
        log_error("--lift takes no rows: all that is held of the table is given free");
        return COMMAND_USAGE;
    }
    return -1;
}

/* The worker stands in another folder. */
static char *restore_absolute(const char *path)
{
    char *here = path && *path != '/' ? getcwd(NULL, 0) : NULL;
    char *absolute = here ? memory_format("%s/%s", here, path) : memory_copy(path);

    free(here);
    return absolute;
}

/* Whether a row of the catalogue is of a segment that ought to be there, with such times. */
static bool restore_wanted(const json_t *row, const struct archive_wanted *wanted)
{
    const char *state = json_string_value(json_object_get(row, "state"));
    int64_t first_us = json_integer_value(json_object_get(row, "first_us"));
    int64_t last_us = json_integer_value(json_object_get(row, "last_us"));

    return state && strcmp(state, "done") == 0 &&
           json_is_string(json_object_get(row, "manifest_sha256")) &&
           (wanted->since_us < 0 || last_us >= wanted->since_us) &&
           (wanted->until_us < 0 || first_us < wanted->until_us);
}

/* What the catalogue knows of manifests, by the names of segments in the table's folder. A job has
 * room for that of ten thousand. */
static json_t *restore_catalogue(const struct archive_table *table,
                                 const struct archive_wanted *wanted)
{
    json_t *known = archive_ask_catalogue(table), *manifests = json_object(), *row;
    size_t above = strlen(table->prefix);
    const char *file;

    json_object_foreach (known, file, row) {
        const char *sha256 = json_string_value(json_object_get(row, "manifest_sha256"));
        if (restore_wanted(row, wanted) && strlen(file) > above)
            json_object_set_new(manifests, file + above, json_stringn(sha256, RESTORE_SHA256));
    }
    json_decref(known);
    return manifests;
}

static int restore_order(const struct archive_table *table, json_t **order)
{
    const struct command_line *line = table->ask->line;
    struct restore_options options = {.table = table->name, .wanted = {.where = line->where}};
    int status = restore_moment(line->since, &options.wanted.since_us);

    if (status < 0)
        status = restore_moment(line->until, &options.wanted.until_us);
    if (status >= 0)
        return status;
    char *into = restore_absolute(line->into);
    options.into = into;
    *order = restore_job(&options, restore_catalogue(table, &options.wanted));
    free(into);
    if (*order)
        return -1;
    log_error("an argument is not UTF-8");
    return COMMAND_USAGE;
}

/* --- rows come back ----------------------------------------------------------------------- */

static void restore_print_json(json_t *event)
{
    char *line = event_line(event);

    puts(line ? line : "{}");
    fflush(stdout);
    free(line);
}

static void restore_print(char *line)
{
    progress_clear();
    terminal_print(stdout, line, 0, 2);
    fflush(stdout);
    free(line);
}

static void restore_event(json_t *event)
{
    if (strcmp(event_kind(event), "notice") == 0)
        restore_print(report_notice(event));
    else
        progress_show(event);
}

/* Where nothing was done of what was asked for, that is no success. */
static int restore_exit(const json_t *outcome, bool interrupted)
{
    const char *word = json_string_value(json_object_get(outcome, "outcome"));
    const char *reason = json_string_value(json_object_get(outcome, "reason"));
    int status = work_exit(outcome, interrupted);

    if (status == COMMAND_FAILED && reason && strncmp(reason, "--where: ", 9) == 0)
        return COMMAND_USAGE;
    return !status && word && strcmp(word, "skipped") == 0 ? COMMAND_FAILED : status;
}

static int restore_work(const struct archive_table *table, struct work *work)
{
    const struct archive_ask *ask = table->ask;
    struct selection_item item = {(size_t)(table->file - ask->selection.files), table->task};
    int64_t started_us = clock_now_us();
    json_t *outcome = work_do(ask->session, work, &ask->selection, &item);
    int status = restore_exit(outcome, session_interrupted(ask->session));

    if (ask->line->json)
        restore_print_json(outcome);
    else
        restore_print(report_outcome(outcome));
    remember_outcome(ask->remember, outcome, table->file->path, started_us,
                     &ask->config->daemon.history);
    json_decref(outcome);
    return status;
}

/* Which SQLite the application has, as the history knows it. */
static struct engine_writer restore_writer(const struct archive_table *table)
{
    struct history_subject subject = {table->file->path, "retention", table->task->target};
    struct engine_memory past = {.newest_us = -1, .boot_offset_us = -1};
    struct schedule_past counted;

    remember_past(table->ask->remember, &subject, &past, &counted);
    return past.last.writer;
}

static int restore_rows(const struct archive_table *table)
{
    const struct archive_ask *ask = table->ask;
    bool json = ask->line->json;
    char *owned = ask->line->into ? archive_ask_owned(table) : NULL;
    struct work work = {.kind = "restore",
                        .last = "outcome",
                        .config = ask->config,
                        .line = ask->line,
                        .at_us = -1,
                        .memory = {-1, -1, false, {0}, NULL},
                        .event = json ? restore_print_json : restore_event,
                        .remember = ask->remember,
                        .owned = owned};
    int status = restore_order(table, &work.order);

    if (status < 0) {
        work.memory.last.writer = restore_writer(table);
        status = restore_work(table, &work);
    }
    json_decref(work.order);
    free(owned);
    return status;
}

/* --- holds -------------------------------------------------------------------------------- */

static void restore_print_lifted(const struct archive_table *table, const json_t *hold)
{
    int64_t first_us = json_integer_value(json_object_get(hold, "first_us"));
    int64_t last_us = json_integer_value(json_object_get(hold, "last_us"));
    int64_t set_us = json_integer_value(json_object_get(hold, "set_us"));
    char first[TEXT_SHORT], last[TEXT_SHORT], set[TEXT_SHORT];
    struct text line = {0};

    if (table->ask->line->json) {
        json_t *lifted = json_copy((json_t *)hold);
        json_object_set_new(lifted, "event", json_string("lifted"));
        restore_print_json(lifted);
        json_decref(lifted);
        return;
    }
    text_addf(&line, "%s %s: rows from %s to %s were held since %s, and retention takes them again",
              table->file->name, table->name, text_time(first, first_us), text_time(last, last_us),
              text_time(set, set_us));
    restore_print(text_take(&line));
}

static int restore_lift(const struct archive_table *table)
{
    json_t *holds = archive_ask_holds(table), *hold;
    size_t i;

    if (!holds || !remember_lift(table->ask->remember, table->file->path, table->name)) {
        json_decref(holds);
        return COMMAND_FAILED; /* why was said */
    }
    json_array_foreach (holds, i, hold)
        restore_print_lifted(table, hold);
    if (!json_array_size(holds) && !table->ask->line->json)
        log_notice("%s %s: nothing is held", table->file->name, table->name);
    json_decref(holds);
    return COMMAND_OK;
}

/* ------------------------------------------------------------------------------------------ */

static int restore_table(const struct archive_table *table)
{
    if (table->ask->line->lift)
        return restore_lift(table);
    if (table->ask->selection.file_count > 1) {
        log_error("%s is more than one file: name one by its path", table->ask->line->names[0]);
        return COMMAND_USAGE;
    }
    return restore_rows(table);
}

int cmd_restore(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);

    if (status < 0)
        status = restore_check(&line);
    return status < 0 ? archive_ask(&line, "litekeeper restore", restore_table) : status;
}
