/*
 * Which segments of an archive have rows that are wanted: each is read to its end, and checked,
 * before the first of its rows is used. Writes nothing.
 */
#include "restore_inside.h"

#include "archive_tables.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the segments ------------------------------------------------------------------------- */

static int survey_compare(const void *one, const void *other)
{
    const struct archive_manifest *a = &((const struct restore_segment *)one)->on->manifest;
    const struct archive_manifest *b = &((const struct restore_segment *)other)->on->manifest;

    if (a->made_us != b->made_us)
        return a->made_us < b->made_us ? 1 : -1;
    return a->name && b->name ? strcmp(b->name, a->name) : 0;
}

static enum status survey_columns(struct restore_facts *facts, struct error *error)
{
    enum status status = STATUS_OK;
    size_t found;

    for (size_t i = 0; i < facts->shelf.count; i++) {
        const struct archive_columns *columns = &facts->segments[i].on->columns;
        for (size_t k = 0; !status && k < columns->count; k++)
            if (!archive_columns_find(&facts->columns, columns->list[k].name, &found))
                status = archive_columns_add(&facts->columns, columns->list[k].name,
                                             columns->list[k].type, error);
    }
    return status;
}

/* What is wrong with the expression is said before anything is read. */
static enum status survey_try(const struct restore_options *options,
                              const struct restore_facts *facts, struct error *error)
{
    struct archive_filter *filter = NULL;
    enum status status = STATUS_OK;

    if (facts->columns.count)
        status = archive_filter_open(&options->wanted, &facts->columns, NULL, &filter, error);
    archive_filter_close(filter);
    return status ? error->status = STATUS_FAILED : STATUS_OK;
}

enum status restore_measure(struct engine *engine, const void *argument, void **result,
                            struct error *error)
{
    const struct restore_options *options = argument;
    struct restore_facts *facts = memory_new(struct restore_facts);
    enum status status = shelf_open(options->directory, engine->job->database->name, options->table,
                                    &facts->shelf, error);

    if (!status && !facts->shelf.count)
        status = error_set(error, STATUS_FAILED, "no rows of %s are archived in %s", options->table,
                           options->directory);
    if (status) {
        restore_free_facts(facts);
        return status;
    }
    facts->segments = memory_zeroed(facts->shelf.count, sizeof *facts->segments);
    for (size_t i = 0; i < facts->shelf.count; i++)
        facts->segments[i].on = &facts->shelf.segments[i];
    qsort(facts->segments, facts->shelf.count, sizeof *facts->segments, survey_compare);
    status = survey_columns(facts, error);
    if (!status)
        status = survey_try(options, facts, error);
    if (status)
        restore_free_facts(facts);
    else
        *result = facts;
    return status;
}

void restore_decide(const void *options, const void *facts, int64_t now_us,
                    struct decision *decision)
{
    (void)options;
    (void)facts;
    (void)now_us;
    decision->act = true;
    snprintf(decision->reason, sizeof decision->reason, "rows that are in the archive");
}

void restore_free_facts(void *argument)
{
    struct restore_facts *facts = argument;

    if (!facts)
        return;
    shelf_close(&facts->shelf);
    archive_columns_free(&facts->columns);
    free(facts->segments);
    free(facts);
}

static bool survey_spans(const struct restore_options *options,
                         const struct restore_segment *segment)
{
    return shelf_spans(segment->on, options->wanted.since_us, options->wanted.until_us);
}

/* --- looking ------------------------------------------------------------------------------ */

static void survey_count(struct restore_result *found, int64_t time_us)
{
    found->rows++;
    if (time_us < 0)
        return;
    if (found->first_us < 0 || time_us < found->first_us)
        found->first_us = time_us;
    if (time_us > found->last_us)
        found->last_us = time_us;
}

/* Reads all of a segment; what is wanted of it is counted in `found`. */
static enum status survey_rows(struct engine *engine, bool timed, struct archive_read *read,
                               struct archive_filter *filter, struct restore_result *result,
                               struct restore_result *found, struct error *error)
{
    const struct archive_row *row = NULL;
    int64_t time_us;
    bool wanted;
    enum status status;

    while (!(status = archive_read_row(read, &row, error)) && row) {
        if (restore_stopped(engine, result->read))
            return error_set(error, STATUS_CANCELLED, "told to stop");
        if ((status = archive_filter_row(filter, row, &wanted, &time_us, error))) {
            result->ends = true;
            return error->status = STATUS_FAILED;
        }
        if (wanted)
            survey_count(found, timed ? time_us : -1);
        engine_progress(engine, ++result->read, result->to_read);
    }
    return status;
}

/* A manifest that is not the one which was written may say anything of the file. */
static enum status survey_check_manifest(const struct restore_options *options,
                                         const struct shelf_segment *segment, struct error *error)
{
    char *name = shelf_name(segment);
    const char *known = json_string_value(json_object_get(options->catalogue, name));

    free(name);
    return known && strncmp(known, segment->listed_sha256, RESTORE_SHA256) != 0
               ? error_set(error, STATUS_INVALID,
                           "its manifest is not the one that the catalogue knows")
               : STATUS_OK;
}

static enum status survey_segment(struct engine *engine, const struct restore_options *options,
                                  const struct restore_facts *facts,
                                  struct restore_segment *segment, struct restore_result *result,
                                  struct error *error)
{
    struct restore_result found = {.first_us = -1, .last_us = -1};
    struct archive_filter *filter = NULL;
    struct archive_read *read = NULL;
    enum status status = restore_filter(options, facts, segment, &filter, error);

    if (status) {
        result->ends = true;
        return error->status = STATUS_FAILED;
    }
    status = shelf_read(&facts->shelf, segment->on, &read, error);
    if (!status)
        status = survey_rows(engine, !*archive_tables_follows(segment->on), read, filter, result,
                             &found, error);
    archive_read_close(read);
    archive_filter_close(filter);
    if (status || !found.rows)
        return status;
    segment->rows = found.rows;
    result->segments++;
    result->rows += found.rows;
    if (result->first_us < 0 || (found.first_us >= 0 && found.first_us < result->first_us))
        result->first_us = found.first_us;
    if (found.last_us > result->last_us)
        result->last_us = found.last_us;
    return STATUS_OK;
}

static void survey_name(const struct restore_segment *segment, const char *why, json_t *list)
{
    char *name = shelf_name(segment->on);

    restore_name(list, "%s%s%s", name, *why ? ": " : "", why);
    free(name);
}

static enum status survey_one(struct engine *engine, const struct restore_options *options,
                              const struct restore_facts *facts, struct restore_segment *segment,
                              struct restore_result *result, struct error *error)
{
    struct error why = segment->on->problem;
    enum status status = why.status;

    if (!status && !shelf_done(segment->on)) {
        bool removed = segment->on->manifest.state == MANIFEST_REMOVED;
        if (survey_spans(options, segment))
            survey_name(segment, "", removed ? result->removed : result->unfinished);
        return STATUS_OK;
    }
    if (!status)
        status = survey_check_manifest(options, segment->on, &why);
    if (!status && !survey_spans(options, segment))
        return STATUS_OK;
    if (!status)
        status = survey_segment(engine, options, facts, segment, result, &why);
    if (status && (result->ends || status == STATUS_CANCELLED)) {
        *error = why;
        return status;
    }
    if (status)
        survey_name(segment, why.text, result->damaged);
    return STATUS_OK;
}

/* The name of the file that it tells of, by its own: what it says may be damaged. */
static char *survey_file(const struct shelf_segment *segment)
{
    static const char end[] = ".manifest.json";
    size_t length = strlen(segment->listed), tail = sizeof end - 1;

    if (strncmp(segment->listed, "_part-", 6) != 0 || length < tail)
        return shelf_name(segment);
    return memory_format("%s%s%.*s.jsonl.zst", segment->part, *segment->part ? "/" : "",
                         (int)(length - tail - 1), segment->listed + 1);
}

/* What the catalogue knows and is not there any more. */
static void survey_find_missing(const struct restore_options *options,
                                const struct restore_facts *facts, struct restore_result *result)
{
    json_t *missing = json_object();
    const char *name;
    json_t *sha256;

    json_object_update(missing, (json_t *)options->catalogue);
    for (size_t i = 0; i < facts->shelf.count; i++) {
        char *file = survey_file(facts->segments[i].on);
        json_object_del(missing, file);
        free(file);
    }
    json_object_foreach (missing, name, sha256)
        restore_name(result->damaged, "%s: it is missing", name);
    json_decref(missing);
}

enum status restore_survey(struct engine *engine, const struct restore_options *options,
                           struct restore_facts *facts, struct restore_result *result,
                           struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->shelf.count; i++)
        if (shelf_done(facts->segments[i].on) && survey_spans(options, &facts->segments[i]))
            result->to_read += facts->segments[i].on->manifest.rows;
    survey_find_missing(options, facts, result);
    result->to_read *= 2; /* once to check, once to put */
    for (size_t i = 0; !status && i < facts->shelf.count; i++)
        status = survey_one(engine, options, facts, &facts->segments[i], result, error);
    return status;
}
