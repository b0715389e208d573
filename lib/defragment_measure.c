/*
 * What defragment must know: of each table and index how its leaves lie, what order among the pages
 * that they have would make of that, and what the last run has found; and whether the file's pages
 * may be edited at all. One look of the page walker. In a worker.
 */
#include "defragment.h"

#include "memory.h"
#include "pages.h"
#include "pages_watch.h"

#include <stdlib.h>
#include <string.h>

/* --- the map ------------------------------------------------------------------------------ */

static void measure_leaf(void *argument, size_t tree, uint32_t page)
{
    struct defragment_map *map = argument;

    if (page >= map->pages) {
        size_t pages = (size_t)page + page / 4 + 1024;
        map->tree_of = memory_resize(map->tree_of, pages, sizeof *map->tree_of);
        memset(map->tree_of + map->pages, 0, (pages - map->pages) * sizeof *map->tree_of);
        map->pages = pages;
    }
    map->tree_of[page] = (uint32_t)tree + 1;
}

static void measure_restart(void *argument, size_t tree)
{
    struct defragment_map *map = argument;

    for (size_t i = 0; i < map->pages; i++)
        if (map->tree_of[i] == tree + 1)
            map->tree_of[i] = 0;
}

/* --- the b-trees -------------------------------------------------------------------------- */

static void measure_past(const json_t *effect, const char *name, struct defragment_past *past)
{
    const json_t *list = json_object_get(effect, "btrees");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *found = json_array_get(list, i);
        const char *own = json_string_value(json_object_get(found, "name"));
        if (own && strcmp(own, name) == 0)
            *past = (struct defragment_past){
                .known = true,
                .before = json_number_value(json_object_get(found, "fragmentation_before")),
                .after = json_number_value(json_object_get(found, "fragmentation"))};
    }
}

/* All of them, so that a b-tree's place in the list is that in the report. */
static void measure_btrees(const struct pages_report *report, const json_t *effect,
                           struct defragment_facts *facts)
{
    facts->btrees = memory_zeroed(report->btree_count + 1, sizeof *facts->btrees);
    facts->count = report->btree_count;
    for (size_t i = 0; i < report->btree_count; i++) {
        const struct pages_btree *from = &report->btrees[i];
        struct defragment_btree *btree = &facts->btrees[i];
        *btree = (struct defragment_btree){.name = memory_copy(from->name),
                                           .table = strcmp(from->type, "table") == 0,
                                           .bytes = from->root == 1 ? -1 : from->bytes,
                                           .leaves = from->leaf_pages,
                                           .fragmentation = from->fragmentation};
        if (from->error)
            btree->wrong = memory_format("it is damaged: %s; run the task integrity", from->error);
        measure_past(effect, btree->name, &btree->past);
    }
}

/* Those that it would be futile for don't take part, and what they leave is forecast once more. */
static void measure_forecast(const struct defragment_map *map,
                             const struct defragment_options *options, bool force,
                             struct defragment_facts *facts)
{
    bool *chosen = memory_zeroed(facts->count + 1, sizeof *chosen);

    for (int times = 0; times < 2; times++) {
        for (size_t i = 0; i < facts->count; i++)
            chosen[i] = defragment_wants(options, &facts->btrees[i], force);
        defragment_forecast(map, chosen, facts->btrees, facts->count);
    }
    free(chosen);
}

static enum status measure_look(struct engine *engine, struct defragment_map *map,
                                struct defragment_facts *facts, struct error *error)
{
    const struct pages_watch hooks = {.leaf = measure_leaf,
                                      .restart = measure_restart,
                                      .argument = map};
    double slice_ms = engine_slice_ms(engine);
    struct pages_limits limits = {.slice_ms = slice_ms,
                                  .gap_ms = slice_ms * 2,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct pages_report report = {0};
    enum status status = pages_measure_watched(database_sql(engine->database), &limits,
                                               map ? &hooks : NULL, &report, error);

    if (status == STATUS_OK)
        measure_btrees(&report, engine->job->memory.last.effect, facts);
    pages_report_free(&report);
    return status;
}

enum status defragment_measure_again(struct engine *engine, struct defragment_facts *facts,
                                     struct error *error)
{
    return measure_look(engine, NULL, facts, error);
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool measure_wanted(const struct defragment_options *options,
                           const struct defragment_facts *facts, bool force)
{
    bool wanted = force || facts->file.copy_bytes;

    for (size_t i = 0; i < facts->count && !wanted; i++)
        wanted = defragment_wants(options, &facts->btrees[i], false);
    return wanted;
}

/* Of the ways that vacuum has with a file, the one that edits pages. */
static enum status measure_permit(struct engine *engine, const struct vacuum_options *vacuum,
                                  const struct vacuum_facts *file, struct error *error)
{
    if (file->kept != KEPT_NONE)
        return error_set(error, STATUS_REFUSED,
                         "the file has auto_vacuum, whose pages can't be put in order");
    return vacuum_permit(engine, vacuum, file, error);
}

static enum status measure_all(struct engine *engine, const struct defragment_options *options,
                               struct defragment_facts *facts, struct error *error)
{
    struct vacuum_options vacuum = defragment_as_vacuum(options);
    bool force = engine->job->force;
    struct defragment_map map = {0};
    enum status status = measure_look(engine, &map, facts, error);

    if (status == STATUS_OK) {
        measure_forecast(&map, options, force, facts);
        status = vacuum_measure_file(engine, &vacuum, &facts->file, error);
    }
    if (status == STATUS_OK && measure_wanted(options, facts, force))
        status = measure_permit(engine, &vacuum, &facts->file, error);
    free(map.tree_of);
    return status;
}

enum status defragment_measure(struct engine *engine, const void *options, void **result,
                               struct error *error)
{
    struct defragment_facts *facts = memory_new(struct defragment_facts);
    enum status status = measure_all(engine, options, facts, error);

    if (status)
        defragment_free_facts(facts);
    else
        *result = facts;
    return status;
}

void defragment_free_btrees(struct defragment_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->btrees[i].name);
        free(facts->btrees[i].wrong);
    }
    free(facts->btrees);
    facts->btrees = NULL;
    facts->count = 0;
}

void defragment_free_facts(void *argument)
{
    struct defragment_facts *facts = argument;

    if (facts)
        defragment_free_btrees(facts);
    free(facts);
}
