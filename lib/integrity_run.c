/*
 * The check itself: SQLite's pragmas, while it is watched how long the snapshot lasts: in WAL mode
 * nothing can be checkpointed beyond it, in rollback-journal mode nobody can write. It ends at once
 * when it is told to, and writes nothing. Runs in a worker.
 */
#include "integrity_inside.h"

#include "clock.h"
#include "event_check.h"
#include "memory.h"
#include "pages.h"
#include "readwatch.h"
#include "task_engine.h"
#include "text.h"
#include "walindex.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTEGRITY_ASK_MS = 20,
    INTEGRITY_LOOK_MS = 100,
    INTEGRITY_OVERRUN = 3 /* times max_lock: as the lease, which stops what was misjudged */
};

/* --- the watch ---------------------------------------------------------------------------- */

/* Whether the log has outgrown max_wal; what pins it is this very check. */
static bool integrity_log_is_long(struct integrity *run)
{
    struct walindex index;

    if (!run->facts->wal ||
        walindex_look(database_sql(run->engine->database), &index, NULL) != STATUS_OK ||
        index.max_frame <= index.backfilled)
        return false;
    run->backlog = (int64_t)(index.max_frame - index.backfilled) * index.page_size;
    return run->backlog > run->engine->job->database->limits.max_wal;
}

static enum integrity_end integrity_look(struct integrity *run, double now_ms)
{
    const struct engine_host *host = &run->engine->job->host;

    if (host->stopped(host->argument))
        return INTEGRITY_TOLD;
    if (run->stop_at_ms > 0 && now_ms >= run->stop_at_ms)
        return INTEGRITY_WINDOW;
    if (now_ms - run->looked_ms < INTEGRITY_LOOK_MS)
        return INTEGRITY_GOES_ON;
    run->looked_ms = now_ms;
    return integrity_log_is_long(run) ? INTEGRITY_LOG : INTEGRITY_GOES_ON;
}

/* How often it reads a page: as a page, then as rows, then for its indexes' sake. */
static const double integrity_readings[] = {[INTEGRITY_QUICK] = 1.5, [INTEGRITY_FULL] = 2};

static void integrity_heard(void *argument, int64_t bytes)
{
    struct integrity *run = argument;
    int64_t page_size = database_facts(run->engine->database)->page_size;
    double now = clock_monotonic_ms();

    run->bytes_read += bytes;
    if (now - run->asked_ms < INTEGRITY_ASK_MS)
        return;
    run->asked_ms = now;
    double all = (double)run->facts->bytes * integrity_readings[run->options->level];
    engine_progress(run->engine, run->bytes_read / page_size,
                    (int64_t)fmax(all, (double)run->bytes_read) / page_size);
    if (!run->ended && (run->ended = integrity_look(run, now)))
        sqlite3_interrupt(database_sql(run->engine->database));
}

/* What an interrupt, or a step during which there was one, means. */
static enum status integrity_ended(struct integrity *run, enum status status, struct error *error)
{
    char size[TEXT_SHORT], limit[TEXT_SHORT];

    if (status == STATUS_CANCELLED && database_overran(run->engine->database))
        run->ended = INTEGRITY_WINDOW;
    switch (run->ended) {
    case INTEGRITY_TOLD:
        return error_set(error, STATUS_CANCELLED, "stopped");
    case INTEGRITY_LOG:
        return error_set(error, STATUS_BUSY,
                         "ended before it was through: %s of the WAL wait to be checkpointed "
                         "(max_wal %s), and the check's snapshot keeps them; it needs a time when "
                         "less is written, or a larger max_wal",
                         text_bytes(size, run->backlog),
                         text_bytes(limit, run->engine->job->database->limits.max_wal));
    case INTEGRITY_WINDOW:
        return error_set(error, STATUS_BUSY,
                         "ended before it was through, since it keeps writers out and the window "
                         "closed, or none was open; it needs a longer one");
    case INTEGRITY_GOES_ON:
        break;
    }
    return status;
}

/* --- the check of the file ---------------------------------------------------------------- */

/* Damage that SQLite could not even step over is what was looked for. */
static enum status integrity_damaged(struct integrity *run, enum status status)
{
    sqlite3 *sql = database_sql(run->engine->database);

    if (status != STATUS_FAILED || (sqlite3_errcode(sql) & 0xff) != SQLITE_CORRUPT)
        return status;
    findings_add(&run->findings, sqlite3_errmsg(sql));
    return STATUS_OK;
}

/* An interrupted check reports pages as unused that it did not get to: what it says last does not
 * count. */
static enum status integrity_collect(struct integrity *run, const char *sql, struct error *error)
{
    sqlite3_stmt *check = NULL;
    bool row = false;
    enum status status = database_prepare(run->engine->database, sql, &check, error);

    while (!status && (status = database_step(run->engine->database, check, &row, error)) == 0 &&
           row && !run->ended && run->findings.count < FINDINGS_MOST) {
        const char *text = (const char *)sqlite3_column_text(check, 0);
        findings_add(&run->findings, text ? text : "");
    }
    status = integrity_damaged(run, status);
    sqlite3_finalize(check);
    return integrity_ended(run, status, error);
}

/* Each check has one snapshot, which is taken before it is prepared: of the schema as of the rows,
 * whatever the application creates and drops meanwhile. */
static enum status integrity_begin(struct integrity *run, struct error *error)
{
    return integrity_ended(run, database_begin_read(run->engine->database, error), error);
}

static enum status integrity_whole(struct integrity *run, struct error *error)
{
    enum status status = integrity_begin(run, error);
    char sql[64];

    if (status)
        return status;
    snprintf(sql, sizeof sql, "PRAGMA main.%s(%d)", integrity_pragmas[run->options->level],
             FINDINGS_MOST);
    status = integrity_collect(run, sql, error);
    database_end_read(run->engine->database);
    return status;
}

static void integrity_leave(struct integrity *run, const char *table, const char *why)
{
    json_t *name = event_check_text(table, strlen(table), FINDINGS_TEXT),
           *text = event_check_text(why, strlen(why), FINDINGS_TEXT);

    if (run->left++ == 0)
        snprintf(run->why, sizeof run->why, "%.60s: %.180s", json_string_value(name),
                 json_string_value(text));
    if (json_array_size(run->unchecked) < FINDINGS_KEPT)
        json_array_append_new(run->unchecked, json_pack("{s:O, s:O}", "name", name, "why", text));
    json_decref(name);
    json_decref(text);
}

static enum status integrity_table(struct integrity *run, const char *table, struct error *error)
{
    struct text sql = {0};

    if (table[strspn(table, "0123456789")] == '\0') { /* the pragma would take it for a limit */
        integrity_leave(run, table, "its name is a number, by which no pragma can be asked");
        return STATUS_OK;
    }
    text_addf(&sql, "PRAGMA main.%s(", integrity_pragmas[run->options->level]);
    text_add_identifier(&sql, table);
    text_add(&sql, ")");
    enum status status = integrity_collect(run, sql.bytes, error);
    text_free(&sql);
    if (status != STATUS_REFUSED)
        return status;
    integrity_leave(run, table, error->text);
    return STATUS_OK;
}

typedef enum status integrity_visit(struct integrity *run, const char *table, struct error *error);

static enum status integrity_is_there(struct integrity *run, const char *table, bool *there,
                                      struct error *error)
{
    static const char sql[] = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?1";
    sqlite3_stmt *query = NULL;
    enum status status = database_prepare(run->engine->database, sql, &query, error);

    if (status == STATUS_OK) {
        sqlite3_bind_text(query, 1, table, -1, SQLITE_STATIC);
        status = database_step(run->engine->database, query, there, error);
    }
    sqlite3_finalize(query);
    return integrity_ended(run, status, error);
}

/* A snapshot for each table, not one for all, which would keep more of the log. So one that was
 * listed may be gone by now. */
static enum status integrity_one(struct integrity *run, const char *table, integrity_visit *visit,
                                 struct error *error)
{
    enum status status = integrity_begin(run, error);
    bool there = false;

    if (status)
        return status;
    status = integrity_is_there(run, table, &there, error);
    if (status == STATUS_OK && there)
        status = visit(run, table, error);
    database_end_read(run->engine->database);
    return status;
}

/* Calls `visit` with each table that `sql` names. */
static enum status integrity_each(struct integrity *run, const char *sql, integrity_visit *visit,
                                  struct error *error)
{
    struct text names = {0};
    sqlite3_stmt *query = NULL;
    bool row = false;
    enum status status = database_prepare(run->engine->database, sql, &query, error);

    while (!status && (status = database_step(run->engine->database, query, &row, error)) == 0 &&
           row)
        text_add_length(&names, (const char *)sqlite3_column_text(query, 0),
                        (size_t)sqlite3_column_bytes(query, 0) + 1); /* with its NUL */
    sqlite3_finalize(query);
    for (size_t at = 0; at < names.length && !status; at += strlen(names.bytes + at) + 1)
        status = integrity_one(run, names.bytes + at, visit, error);
    text_free(&names);
    return status;
}

/* Where some table can't be checked, the pages of all can: their interior ones at least. */
static enum status integrity_pages(struct integrity *run, struct error *error)
{
    struct pages_limits limits = {.slice_ms = INFINITY,
                                  .stopped = run->engine->job->host.stopped,
                                  .argument = run->engine->job->host.argument};
    struct pages_report report = {0};
    enum status status =
        pages_measure(database_sql(run->engine->database), &limits, &report, error);

    if (report.freelist_error)
        findings_add(&run->findings, report.freelist_error);
    for (size_t i = 0; i < report.btree_count; i++)
        if (report.btrees[i].error)
            findings_add(&run->findings, report.btrees[i].error);
    pages_report_free(&report);
    return status;
}

/* A single index with a collation of the application's own, and SQLite checks nothing: so each
 * table by itself. */
static enum status integrity_tables(struct integrity *run, struct error *error)
{
    static const char sql[] = "SELECT name FROM main.sqlite_master WHERE type = 'table'"
                              " AND ifnull(sql, '') NOT LIKE 'CREATE VIRTUAL TABLE %'";
    enum status status = integrity_each(run, sql, integrity_table, error);

    return status ? status : integrity_pages(run, error);
}

static enum status integrity_file(struct integrity *run, struct error *error)
{
    enum status status = integrity_whole(run, error);

    if (status == STATUS_REFUSED && database_lacks(error))
        status = integrity_tables(run, error);
    return status;
}

/* --- foreign keys ------------------------------------------------------------------------- */

static enum status integrity_key_table(struct integrity *run, const char *table,
                                       struct error *error)
{
    enum status status = integrity_keys_check(&run->keys, run->engine->database, table, error);

    status = integrity_ended(run, integrity_damaged(run, status), error);
    if (status != STATUS_REFUSED)
        return status;
    integrity_leave(run, table, error->text);
    return STATUS_OK;
}

/* Rows of a damaged file refer to anything. */
static enum status integrity_keys(struct integrity *run, struct error *error)
{
    static const char sql[] = "SELECT DISTINCT m.name FROM main.sqlite_master m"
                              " JOIN pragma_foreign_key_list(m.name, 'main')"
                              " WHERE m.type = 'table'";

    if (!run->options->foreign_keys || run->findings.worst == FINDINGS_FILE)
        return STATUS_OK;
    return integrity_each(run, sql, integrity_key_table, error);
}

/* --- all of it ---------------------------------------------------------------------------- */

/* Without a WAL it keeps writers out: to the window's end, or, where it was expected to fit into
 * max_lock and needs none, for some times that. */
static double integrity_stop_ms(const struct integrity *run)
{
    double left_ms = engine_window_left(run->engine) * 1e3;
    double least_ms = INTEGRITY_OVERRUN * engine_max_lock_ms(run->engine);

    return run->facts->wal || !isfinite(left_ms) ? 0
                                                 : clock_monotonic_ms() + fmax(left_ms, least_ms);
}

/* One whole watch: from here on every read is heard. */
static enum status integrity_check(struct integrity *run, struct error *error)
{
    struct database *database = run->engine->database;

    if (integrity_log_is_long(run)) {
        run->ended = INTEGRITY_LOG;
        return integrity_ended(run, STATUS_OK, error);
    }
    run->stop_at_ms = integrity_stop_ms(run);
    database_deadlines(database, engine_busy_ms(run->engine), run->stop_at_ms);
    struct readwatch *watch = readwatch_open(database_sql(database), integrity_heard, run);
    enum status status = integrity_file(run, error);
    if (!status)
        status = integrity_keys(run, error);
    readwatch_close(watch);
    database_deadlines(database, engine_busy_ms(run->engine), 0);
    return status;
}

/* What was found counts, even if the rest could not be looked at. */
enum status integrity_run(struct engine *engine, const void *options, void *facts,
                          struct outcome *outcome, struct error *error)
{
    struct integrity run = {
        .engine = engine, .options = options, .facts = facts, .unchecked = json_array()};
    enum status status = integrity_check(&run, error);

    if (!status || (run.findings.count && !run.ended))
        status = integrity_conclude(&run, outcome, error);
    json_decref(run.unchecked);
    findings_free(&run.findings);
    integrity_keys_free(&run.keys);
    return status;
}
