/*
 * What the decision to vacuum needs to know: the sizes, how the file keeps its free pages, which
 * rowids a full VACUUM may change, and what the last run tells. Runs in a worker; only reads.
 */
#include "vacuum.h"

#include "memory.h"
#include "units.h"
#include "vacuum_care.h"

#include <stdlib.h>
#include <string.h>

enum { MEASURE_NAMES = 3, MEASURE_NAME = 60 };

enum status vacuum_measure_pages(struct database *database, struct vacuum_facts *facts,
                                 struct error *error)
{
    int64_t kept = 0;
    enum status status;

    if ((status = database_integer(database, "PRAGMA page_count", 0, &facts->pages, error)) ||
        (status =
             database_integer(database, "PRAGMA freelist_count", 0, &facts->free_pages, error)) ||
        (status = database_integer(database, "PRAGMA auto_vacuum", 0, &kept, error)))
        return status;
    facts->kept = (int)kept;
    return STATUS_OK;
}

/* "may change the ROWIDs for entries in any tables that do not have an explicit INTEGER PRIMARY
 * KEY" (lang_vacuum.html). Any other primary key of a table with rowids has an index of its own.
 * Shadow tables whose rowids mean something have such a key: those of FTS3 to 5 and R-trees do. */
static const char measure_renumbered[] =
    "SELECT t.name FROM pragma_table_list AS t WHERE t.schema = 'main' AND t.type = 'table'"
    " AND NOT t.wr AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " AND (NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name, 'main') WHERE pk > 0)"
    " OR EXISTS (SELECT 1 FROM pragma_index_list(t.name, 'main') WHERE origin = 'pk'))"
    " ORDER BY t.name";

static void measure_name(struct vacuum_facts *facts, const char *name)
{
    char *some = memory_copy_length(name, strnlen(name, MEASURE_NAME));

    text_sanitize(some);
    if (facts->renumbered++ < MEASURE_NAMES) {
        text_add(&facts->names, facts->names.length ? ", " : "");
        text_add_name(&facts->names, some);
    }
    free(some);
}

static enum status measure_rowids(struct database *database, struct vacuum_facts *facts,
                                  struct error *error)
{
    sqlite3_stmt *tables = NULL;
    bool row = true;

    enum status status = database_prepare(database, measure_renumbered, &tables, error);
    while (status == STATUS_OK && row) {
        status = database_step(database, tables, &row, error);
        if (status == STATUS_OK && row)
            measure_name(facts, (const char *)sqlite3_column_text(tables, 0));
    }
    sqlite3_finalize(tables);
    if (facts->renumbered > MEASURE_NAMES)
        text_addf(&facts->names, " and %d more", (int)(facts->renumbered - MEASURE_NAMES));
    return status;
}

static int64_t measure_number(const json_t *effect, const char *key)
{
    return json_integer_value(json_object_get(effect, key));
}

/* The history's word, which may be of an older litekeeper: what is not there counts as nothing. */
static void measure_past(const struct engine_past *last, struct vacuum_past *past)
{
    const char *mode = json_string_value(json_object_get(last->effect, "mode"));
    int64_t given =
        measure_number(last->effect, "pages_before") - measure_number(last->effect, "pages");

    if (!mode || last->seconds <= 0)
        return;
    if (strcmp(mode, "full") == 0) {
        past->written = measure_number(last->effect, "written_bytes");
        past->write_rate = (double)past->written / last->seconds;
    } else if (given > 0) {
        past->pages_rate = (double)given / last->seconds;
    }
}

static bool measure_same_file(const struct engine_job *job, uint64_t device, uint64_t inode)
{
    return device == job->seen.device && inode == job->seen.inode;
}

/* By the task integrity, or by the last online compaction: if it was this very file. */
static void measure_sound(const struct engine_job *job, struct vacuum_past *past)
{
    const struct engine_past *last = &job->memory.last;
    const json_t *effect = last->effect;

    if (measure_same_file(job, last->sound.device, last->sound.inode))
        past->sound_us = last->sound.at_us;
    if (json_is_true(json_object_get(effect, "checked")) && last->started_us > past->sound_us &&
        measure_same_file(job, (uint64_t)measure_number(effect, "device"),
                          (uint64_t)measure_number(effect, "inode")))
        past->sound_us = last->started_us;
}

static double measure_seconds(const struct span *span)
{
    return span->set ? (double)units_span_us(span) / 1e6 : 0;
}

enum status vacuum_measure_file(struct engine *engine, const struct vacuum_options *options,
                                struct vacuum_facts *facts, struct error *error)
{
    const struct config_limits *limits = &engine->job->database->limits;
    const struct database_facts *known = database_facts(engine->database);

    facts->wal = known->wal;
    facts->page_size = known->page_size;
    facts->replicator = known->replicator;
    facts->busy_s = measure_seconds(&limits->busy_timeout);
    facts->limit_s = measure_seconds(&limits->time_limit);
    measure_sound(engine->job, &facts->past);
    enum status status = vacuum_measure_pages(engine->database, facts, error);
    if (status == STATUS_OK && vacuum_way(options, facts) == WAY_WHOLE) {
        vacuum_space_measure(limits->temp, &facts->space);
        status = measure_rowids(engine->database, facts, error);
    }
    if (status == STATUS_OK && vacuum_way(options, facts) == WAY_ONLINE)
        vacuum_space_measure_copy(&facts->space);
    if (status == STATUS_OK && vacuum_way(options, facts) == WAY_ONLINE)
        facts->copy_bytes = vacuum_copy_left(engine);
    return status;
}

enum status vacuum_permit(struct engine *engine, const struct vacuum_options *options,
                          const struct vacuum_facts *facts, struct error *error)
{
    enum status status = STATUS_OK;
    struct text why = {0};

    if (vacuum_obstacle(options, facts, &why))
        status = error_set(error, STATUS_REFUSED, "%s", why.bytes);
    else if (vacuum_way(options, facts) == WAY_ONLINE)
        status = vacuum_online_guard(engine, error);
    text_free(&why);
    return status;
}

enum status vacuum_measure(struct engine *engine, const void *options, void **result,
                           struct error *error)
{
    struct vacuum_facts *facts = memory_new(struct vacuum_facts);
    enum status status = vacuum_measure_file(engine, options, facts, error);

    measure_past(&engine->job->memory.last, &facts->past);
    if (status == STATUS_OK &&
        (engine->job->force || vacuum_worth(options, facts) || facts->copy_bytes))
        status = vacuum_permit(engine, options, facts, error);

    if (status)
        vacuum_free_facts(facts);
    else
        *result = facts;
    return status;
}

void vacuum_free_facts(void *argument)
{
    struct vacuum_facts *facts = argument;

    if (facts)
        text_free(&facts->names);
    free(facts);
}
