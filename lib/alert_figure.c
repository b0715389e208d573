/*
 * Reads figures out of a sample's effect, a JSON object (task_sample.c) with its b-trees. Runs in
 * the daemon. What is missing there, or damaged, has no figure: it is neither too much nor well.
 */
#include "alert_figure.h"

#include <string.h>
#include <strings.h>

static bool figure_number(const json_t *object, const char *key, double *number)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_number(value))
        *number = json_number_value(value);
    return json_is_number(value);
}

static const char *figure_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* SQLite's names ignore case. */
static bool figure_is(const json_t *btree, const char *type, const char *key, const char *name)
{
    return strcmp(figure_text(btree, "type"), type) == 0 &&
           (!name || strcasecmp(figure_text(btree, key), name) == 0);
}

static bool figure_damaged(const json_t *btree)
{
    return json_is_string(json_object_get(btree, "error"));
}

/* A table that isn't there has none of it. */
static bool figure_of_table(const json_t *effect, const struct alert_scope *scope, const char *key,
                            struct alert_figure *figure)
{
    const json_t *btrees = json_object_get(effect, "btrees"), *btree;
    double value = 0;
    size_t i;

    json_array_foreach (btrees, i, btree)
        if (figure_is(btree, "table", "name", scope->table) &&
            (figure_damaged(btree) || !figure_number(btree, key, &value)))
            return false;
    if (!json_is_array(btrees))
        return false;
    *figure = (struct alert_figure){.value = value, .name = scope->table};
    return true;
}

bool alert_figure_table_size(const json_t *effect, const struct alert_scope *scope,
                             struct alert_figure *figure)
{
    return figure_of_table(effect, scope, "bytes", figure);
}

bool alert_figure_table_rows(const json_t *effect, const struct alert_scope *scope,
                             struct alert_figure *figure)
{
    return figure_of_table(effect, scope, "entries", figure);
}

bool alert_figure_file_size(const json_t *effect, const struct alert_scope *scope,
                            struct alert_figure *figure)
{
    struct alert_figure made = {0};

    (void)scope;
    if (!figure_number(effect, "file_bytes", &made.value))
        return false;
    *figure = made;
    return true;
}

bool alert_figure_free_ratio(const json_t *effect, const struct alert_scope *scope,
                             struct alert_figure *figure)
{
    struct alert_figure made = {0};
    double pages, page_size;

    (void)scope;
    if (!figure_number(effect, "free_pages", &made.value) ||
        !figure_number(effect, "pages", &pages) || !figure_number(effect, "page_size", &page_size))
        return false;
    made.bytes = made.value * page_size;
    made.value = pages > 0 ? made.value / pages : 0;
    *figure = made;
    return true;
}

/* The file stays as long as it ever was, so it is no figure of its own. */
bool alert_figure_wal_size(const json_t *effect, const struct alert_scope *scope,
                           struct alert_figure *figure)
{
    struct alert_figure made = {0};

    (void)scope;
    if (!figure_number(effect, "wal_bytes", &made.value))
        return false;
    figure_number(effect, "wal_file_bytes", &made.bytes);
    *figure = made;
    return true;
}

bool alert_figure_disk_free(const json_t *effect, const struct alert_scope *scope,
                            struct alert_figure *figure)
{
    const json_t *disk = json_object_get(effect, "disk_free");
    struct alert_figure made = {0};
    double total;

    (void)scope;
    if (!figure_number(disk, "bytes", &made.bytes) || !figure_number(disk, "total", &total) ||
        total <= 0)
        return false;
    made.value = made.bytes / total;
    *figure = made;
    return true;
}

/* The worst index of them; `sign` 1: the one with the most of it, -1: with the least. Where no
 * index counts, none is bad. */
static bool figure_of_indexes(const json_t *effect, const struct alert_scope *scope,
                              const char *key, int sign, struct alert_figure *figure)
{
    const json_t *btrees = json_object_get(effect, "btrees"), *btree;
    struct alert_figure worst = {.value = sign > 0 ? 0 : 1, .none = true};
    double bytes, value;
    size_t i;

    json_array_foreach (btrees, i, btree) {
        if (!figure_is(btree, "index", "table", scope->table) || figure_damaged(btree) ||
            !figure_number(btree, "bytes", &bytes) || !figure_number(btree, key, &value))
            continue;
        if (bytes >= (double)scope->min_index && (value - worst.value) * sign > 0)
            worst = (struct alert_figure){.value = value, .name = figure_text(btree, "name")};
    }
    if (!json_is_array(btrees))
        return false;
    *figure = worst;
    return true;
}

bool alert_figure_index_fragmentation(const json_t *effect, const struct alert_scope *scope,
                                      struct alert_figure *figure)
{
    return figure_of_indexes(effect, scope, "fragmentation", 1, figure);
}

bool alert_figure_index_density(const json_t *effect, const struct alert_scope *scope,
                                struct alert_figure *figure)
{
    return figure_of_indexes(effect, scope, "density", -1, figure);
}
