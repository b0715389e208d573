/*
 * The rows of an archive that are wanted, in batches, to whoever puts them. The newest segments
 * come first: where a row is in two of them, since it was put back in between, the newer one
 * counts.
 */
#include "restore_inside.h"

#include "archive_tables.h"
#include "memory.h"

#include <stdlib.h>

enum {
    WALK_BATCH = 4096, /* rows that are kept in memory between two steps ... */
    WALK_BYTES = 4 << 20,
    WALK_LOOK = 256 /* rows between two looks at whether we are to stop */
};

bool restore_stopped(const struct engine *engine, int64_t rows)
{
    const struct engine_host *host = &engine->job->host;

    return rows % WALK_LOOK == 0 && host->stopped && host->stopped(host->argument);
}

enum status restore_filter(const struct restore_options *options, const struct restore_facts *facts,
                           const struct restore_segment *segment, struct archive_filter **filter,
                           struct error *error)
{
    struct archive_wanted wanted = options->wanted;

    if (*archive_tables_follows(segment->on))
        wanted.since_us = wanted.until_us = -1;
    return archive_filter_open(&wanted, &segment->on->columns, &facts->columns, filter, error);
}

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
        if (!status && restore_stopped(walk->engine, result->read))
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
        !(status = restore_filter(options, facts, segment, &filter, error)) &&
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
