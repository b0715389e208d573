/*
 * `litekeeper archive list` and `verify`: what a worker found in a table's archive, held against
 * the catalogue. Runs in the parent, which opens neither.
 */
#include "archive_ask.h"
#include "archive_print.h"
#include "catalogue.h"
#include "event.h"
#include "log.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static void archive_shelved(void *argument, json_t *event)
{
    json_t *shelved = argument;

    if (strcmp(event_kind(event), "shelved") == 0)
        json_array_append(shelved, event);
    json_decref(event);
}

/* The catalogue is read before and after, since a run may be at work meanwhile. */
static enum status archive_look(const struct archive_table *table, const char *what,
                                json_t **judged, struct error *error)
{
    json_t *before = archive_ask_catalogue(table), *shelved = json_array(), *event;
    enum status status =
        archive_ask_worker(table, json_pack("{s:s}", "do", what), archive_shelved, shelved, error);
    json_t *after = status ? NULL : archive_ask_catalogue(table);
    json_t *found = json_array();
    size_t i;

    json_array_foreach (shelved, i, event)
        json_array_append_new(found, catalogue_judge(before, after, event));
    catalogue_add_missing(before, after, found);
    json_decref(before);
    json_decref(after);
    json_decref(shelved);
    if (status)
        json_decref(found);
    else
        *judged = found;
    return status;
}

/* Whether it knows none of those that it ought to know. */
static bool archive_lost(const json_t *judged)
{
    bool unknown = false;
    json_t *segment;
    size_t i;

    json_array_foreach (judged, i, segment) {
        const char *word = json_string_value(json_object_get(segment, "catalogue"));
        if (word && strcmp(word, "unknown") != 0)
            return false;
        unknown = unknown || word;
    }
    return unknown;
}

/* Enters what fits to its manifest. From then on it is known by that alone, and marked so. */
static size_t archive_rebuild(const struct archive_table *table, json_t *judged)
{
    json_t *segment;
    size_t i, count = 0;

    json_array_foreach (judged, i, segment) {
        const char *path = json_string_value(json_object_get(segment, "path"));
        if (!catalogue_lacks(segment))
            continue;
        json_t *entry = catalogue_entry(segment, table->options->archive.directory,
                                        table->file->name, table->options->table);
        if (remember_segment(table->ask->remember, entry, path ? path : table->file->path)) {
            json_object_set_new(segment, "catalogue", json_string("rebuilt"));
            json_object_set_new(segment, "problem", json_null());
            count++;
        }
        json_decref(entry);
    }
    return count;
}

static int archive_tell(const struct archive_table *table, bool verify)
{
    struct archive_summary summary = {.database = table->file->name,
                                      .table = table->name,
                                      .verified = verify};
    struct error error = {0};

    if (archive_look(table, verify ? "verify" : "list", &summary.segments, &error))
        return archive_ask_failed(table, &error);
    char *folder = memory_format("%s/%.*s", table->options->archive.directory,
                                 (int)strlen(table->prefix) - 1, table->prefix);
    summary.folder = folder;
    if (table->ask->line->rebuild)
        summary.rebuilt = archive_rebuild(table, summary.segments);
    summary.lost = archive_lost(summary.segments);
    if (!verify)
        summary.holds = archive_ask_holds(table);
    archive_print_count(&summary);
    if (table->ask->line->json)
        archive_print_json(&summary);
    else
        archive_print_table(&summary);
    json_decref(summary.segments);
    json_decref(summary.holds);
    free(folder);
    return verify && summary.problems ? COMMAND_FAILED : COMMAND_OK;
}

static int archive_list(const struct archive_table *table)
{
    return archive_tell(table, false);
}

static int archive_verify(const struct archive_table *table)
{
    return archive_tell(table, true);
}

int cmd_archive_list(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);

    return status >= 0 ? status : archive_ask(&line, "litekeeper archive list", archive_list);
}

int cmd_archive_verify(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);

    return status >= 0 ? status : archive_ask(&line, "litekeeper archive verify", archive_verify);
}
