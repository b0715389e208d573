/*
 * The order in which rows of a table leave: export -> verify -> rename -> catalogue -> delete what
 * is still the same -> settle -> done. archive.h has the states. The deletion reads the segment
 * itself, so that nothing can go that is not in it. Runs in a worker.
 */
#include "retention_leave.h"

#include "memory.h"
#include "retention_export.h"
#include "retention_rows.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAVE_BATCH = 4096,   /* rows of a segment that are deleted between two looks at it ... */
    LEAVE_BYTES = 4 << 20 /* ... of so many bytes together */
};

struct leave {
    struct engine *engine;
    const struct pass *pass;
    struct archive archive;
    struct export *export;
    struct rows rows;
    struct rows_watch watch;
    sqlite3_stmt *live;    /* the columns of a row, by its key */
    sqlite3_stmt *version; /* of the schema ... */
    int64_t schema;        /* ... as it was when all was looked up */
    int64_t base;          /* row of the segment with which the batch begins */
    int64_t before;        /* rows that went in the passes before */
};

/* --- what is asked within each hold ------------------------------------------------------- */

/* A column that was added meanwhile is not in the segment, nor is a table that refers to this one
 * among the passes. */
static enum status leave_begin(void *argument, struct error *error)
{
    struct leave *leave = argument;
    bool row = false;
    enum status status = database_step(leave->engine->database, leave->version, &row, error);
    bool same = row && sqlite3_column_int64(leave->version, 0) == leave->schema;

    sqlite3_reset(leave->version);
    if (status == STATUS_OK && !same)
        status = error_set(error, STATUS_BUSY,
                           "the schema was changed while rows were archived; the next run goes on");
    return status;
}

static enum rows_seen leave_compare(const struct leave *leave, size_t row)
{
    const struct archive_columns *columns = &leave->archive.columns;
    const struct rowlist *batch = &leave->rows.batch;
    int first = 1 + leave->rows.columns;

    if (rowlist_same(batch, row, first, (int)columns->count, leave->live))
        return ROWS_SAME;
    return rowlist_same_at(batch, row, first, columns->time, leave->live) ? ROWS_CHANGED
                                                                          : ROWS_GONE;
}

static enum status leave_look(void *argument, size_t row, enum rows_seen *seen, struct error *error)
{
    struct leave *leave = argument;
    bool found = false;

    rowlist_bind(&leave->rows.batch, row, 1, leave->rows.columns, leave->live);
    enum status status = database_step(leave->engine->database, leave->live, &found, error);
    if (status == STATUS_OK)
        *seen = found ? leave_compare(leave, row) : ROWS_GONE;
    sqlite3_reset(leave->live);
    return status;
}

static enum status leave_left(void *argument, size_t row, struct error *error)
{
    struct leave *leave = argument;

    return archive_ledger_keep(&leave->archive.ledger, leave->base + (int64_t)row, error);
}

static enum status leave_end(void *argument, size_t done, struct error *error)
{
    struct leave *leave = argument;

    return archive_ledger_deal(&leave->archive.ledger, leave->base + (int64_t)done, error);
}

/* --- the deletion ------------------------------------------------------------------------- */

/* A row of the segment becomes one of the batch: its time, its key, all of its columns. */
static void leave_add(struct leave *leave, const struct archive_row *row)
{
    const struct archive_columns *columns = &leave->archive.columns;
    struct rowlist *batch = &leave->rows.batch;

    rowlist_begin(batch);
    rowlist_add_value(batch, &row->values[columns->time]);
    for (size_t i = 0; i < columns->key_count; i++)
        rowlist_add_value(batch, &row->values[columns->key[i]]);
    for (size_t i = 0; i < columns->count; i++)
        rowlist_add_value(batch, &row->values[i]);
}

static enum status leave_read(struct leave *leave, struct segment_reader *reader,
                              struct archive_row *row, struct error *error)
{
    struct rows *rows = &leave->rows;
    enum status status = STATUS_OK;
    const char *line = "";
    size_t length;

    leave->base += (int64_t)rows->batch.count;
    rowlist_clear(&rows->batch);
    while (rows->batch.count < LEAVE_BATCH && rows->batch.length < LEAVE_BYTES) {
        if ((status = segment_line(reader, &line, &length, error)) || !line ||
            (status = archive_row_read(&leave->archive.columns, line, length, row, error)))
            break;
        leave_add(leave, row);
    }
    int64_t tie = export_tie_start(leave->export) - leave->base;
    rows->tie_start = tie > 0 ? (size_t)tie : 0;
    rows->counts.done = 0;
    return status;
}

/* How many rows of other tables will go is not known before they have. */
static void leave_tell(struct leave *leave)
{
    const struct retention_facts *facts = &leave->pass->facts;
    int64_t expected = facts->most >= 0 && facts->most < facts->old ? facts->most : facts->old;
    bool known = leave->pass->depth == 0 && expected >= 0;

    engine_progress(leave->engine, leave->before + leave->rows.counts.removed,
                    known ? leave->before + expected : -1);
}

static enum status leave_delete_batch(struct leave *leave, struct error *error)
{
    enum status status = STATUS_OK;

    while (!status && leave->rows.counts.done < leave->rows.batch.count &&
           !rows_full(&leave->rows)) {
        status = rows_step(&leave->rows, error);
        leave_tell(leave);
    }
    return status;
}

static enum status leave_delete(struct leave *leave, struct error *error)
{
    struct archive *archive = &leave->archive;
    char *shown = archive_shown(archive);
    struct segment_reader *reader = NULL;
    struct archive_row row;
    enum status status = segment_open(archive->part, archive->manifest.name, shown, &reader, error);

    archive_row_init(&archive->columns, &row);
    leave->base = 0;
    leave->rows.counts.tail = 0;
    rowlist_clear(&leave->rows.batch);
    while (!status && !(status = leave_read(leave, reader, &row, error)) &&
           leave->rows.batch.count > 0)
        status = leave_delete_batch(leave, error);
    export_forget(leave->export, leave->rows.counts.tail);
    archive_row_free(&row);
    segment_close(reader);
    free(shown);
    return status;
}

/* --- segments ----------------------------------------------------------------------------- */

/* A segment that is `written` goes its way. */
static enum status leave_segment(struct leave *leave, struct retention_result *result,
                                 struct error *error)
{
    struct archive *archive = &leave->archive;
    enum status status;

    if ((status = archive_tell(archive, "written", NULL, error)) ||
        (status = archive_ledger_enter(&archive->ledger, error)) ||
        (status = archive_enter(archive, MANIFEST_DELETING, error)) ||
        (status = leave_delete(leave, error)) || (status = archive_settle(archive, error)))
        return status;
    result->segments += archive->manifest.rows > 0;
    result->archive_bytes += archive->manifest.rows > 0 ? archive->manifest.bytes : 0;
    return STATUS_OK;
}

static int64_t leave_most(const struct leave *leave)
{
    int64_t most = leave->pass->facts.most;

    return most < 0 ? -1 : most - leave->rows.counts.removed;
}

/* What was not written is taken back at once where that can be; else the next run does it. */
static enum status leave_export(struct leave *leave, int64_t *rows, struct error *error)
{
    enum status status = export_next(leave->export, leave_most(leave), rows, error);
    struct error ignored;

    if (status && archive_undo(&leave->archive, &ignored) != STATUS_OK)
        engine_notice(leave->engine, "the next run takes back what was written of the archive");
    return status;
}

static enum status leave_all(struct leave *leave, struct retention_result *result,
                             struct error *error)
{
    enum status status = STATUS_OK;
    int64_t rows = 1;

    while (!status && rows > 0 && !rows_full(&leave->rows)) {
        status = leave_export(leave, &rows, error);
        if (!status && rows > 0)
            status = leave_segment(leave, result, error);
    }
    return status;
}

static enum status leave_prepare_live(struct leave *leave, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "SELECT ");
    archive_columns_sql(&leave->archive.columns, &sql);
    text_add(&sql, " FROM ");
    text_add_identifier(&sql, leave->pass->facts.table.name);
    text_add(&sql, " WHERE ");
    table_key_equals(&leave->pass->facts.table.key, "", 1, &sql);
    enum status status = database_prepare(leave->engine->database, sql.bytes, &leave->live, error);
    text_free(&sql);
    return status;
}

static enum status leave_prepare(struct leave *leave, const struct archive_options *options,
                                 struct error *error)
{
    struct database *database = leave->engine->database;
    const struct pass *pass = leave->pass;
    enum status status;

    leave->rows = (struct rows){.engine = leave->engine,
                                .facts = &pass->facts,
                                .watch = &leave->watch,
                                .condition = pass->condition};
    leave->watch = (struct rows_watch){leave_begin, leave_look, leave_left, leave_end, leave};
    if ((status = database_prepare(database, "PRAGMA schema_version", &leave->version, error)) ||
        (status =
             archive_columns_load(database, &pass->facts.table, &leave->archive.columns, error)) ||
        (status = leave_prepare_live(leave, error)) || (status = rows_prepare(&leave->rows, error)))
        return status;
    return export_open(leave->engine, pass, options, &leave->archive, &leave->export, error);
}

static void leave_free(struct leave *leave)
{
    export_close(leave->export);
    rows_free(&leave->rows);
    sqlite3_finalize(leave->live);
    sqlite3_finalize(leave->version);
    archive_close(&leave->archive);
}

/* What rows of other tables came to is counted apart: the policy is about one table. */
static void leave_count(const struct leave *leave, struct retention_result *result)
{
    const struct rows_counts *counts = &leave->rows.counts;
    int64_t children = result->children;

    result->export_seconds += leave->export ? export_seconds(leave->export) : 0;
    if (leave->pass->depth == 0) {
        rows_result(&leave->rows, result);
        result->children = children;
        result->others = leave->export ? export_others(leave->export) : 0;
        return;
    }
    result->children += counts->removed;
    result->children_changed += counts->changed;
    result->children_refused += counts->refused;
    if (!result->children_refusal[0])
        memcpy(result->children_refusal, leave->rows.refusal, sizeof leave->rows.refusal);
}

enum status retention_leave(struct engine *engine, const struct archive_options *options,
                            const struct pass *pass, int64_t schema,
                            struct retention_result *result, struct error *error)
{
    struct leave leave = {
        .engine = engine, .pass = pass, .schema = schema, .before = result->children};
    enum status status =
        archive_open(engine, options->directory, pass->facts.table.name, &leave.archive, error);

    if (status == STATUS_OK)
        status = leave_prepare(&leave, options, error);
    if (status == STATUS_OK)
        status = leave_all(&leave, result, error);
    leave_count(&leave, result);
    leave_free(&leave);
    return status;
}
