/*
 * The way through an archive: which segments have rows that are wanted, each read to its end and
 * checked before the first of them is used; and these rows, in batches. The newest segments come
 * first: where a row is in two of them, since it was put back in between, the newer one counts.
 */
#include "restore_inside.h"

#include "archive_tables.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WALK_BATCH = 4096, /* rows that are kept in memory between two steps ... */
    WALK_BYTES = 4 << 20,
    WALK_LOOK = 256 /* rows between two looks at whether we are to stop */
};

/* --- the segments ------------------------------------------------------------------------- */

static int walk_compare(const void *one, const void *other)
{
    const struct archive_manifest *a = &((const struct restore_segment *)one)->on->manifest;
    const struct archive_manifest *b = &((const struct restore_segment *)other)->on->manifest;

    if (a->made_us != b->made_us)
        return a->made_us < b->made_us ? 1 : -1;
    return a->name && b->name ? strcmp(b->name, a->name) : 0;
}

static enum status walk_columns(struct restore_facts *facts, struct error *error)
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
static enum status walk_try(const struct restore_options *options,
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
    qsort(facts->segments, facts->shelf.count, sizeof *facts->segments, walk_compare);
    status = walk_columns(facts, error);
    if (!status)
        status = walk_try(options, facts, error);
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

static bool walk_spans(const struct restore_options *options, const struct restore_segment *segment)
{
    return shelf_spans(segment->on, options->wanted.since_us, options->wanted.until_us);
}

/* --- looking ------------------------------------------------------------------------------ */

static bool walk_stopped(const struct engine *engine, int64_t rows)
{
    const struct engine_host *host = &engine->job->host;

    return rows % WALK_LOOK == 0 && host->stopped && host->stopped(host->argument);
}

/* Rows that went because of what they refer to have no times: their segments alone have. */
static enum status walk_filter(const struct restore_options *options,
                               const struct restore_facts *facts,
                               const struct restore_segment *segment,
                               struct archive_filter **filter, struct error *error)
{
    struct archive_wanted wanted = options->wanted;

    if (*archive_tables_follows(segment->on))
        wanted.since_us = wanted.until_us = -1;
    return archive_filter_open(&wanted, &segment->on->columns, &facts->columns, filter, error);
}

static void walk_count(struct restore_result *found, int64_t time_us)
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
static enum status walk_survey_rows(struct engine *engine, bool timed, struct archive_read *read,
                                    struct archive_filter *filter, struct restore_result *result,
                                    struct restore_result *found, struct error *error)
{
    const struct archive_row *row = NULL;
    int64_t time_us;
    bool wanted;
    enum status status;

    while (!(status = archive_read_row(read, &row, error)) && row) {
        if (walk_stopped(engine, result->read))
            return error_set(error, STATUS_CANCELLED, "told to stop");
        if ((status = archive_filter_row(filter, row, &wanted, &time_us, error)))
            return error->status = STATUS_FAILED; /* it is not the segment's fault */
        if (wanted)
            walk_count(found, timed ? time_us : -1);
        engine_progress(engine, ++result->read, result->to_read);
    }
    return status;
}

/* A manifest that is not the one which was written may say anything of the file. */
static enum status walk_check_manifest(const struct restore_options *options,
                                       const struct shelf_segment *segment, struct error *error)
{
    char *name = shelf_name(segment);
    const char *known = json_string_value(json_object_get(options->catalogue, name));

    free(name);
    return known && strcmp(known, segment->listed_sha256) != 0
               ? error_set(error, STATUS_INVALID,
                           "its manifest is not the one that the catalogue knows")
               : STATUS_OK;
}

static enum status walk_survey_segment(struct engine *engine, const struct restore_options *options,
                                       const struct restore_facts *facts,
                                       struct restore_segment *segment,
                                       struct restore_result *result, struct error *error)
{
    struct restore_result found = {.first_us = -1, .last_us = -1};
    struct archive_filter *filter = NULL;
    struct archive_read *read = NULL;
    enum status status = walk_filter(options, facts, segment, &filter, error);

    if (status)
        return error->status = STATUS_FAILED;
    status = shelf_read(&facts->shelf, segment->on, &read, error);
    if (!status)
        status = walk_survey_rows(engine, !*archive_tables_follows(segment->on), read, filter,
                                  result, &found, error);
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

static void walk_name(const struct restore_segment *segment, const char *why, json_t *list)
{
    char *name = shelf_name(segment->on);

    json_array_append_new(list, json_sprintf("%s%s%s", name, *why ? ": " : "", why));
    free(name);
}

static enum status walk_survey_one(struct engine *engine, const struct restore_options *options,
                                   const struct restore_facts *facts,
                                   struct restore_segment *segment, struct restore_result *result,
                                   struct error *error)
{
    struct error why = segment->on->problem;
    enum status status = why.status;

    if (!status && !shelf_done(segment->on)) {
        bool removed = segment->on->manifest.state == MANIFEST_REMOVED;
        if (walk_spans(options, segment))
            walk_name(segment, "", removed ? result->removed : result->unfinished);
        return STATUS_OK;
    }
    if (!status)
        status = walk_check_manifest(options, segment->on, &why);
    if (!status && !walk_spans(options, segment))
        return STATUS_OK;
    if (!status)
        status = walk_survey_segment(engine, options, facts, segment, result, &why);
    if (status != STATUS_INVALID) {
        if (status)
            *error = why;
        return status;
    }
    walk_name(segment, why.text, result->damaged);
    return STATUS_OK;
}

enum status restore_survey(struct engine *engine, const struct restore_options *options,
                           struct restore_facts *facts, struct restore_result *result,
                           struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->shelf.count; i++)
        if (shelf_done(facts->segments[i].on) && walk_spans(options, &facts->segments[i]))
            result->to_read += facts->segments[i].on->manifest.rows;
    result->to_read *= 2; /* once to check, once to put */
    for (size_t i = 0; !status && i < facts->shelf.count; i++)
        status = walk_survey_one(engine, options, facts, &facts->segments[i], result, error);
    return status;
}

/* --- taking ------------------------------------------------------------------------------- */

struct walk {
    struct engine *engine;
    const struct restore_sink *sink;
    struct restore_result *result;
    struct restore_put *put;
    struct rowlist batch;
};

static enum status walk_flush(struct walk *walk, struct error *error)
{
    enum status status = STATUS_OK;

    walk->result->counts.done = 0;
    if (walk->batch.count)
        status = walk->sink->put(walk->sink->argument, walk->put, &walk->batch, error);
    rowlist_clear(&walk->batch);
    return status;
}

static enum status walk_take_rows(struct walk *walk, struct archive_read *read,
                                  struct archive_filter *filter, struct error *error)
{
    struct restore_result *result = walk->result;
    const struct archive_row *row = NULL;
    bool wanted;
    enum status status;

    while (!(status = archive_read_row(read, &row, error)) && row) {
        if ((status = archive_filter_row(filter, row, &wanted, NULL, error)))
            return status;
        if (wanted)
            restore_put_add(walk->put, row, &walk->batch);
        if (walk->batch.count >= WALK_BATCH || walk->batch.length >= WALK_BYTES)
            status = walk_flush(walk, error);
        if (!status && walk_stopped(walk->engine, result->read))
            status = error_set(error, STATUS_CANCELLED, "told to stop");
        if (status)
            return status;
        engine_progress(walk->engine, ++result->read, result->to_read);
    }
    return status ? status : walk_flush(walk, error);
}

/* Columns of the table that this segment lacks. */
static void walk_missing(const struct restore_target *target, const struct archive_columns *columns,
                         json_t *missing)
{
    size_t found;

    for (size_t i = 0; i < target->count; i++)
        if (!target->columns[i].generated &&
            !archive_columns_find(columns, target->columns[i].name, &found))
            json_array_append_new(missing, json_string(target->columns[i].name));
}

/* It was whole a moment ago. */
static enum status walk_changed(const struct restore_segment *segment, struct error *error)
{
    struct error why = *error;
    char *name = shelf_name(segment->on);

    error_set(error, STATUS_FAILED, "%s was changed while it was read: %.300s", name, why.text);
    free(name);
    return STATUS_FAILED;
}

static enum status walk_take_segment(struct walk *walk, const struct restore_options *options,
                                     const struct restore_facts *facts,
                                     const struct restore_segment *segment,
                                     const struct restore_target *target, struct error *error)
{
    const struct archive_columns *columns = &segment->on->columns;
    struct archive_filter *filter = NULL;
    struct archive_read *read = NULL;
    enum status status;

    walk_missing(target, columns, walk->result->missing);
    if (!(status = restore_put_open(target, columns, walk->result->left_out, &walk->put, error)) &&
        !(status = walk_filter(options, facts, segment, &filter, error)) &&
        !(status = shelf_read(&facts->shelf, segment->on, &read, error)))
        status = walk_take_rows(walk, read, filter, error);
    archive_read_close(read);
    archive_filter_close(filter);
    restore_put_close(walk->put);
    walk->put = NULL;
    return status == STATUS_INVALID ? walk_changed(segment, error) : status;
}

enum status restore_rows(struct engine *engine, const struct restore_options *options,
                         const struct restore_facts *facts, const struct restore_target *target,
                         const struct restore_sink *sink, struct restore_result *result,
                         struct error *error)
{
    struct walk walk = {.engine = engine, .sink = sink, .result = result};
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < facts->shelf.count; i++)
        if (facts->segments[i].rows)
            status = walk_take_segment(&walk, options, facts, &facts->segments[i], target, error);
    rowlist_free(&walk.batch);
    return status;
}
