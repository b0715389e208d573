/*
 * The order in which rows leave: export -> verify -> rename -> catalogue -> delete what is still
 * the same -> settle -> done. archive.h has the states. The deletion reads the segment itself, so
 * that nothing can go that is not in it.
 */
#include "retention_archive.h"

#include "memory.h"
#include "retention_export.h"
#include "retention_rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LEAVE_BATCH = 4096,   /* rows of a segment that are deleted between two looks at it ... */
    LEAVE_BYTES = 4 << 20 /* ... of so many bytes together */
};

struct leave {
    struct engine *engine;
    const struct retention_facts *facts;
    struct archive archive;
    struct export *export;
    struct rows rows;
    struct rows_watch watch;
    sqlite3_stmt *live;    /* the columns of a row, by its key */
    sqlite3_stmt *version; /* of the schema */
    int64_t schema_version;
    int64_t base; /* row of the segment with which the batch begins */
};

/* --- what is asked within each hold ------------------------------------------------------- */

static enum status leave_version(struct leave *leave, int64_t *version, struct error *error)
{
    bool row = false;
    enum status status = database_step(leave->engine->database, leave->version, &row, error);

    if (status == STATUS_OK)
        *version = row ? sqlite3_column_int64(leave->version, 0) : -1;
    sqlite3_reset(leave->version);
    return status;
}

/* A column that was added meanwhile is not in the segment. */
static enum status leave_begin(void *argument, struct error *error)
{
    struct leave *leave = argument;
    int64_t version = -1;
    enum status status = leave_version(leave, &version, error);

    if (status == STATUS_OK && version != leave->schema_version)
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

static enum status leave_delete_batch(struct leave *leave, struct error *error)
{
    int64_t expected = leave->facts->old;
    enum status status = STATUS_OK;

    while (!status && leave->rows.counts.done < leave->rows.batch.count &&
           !rows_full(&leave->rows)) {
        status = rows_step(&leave->rows, error);
        engine_progress(leave->engine, leave->rows.counts.removed, expected);
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
    int64_t most = leave->facts->most;

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
    result->others = export_others(leave->export);
    result->export_seconds = export_seconds(leave->export);
    return status;
}

static enum status leave_prepare_live(struct leave *leave, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "SELECT ");
    archive_columns_sql(&leave->archive.columns, &sql);
    text_add(&sql, " FROM ");
    text_add_identifier(&sql, leave->facts->table.name);
    text_add(&sql, " WHERE ");
    table_key_equals(&leave->facts->table.key, "", 1, &sql);
    enum status status = database_prepare(leave->engine->database, sql.bytes, &leave->live, error);
    text_free(&sql);
    return status;
}

/* The version of the schema before its columns are read: later it must be the same. */
static enum status leave_prepare(struct leave *leave, const struct archive_options *options,
                                 struct error *error)
{
    enum status status;

    leave->rows =
        (struct rows){.engine = leave->engine, .facts = leave->facts, .watch = &leave->watch};
    leave->watch = (struct rows_watch){leave_begin, leave_look, leave_left, leave_end, leave};
    if ((status = archive_ledger_make(leave->engine, error)) ||
        (status = database_prepare(leave->engine->database, "PRAGMA schema_version",
                                   &leave->version, error)) ||
        (status = leave_version(leave, &leave->schema_version, error)) ||
        (status = archive_columns_load(leave->engine->database, &leave->facts->table,
                                       &leave->archive.columns, error)) ||
        (status = leave_prepare_live(leave, error)) || (status = rows_prepare(&leave->rows, error)))
        return status;
    return export_open(leave->engine, leave->facts, options, &leave->archive, &leave->export,
                       error);
}

static void leave_free(struct leave *leave)
{
    export_close(leave->export);
    rows_free(&leave->rows);
    sqlite3_finalize(leave->live);
    sqlite3_finalize(leave->version);
}

/* Whether it is for more than what was left unfinished that we are here. */
static bool leave_acts(const struct engine *engine, const struct retention_options *options,
                       const struct retention_facts *facts)
{
    struct retention_facts finished = *facts;
    struct decision decision;

    finished.unfinished = false;
    retention_decide(options, &finished, engine->now_us, &decision);
    return decision.act || engine->job->force;
}

enum status retention_archive(struct engine *engine, const struct retention_options *options,
                              const struct retention_facts *facts, struct retention_result *result,
                              struct error *error)
{
    struct leave leave = {.engine = engine, .facts = facts};
    struct error ignored;
    enum status status =
        archive_open(engine, options->archive.directory, facts->table.name, &leave.archive, error);

    if (status == STATUS_OK)
        status = archive_recover(&leave.archive, error);
    archive_columns_free(&leave.archive.columns);
    if (status == STATUS_OK && leave_acts(engine, options, facts)) {
        status = leave_prepare(&leave, &options->archive, error);
        if (status == STATUS_OK)
            status = leave_all(&leave, result, error);
        rows_result(&leave.rows, result);
    }
    leave_free(&leave);
    if (archive_ledger_drop(engine, status ? &ignored : error) != STATUS_OK && status == STATUS_OK)
        status = STATUS_FAILED;
    archive_close(&leave.archive);
    return status;
}

/* --- before ------------------------------------------------------------------------------- */

static enum status leave_check_encoding(struct engine *engine, struct error *error)
{
    int64_t utf16 = 0;
    enum status status =
        database_integer(engine->database, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", 0,
                         &utf16, error);

    if (status == STATUS_OK && utf16)
        return error_set(error, STATUS_REFUSED,
                         "the database is in UTF-16, and text of it can't be archived byte for "
                         "byte yet");
    return status;
}

enum status retention_archive_check(struct engine *engine, const struct retention_options *options,
                                    struct retention_facts *facts, struct error *error)
{
    static const char *const parts[] = {[PARTITION_NONE] = "none",
                                        [PARTITION_YEAR] = "year",
                                        [PARTITION_MONTH] = "month",
                                        [PARTITION_DAY] = "day"};
    const struct archive_options *archive = &options->archive;

    if (!archive->directory)
        return STATUS_OK;
    if (archive->partition != PARTITION_NONE && !facts->by_age)
        return error_set(error, STATUS_REFUSED,
                         "no index gives %s by %s, and without one rows can't be archived by %s: "
                         "make such an index, or say `partition: none`",
                         facts->table.name, facts->table.column, parts[archive->partition]);
    enum status status = leave_check_encoding(engine, error);
    return status ? status
                  : archive_unfinished(engine, archive->directory, facts->table.name,
                                       &facts->unfinished, error);
}
