/*
 * The check of a whole file before and after its pages were edited: SQLite's integrity_check, the
 * rows of all tables (vacuum_online_rows.c), and how scattered the leaves are. Only reads.
 */
#include "vacuum.h"

#include "memory.h"
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- integrity_check ---------------------------------------------------------------------- */

static enum status check_all(struct database *database, struct error *error)
{
    sqlite3_stmt *check = NULL;
    bool row = false;
    enum status status =
        database_prepare(database, "PRAGMA main.integrity_check(1)", &check, error);

    if (status == STATUS_OK)
        status = database_step(database, check, &row, error);
    const char *text =
        status == STATUS_OK && row ? (const char *)sqlite3_column_text(check, 0) : "";
    char *said = memory_copy_length(text, strnlen(text, 200));
    text_sanitize(said);
    bool lacks = status && database_lacks(error);
    if (status == STATUS_OK && strcmp(said, "ok") != 0 && database_read_failed(database))
        status = error_set(error, STATUS_FAILED, "the disk fails: integrity_check says: %s", said);
    else if (status == STATUS_OK && strcmp(said, "ok") != 0)
        status = error_set(error, STATUS_REFUSED, "integrity_check says: %s", said);
    else if (lacks)
        status = error_set(error, STATUS_REFUSED,
                           "integrity_check can't be run, since the schema needs a collation, a "
                           "function or a module of the application's: take mode: full");
    else if (status == STATUS_FAILED && !database_read_failed(database) &&
             (sqlite3_errcode(database_sql(database)) & 0xff) == SQLITE_CORRUPT)
        error->status = status = STATUS_REFUSED;
    free(said);
    sqlite3_finalize(check);
    return status;
}

/* In a snapshot that begins before the statement is prepared: what it connects and checks is of one
 * schema. */
enum status vacuum_check_integrity(struct database *database, struct error *error)
{
    enum status status = database_begin_read(database, error);

    if (status)
        return status;
    status = check_all(database, error);
    database_end_read(database);
    return status;
}

/* --- order -------------------------------------------------------------------------------- */

static bool check_stopped(void *argument)
{
    return database_stopped(argument);
}

static double check_scattered(const struct pages_report *report)
{
    double jumps = 0, steps = 0;

    for (size_t i = 0; i < report->btree_count; i++) {
        double of_it = (double)report->btrees[i].leaf_pages - 1;
        jumps += of_it > 0 ? report->btrees[i].fragmentation * of_it : 0;
        steps += of_it > 0 ? of_it : 0;
    }
    return steps > 0 ? jumps / steps : 0;
}

enum status vacuum_check_order(struct engine *engine, struct database *reading,
                               struct vacuum_check *check, struct error *error)
{
    double slice_ms = engine_slice_ms(engine);
    struct pages_limits limits = {
        .slice_ms = slice_ms, .gap_ms = slice_ms, .stopped = check_stopped, .argument = reading};
    struct pages_report report;
    enum status status = pages_measure(database_sql(reading), &limits, &report, error);

    if (status)
        return status;
    check->fragmentation = check_scattered(&report);
    pages_report_free(&report);
    return STATUS_OK;
}
