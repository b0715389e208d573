/*
 * Rows go back into the table that they left, in small steps under the lease. A hold is put on
 * their times before, so that retention does not take them again. It can be killed and repeated at
 * any time: a row that is there is not put once more, and one that is there with other values is
 * newer, and stays.
 */
#include "restore_inside.h"

#include <stdio.h>

struct restore_table {
    struct engine *engine;
    struct restore_result *result;
    struct restore_target target;
    sqlite3_stmt *version; /* of the schema */
    int64_t schema_version;
};

static enum status table_version(struct restore_table *table, int64_t *version, struct error *error)
{
    bool row = false;
    enum status status = database_step(table->engine->database, table->version, &row, error);

    if (!status)
        *version = row ? sqlite3_column_int64(table->version, 0) : -1;
    sqlite3_reset(table->version);
    return status;
}

/* --- steps -------------------------------------------------------------------------------- */

static enum status table_check_schema(struct restore_table *table, struct error *error)
{
    int64_t version = -1;
    enum status status = table_version(table, &version, error);

    if (!status && version != table->schema_version)
        status = error_set(error, STATUS_BUSY,
                           "the schema was changed while rows were put back; do it again");
    return status;
}

/* The rows of one hold. */
static enum status table_some(struct restore_table *table, struct restore_put *put,
                              const struct rowlist *batch, struct error *error)
{
    struct restore_result *result = table->result;
    enum status status = table_check_schema(table, error);
    enum restore_fate fate;
    bool spent = false;

    while (!status && !spent && result->counts.done < batch->count) {
        status = restore_row(put, batch, result, &fate, error);
        spent = !status && lease_spent(table->engine->lease);
    }
    return status;
}

static enum status table_step(struct restore_table *table, struct restore_put *put,
                              const struct rowlist *batch, struct error *error)
{
    struct restore_counts *counts = &table->result->counts;
    const struct restore_counts before = *counts;
    enum status status = lease_begin(table->engine->lease, error);

    if (status)
        return status;
    status = table_some(table, put, batch, error);
    if (!status) {
        status = lease_end(table->engine->lease, error);
        if (!status)
            return STATUS_OK;
        *counts = before;
        return status == STATUS_BUSY ? STATUS_OK : status;
    }
    *counts = before;
    return lease_failed(table->engine->lease, status, false, error);
}

static enum status table_put(void *argument, struct restore_put *put, const struct rowlist *batch,
                             struct error *error)
{
    struct restore_table *table = argument;
    enum status status = STATUS_OK;

    while (!status && table->result->counts.done < batch->count)
        status = table_step(table, put, batch, error);
    return status;
}

/* --- before and after --------------------------------------------------------------------- */

static enum status table_check_encoding(struct engine *engine, struct error *error)
{
    int64_t utf16 = 0;
    enum status status =
        database_integer(engine->database, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", 0,
                         &utf16, error);

    if (!status && utf16)
        status = error_set(error, STATUS_REFUSED,
                           "the database is in UTF-16, and the archive's text was not; restore "
                           "--into FILE instead");
    return status;
}

static enum status table_open(struct restore_table *table, const struct restore_options *options,
                              struct error *error)
{
    struct database *database = table->engine->database;
    enum status status = table_check_encoding(table->engine, error);

    if (!status)
        status = database_prepare(database, "PRAGMA schema_version", &table->version, error);
    if (!status)
        status = table_version(table, &table->schema_version, error);
    return status ? status
                  : restore_target_load(database_sql(database), database, options->table,
                                        &table->target, error);
}

static enum status table_hold(struct restore_table *table, struct error *error)
{
    const struct restore_result *result = table->result;
    struct error why = {0};

    if (result->first_us < 0) /* they have no times, and went with other rows */
        return STATUS_OK;
    enum status status = engine_hold(table->engine, result->first_us, result->last_us, &why);

    return status ? error_set(error, status,
                              "the hold that keeps retention from these rows can't be put: %.300s; "
                              "nothing was put back",
                              why.text)
                  : STATUS_OK;
}

/* What a pass has put, the next one finds there. */
static void table_add_pass(struct restore_result *result, const struct restore_counts *before)
{
    struct restore_counts *counts = &result->counts;

    counts->fates[RESTORE_THERE] -= before->fates[RESTORE_PUT];
    counts->fates[RESTORE_PUT] += before->fates[RESTORE_PUT];
    counts->anew += before->anew;
}

/* Rows of a table that refers to itself may come before those that they refer to: what was refused
 * is tried again, for as long as that helps. */
static enum status table_passes(struct restore_table *table, const struct restore_options *options,
                                const struct restore_facts *facts, struct error *error)
{
    struct restore_result *result = table->result;
    struct restore_sink sink = {table_put, table};
    struct restore_counts before = {0};
    enum status status;
    int64_t put;

    do {
        result->counts = (struct restore_counts){0};
        status = restore_rows(table->engine, options, facts, &table->target, &sink, result, error);
        put = result->counts.fates[RESTORE_PUT];
        table_add_pass(result, &before);
        before = result->counts;
    } while (!status && put && table->target.refers_self && result->counts.fates[RESTORE_REFUSED]);
    return status;
}

static enum status table_restore(struct restore_table *table, const struct restore_options *options,
                                 struct restore_facts *facts, struct error *error)
{
    enum status status = restore_survey(table->engine, options, facts, table->result, error);

    if (status || !table->result->rows)
        return status;
    if ((status = table_open(table, options, error)) || (status = table_hold(table, error)))
        return status;
    return table_passes(table, options, facts, error);
}

/* What ended in the middle may be done again. */
static void table_tell_put(const struct restore_result *result, struct error *error)
{
    struct error why = *error;
    char rows[TEXT_SHORT];

    if (result->counts.fates[RESTORE_PUT])
        error_set(error, why.status, "%.350s; %s were put back before that", why.text,
                  text_counted(rows, result->counts.fates[RESTORE_PUT], "row"));
}

static enum status table_run(struct engine *engine, const void *argument, void *facts,
                             struct outcome *outcome, struct error *error)
{
    const struct restore_options *options = argument;
    struct restore_result result;
    struct restore_table table = {.engine = engine, .result = &result};

    restore_result_begin(&result);
    enum status status = table_restore(&table, options, facts, error);
    if (status)
        table_tell_put(&result, error);
    else
        restore_report(options, &result, outcome);
    restore_result_free(&result);
    restore_target_free(&table.target);
    sqlite3_finalize(table.version);
    return status;
}

const struct task_kind restore_into_table = {
    .name = "restore",
    .help = "rows of the archive go back into their table",
    .measure = restore_measure,
    .decide = restore_decide,
    .run = table_run,
    .free_facts = restore_free_facts,
};
