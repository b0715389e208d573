/*
 * What indexes must know: which of the wanted indexes are there and as they are wanted, which of
 * the others can be built and how, what is known of those that must go, and the plans of the
 * watched queries. Reads the schema; the page walker looks at a table only where something is to be
 * done with it. In a worker.
 */
#include "indexes_entry.h"

#include "memory.h"
#include "pages.h"
#include "rebuild.h"
#include "task_engine.h"

#include <stdlib.h>
#include <string.h>

enum { INDEXES_SHOWN = 150 /* of a statement, in a reason */ };

struct indexes_look {
    struct engine *engine;
    const struct indexes_options *options;
    struct indexes_facts *facts;
};

/* What is wrong with one index is not what ends the look. */
static bool indexes_ends(enum status status)
{
    return status == STATUS_BUSY || status == STATUS_CANCELLED;
}

/* --- those that must be there ------------------------------------------------------------- */

/* Compiling the statement tells what is wrong with it, and touches nothing. Names in double quotes
 * that are no columns must not be taken for texts (quirks.html#dblquote). */
static enum status indexes_compile(struct engine *engine, const char *sql, struct error *error)
{
    sqlite3 *connection = database_sql(engine->database);
    sqlite3_stmt *statement = NULL;
    int lax = 0;

    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, -1, &lax);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    enum status status = database_prepare(engine->database, sql, &statement, error);
    sqlite3_finalize(statement);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, lax, NULL);
    return status;
}

static enum status indexes_try(struct engine *engine, struct indexes_item *item,
                               struct error *error)
{
    enum status status = indexes_compile(engine, item->def.sql, error);

    item->state = INDEXES_WRONG;
    if (status == STATUS_OK) {
        status = rebuild_create_possible(engine->database, item->def.sql, error);
        item->state = status ? INDEXES_OFFLINE : INDEXES_ONLINE;
    }
    if (indexes_ends(status))
        return status;
    if (status)
        item->why = memory_copy(error->text);
    return STATUS_OK;
}

static char *indexes_differs(const struct indexes_item *item, const struct indexes_entry *entry)
{
    if (strcmp(entry->type, "index") != 0)
        return memory_format("there is a %s of that name", entry->type);
    if (!entry->sql)
        return memory_format("there is an index of that name that belongs to a UNIQUE or PRIMARY "
                             "KEY of %s",
                             entry->table);
    return memory_format("it is there as \"%.*s\", and wanted as \"%.*s\"; it is left as it is",
                         INDEXES_SHOWN, entry->sql, INDEXES_SHOWN, item->def.sql);
}

static enum status indexes_look_at(struct indexes_look *look, const struct indexes_wanted *wanted,
                                   struct indexes_item *item, struct error *error)
{
    struct indexes_entry entry;
    enum status status;

    if ((status = indexes_define(wanted, &item->def, error)) ||
        (status = indexes_entry_find(look->engine, item->def.name, &entry, error)))
        return status;
    if (!entry.type)
        status = indexes_try(look->engine, item, error);
    else if (entry.sql && strcmp(entry.type, "index") == 0 && indexdef_same(&item->def, entry.sql))
        item->state = INDEXES_THERE;
    else {
        item->state = INDEXES_WRONG;
        item->why = indexes_differs(item, &entry);
    }
    indexes_entry_free(&entry);
    return status;
}

/* --- how large they are ------------------------------------------------------------------- */

/* From now on it goes by the name that the schema has for it. */
static void indexes_note_table(struct indexes_item *item, const struct pages_btree *table)
{
    free(item->def.table);
    item->def.table = memory_copy(table->name);
    item->rows = table->entries;
}

static void indexes_note_sizes(struct indexes_facts *facts, const struct pages_report *report)
{
    for (size_t i = 0; i < report->btree_count; i++) {
        const struct pages_btree *btree = &report->btrees[i];
        bool rows = strcmp(btree->type, "table") == 0;
        for (size_t j = 0; rows && j < facts->count; j++)
            if (sqlite3_stricmp(facts->items[j].def.table, btree->name) == 0)
                indexes_note_table(&facts->items[j], btree);
        for (size_t j = 0; !rows && j < facts->old_count; j++)
            if (facts->olds[j].there && strcmp(facts->olds[j].name, btree->name) == 0)
                facts->olds[j].bytes = btree->bytes;
    }
}

/* By the name that the schema has for it. */
static enum status indexes_size(struct indexes_look *look, const char *table, struct error *error)
{
    double slice_ms = engine_slice_ms(look->engine);
    struct pages_limits limits = {.slice_ms = slice_ms,
                                  .gap_ms = slice_ms * 2,
                                  .stopped = look->engine->job->host.stopped,
                                  .argument = look->engine->job->host.argument};
    struct indexes_entry entry;
    struct pages_report report;
    enum status status = indexes_entry_find(look->engine, table, &entry, error);

    if (status)
        return status;
    limits.only_table = entry.name;
    if (entry.name && (status = pages_measure(database_sql(look->engine->database), &limits,
                                              &report, error)) == STATUS_OK) {
        indexes_note_sizes(look->facts, &report);
        pages_report_free(&report);
    }
    indexes_entry_free(&entry);
    return status;
}

/* Each table once. */
static enum status indexes_sizes(struct indexes_look *look, struct error *error)
{
    struct indexes_facts *facts = look->facts;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->count && !status; i++) {
        const struct indexes_item *item = &facts->items[i];
        bool missing = item->state == INDEXES_ONLINE || item->state == INDEXES_OFFLINE;
        if (missing && item->rows < 0)
            status = indexes_size(look, item->def.table, error);
    }
    for (size_t i = 0; i < facts->old_count && !status; i++)
        if (facts->olds[i].there && !facts->olds[i].keep && facts->olds[i].bytes < 0)
            status = indexes_size(look, facts->olds[i].table, error);
    return status;
}

/* --- the look ----------------------------------------------------------------------------- */

void indexes_free_facts(void *argument)
{
    struct indexes_facts *facts = argument;

    for (size_t i = 0; facts && i < facts->count; i++) {
        indexdef_free(&facts->items[i].def);
        free(facts->items[i].why);
    }
    for (size_t i = 0; facts && i < facts->old_count; i++) {
        free(facts->olds[i].name);
        free(facts->olds[i].table);
        free(facts->olds[i].keep);
        free(facts->olds[i].why);
    }
    for (size_t i = 0; facts && i < facts->query_count; i++) {
        queryplan_free(&facts->queries[i].first);
        queryplan_free(&facts->queries[i].plan);
        queryplan_free(&facts->queries[i].known);
        free(facts->queries[i].error);
        free(facts->queries[i].worse);
    }
    if (facts) {
        free(facts->items);
        free(facts->olds);
        free(facts->queries);
    }
    free(facts);
}

static struct indexes_facts *indexes_facts_new(const struct engine *engine,
                                               const struct indexes_options *options)
{
    struct indexes_facts *facts = memory_new(struct indexes_facts);

    facts->count = options->ensure.count;
    facts->items = memory_zeroed(facts->count + 1, sizeof *facts->items);
    facts->old_count = options->drop.count;
    facts->olds = memory_zeroed(facts->old_count + 1, sizeof *facts->olds);
    facts->query_count = options->watch.count;
    facts->queries = memory_zeroed(facts->query_count + 1, sizeof *facts->queries);
    facts->max_lock_seconds = engine_max_lock_ms(engine) / 1e3;
    for (size_t i = 0; i < facts->count; i++)
        facts->items[i].rows = -1;
    for (size_t i = 0; i < facts->old_count; i++)
        facts->olds[i].bytes = -1;
    for (size_t i = 0; i < facts->query_count; i++)
        facts->queries[i].sql = options->watch.items[i];
    return facts;
}

static enum status indexes_look_all(struct indexes_look *look, struct error *error)
{
    const struct indexes_wanted *wanted = look->options->ensure.items;
    struct indexes_facts *facts = look->facts;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->count && !status; i++)
        status = indexes_look_at(look, &wanted[i], &facts->items[i], error);
    for (size_t i = 0; i < facts->old_count && !status; i++)
        status =
            indexes_look_old(look->engine, look->options->drop.items[i], &facts->olds[i], error);
    if (!status)
        status = indexes_sizes(look, error);
    indexes_watch_known(facts, look->engine->job->memory.last.effect);
    if (!status)
        status = indexes_watch(look->engine, facts, error);
    indexes_watch_judge(facts, look->engine->job->force);
    return status;
}

enum status indexes_measure(struct engine *engine, const void *options, void **facts,
                            struct error *error)
{
    struct indexes_look look = {.engine = engine,
                                .options = options,
                                .facts = indexes_facts_new(engine, options)};
    enum status status = indexes_look_all(&look, error);

    if (status)
        indexes_free_facts(look.facts);
    else
        *facts = look.facts;
    return status;
}
