/*
 * Exports rows from short read transactions, in the order in which they would be deleted. Lines
 * are made while the scan reads and written after it, so that a slow disk keeps no transaction
 * open. A segment ends where it is full, or where the next row is of another partition.
 */
#include "retention_export.h"

#include "archive_db.h"
#include "archive_partition.h"
#include "archive_tally.h"
#include "clock.h"
#include "memory.h"
#include "retention_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    EXPORT_LINES = 1024 * 1024 /* bytes of lines that wait to be written */
};

static const int64_t export_day_us = INT64_C(86400) * 1000000;

/* The rows of a segment. */
struct export_rows {
    char part[ARCHIVE_PARTITION];
    struct text lines; /* not yet written */
    struct archive_tally tally;
    int64_t first_us, last_us;
};

struct export
{
    struct engine *engine;
    const struct pass *pass;
    const struct archive_options *options;
    struct archive *archive;
    struct source *source;
    struct archive_row row;
    struct export_rows now, next; /* `next` begins with the row that ended the one before */
    bool day_known;
    int64_t day; /* of `day_part`, the name of its partition */
    char day_part[ARCHIVE_PARTITION];
    int64_t before; /* rows of the segments before this one */
    int64_t most;
    double began_ms, took_ms; /* of the segment in work; of all */
    bool full;                /* the segment has ended */
    bool more;
};

/* --- rows --------------------------------------------------------------------------------- */

static void export_rows_begin(struct export_rows *rows)
{
    *rows = (struct export_rows){.first_us = INT64_MAX, .last_us = INT64_MIN};
    archive_tally_begin(&rows->tally);
}

static void export_rows_free(struct export_rows *rows)
{
    text_free(&rows->lines);
    archive_tally_free(&rows->tally);
}

static bool export_is_full(const struct export *export)
{
    const struct archive_tally *tally = &export->now.tally;

    return tally->rows >= export->options->segment_rows ||
           tally->line_bytes >= export->options->segment_bytes ||
           (export->most >= 0 && tally->rows >= export->most);
}

static void export_add(struct export *export, struct export_rows *rows, int64_t time_us)
{
    size_t before = rows->lines.length;

    archive_row_write(&export->archive->columns, &export->row, &rows->lines);
    archive_tally_add(&rows->tally, &export->archive->columns, &export->row,
                      rows->lines.length - before);
    rows->first_us = time_us < rows->first_us ? time_us : rows->first_us;
    rows->last_us = time_us > rows->last_us ? time_us : rows->last_us;
}

/* The name of a partition is made once a day, not once a row. */
static void export_part(struct export *export, int64_t time_us, char part[ARCHIVE_PARTITION])
{
    int64_t day = (time_us - (time_us < 0 ? export_day_us - 1 : 0)) / export_day_us;

    if (!export->day_known || export->day != day)
        archive_partition_name(export->options->partition, time_us, export->day_part);
    export->day_known = true;
    export->day = day;
    memcpy(part, export->day_part, ARCHIVE_PARTITION);
}

/* A row that goes: into this segment, or as the first into the next. */
static bool export_take(void *argument, sqlite3_stmt *row, int first, int64_t time_us)
{
    struct export *export = argument;
    char part[ARCHIVE_PARTITION];

    export_part(export, time_us, part);
    archive_row_of(row, first, &export->row);
    if (!export->now.tally.rows)
        memcpy(export->now.part, part, sizeof part);
    if (strcmp(export->now.part, part) == 0) {
        export_add(export, &export->now, time_us);
        export->full = export_is_full(export);
        return !export->full && export->now.lines.length < EXPORT_LINES;
    }
    memcpy(export->next.part, part, sizeof part);
    export_add(export, &export->next, time_us);
    export->full = true;
    return false;
}

/* --- segments ----------------------------------------------------------------------------- */

static json_t *export_about(const struct export *export)
{
    const char *table = export->pass->facts.table.name;
    sqlite3_stmt *statement = NULL;
    struct error ignored;
    const char *schema = NULL;
    bool row = false;

    if (database_prepare(export->engine->database,
                         "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1",
                         &statement, &ignored) == STATUS_OK) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        if (database_step(export->engine->database, statement, &row, &ignored) == STATUS_OK && row)
            schema = (const char *)sqlite3_column_text(statement, 0);
    }
    json_t *about =
        archive_manifest_about(export->engine->job->database->name, export->engine->job->path,
                               table, schema, &export->archive->columns);
    if (export->pass->depth)
        archive_manifest_follows(about, export->pass->root->table.name);
    sqlite3_finalize(statement);
    return about;
}

static enum status export_create(struct export *export, struct segment_writer **writer,
                                 struct error *error)
{
    struct archive *archive = export->archive;
    enum status status = archive_begin(archive, export->now.part, export_about(export), error);

    if (status)
        return status;
    if (export->options->to == ARCHIVE_TO_DATABASE)
        archive->manifest.store = archive_db_name(export->pass->facts.table.name);
    char *name = archive_name_writing(archive), *shown = archive_shown(archive);
    status = segment_create(archive->part, name, archive->place.mode & 0666, shown, writer, error);
    free(name);
    free(shown);
    return status;
}

/* Writes the lines that wait. */
static enum status export_flush(struct export *export, struct segment_writer **writer,
                                struct error *error)
{
    struct text *lines = &export->now.lines;
    enum status status = STATUS_OK;

    if (!lines->length)
        return STATUS_OK;
    if (!*writer)
        status = export_create(export, writer, error);
    if (!status)
        status = segment_write(*writer, lines->bytes, lines->length, error);
    text_clear(lines);
    return status;
}

static enum status export_fill(struct export *export, struct segment_writer **writer,
                               struct error *error)
{
    enum status status = STATUS_OK;

    while (!status && export->more && !export->full) {
        double slice = engine_slice_ms(export->engine);
        status = source_slice(export->source, export_take, export, clock_monotonic_ms() + slice,
                              &export->more, error);
        if (!status)
            status = export_flush(export, writer, error);
        if (!status)
            engine_slice_gap(export->engine, slice);
    }
    return status ? status : export_flush(export, writer, error);
}

/* The file is complete: it is read back before anybody sees it. */
static enum status export_finish(struct export *export, struct segment_writer *writer,
                                 struct error *error)
{
    struct archive *archive = export->archive;
    struct archive_manifest *manifest = &archive->manifest;
    struct segment_file file;
    enum status status = segment_finish(writer, &file, error);

    export->took_ms += clock_monotonic_ms() - export->began_ms;
    if (status)
        return status;
    manifest->bytes = file.bytes;
    memcpy(manifest->sha256, file.sha256, sizeof file.sha256);
    manifest->first_us = export->now.first_us;
    manifest->last_us = export->now.last_us;
    manifest->cutoff_us = export->pass->facts.cutoff_us;
    archive_tally_end(&export->now.tally, manifest);
    char *name = archive_name_writing(archive);
    status = archive_verify(archive, name, error);
    if (!status)
        status = archive_place_rename(archive->part, name, manifest->name, error);
    free(name);
    return status ? status : archive_enter(archive, MANIFEST_WRITTEN, error);
}

enum status export_next(struct export *export, int64_t most, int64_t *rows, struct error *error)
{
    struct segment_writer *writer = NULL;

    export->before += export->now.tally.rows;
    export_rows_free(&export->now);
    export->now = export->next;
    export_rows_begin(&export->next);
    export->most = most;
    export->full = export_is_full(export);
    export->began_ms = clock_monotonic_ms();
    enum status status = export_fill(export, &writer, error);
    *rows = export->now.tally.rows;
    if (status)
        segment_abandon(writer);
    return status || !*rows ? status : export_finish(export, writer, error);
}

static enum status export_open_source(struct export *export, struct error *error)
{
    const struct pass *pass = export->pass;
    struct text columns = {0};

    archive_columns_sql(&export->archive->columns, &columns);
    enum status status =
        pass->depth ? source_by_reference(export->engine, pass, export->options->partition,
                                          columns.bytes, &export->source, error)
                    : source_by_age(export->engine, &pass->facts, export->options->partition,
                                    columns.bytes, &export->source, error);
    text_free(&columns);
    return status;
}

enum status export_open(struct engine *engine, const struct pass *pass,
                        const struct archive_options *options, struct archive *archive,
                        struct export **result, struct error *error)
{
    struct export *export = memory_new(struct export);

    *export = (struct export){
        .engine = engine, .pass = pass, .options = options, .archive = archive, .more = true};
    export_rows_begin(&export->now);
    export_rows_begin(&export->next);
    archive_row_init(&archive->columns, &export->row);
    enum status status = export_open_source(export, error);
    if (status)
        export_close(export);
    else
        *result = export;
    return status;
}

void export_close(struct export *export)
{
    if (!export)
        return;
    source_close(export->source);
    archive_row_free(&export->row);
    export_rows_free(&export->now);
    export_rows_free(&export->next);
    free(export);
}

int64_t export_tie_start(const struct export *export)
{
    return export->source->tie - export->before;
}

void export_forget(struct export *export, int64_t gone)
{
    source_forget(export->source, gone);
}

double export_seconds(const struct export *export)
{
    return export->took_ms / 1e3;
}

int64_t export_others(const struct export *export)
{
    return export->source->others;
}
