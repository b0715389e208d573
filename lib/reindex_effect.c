/*
 * The effect of reindex as JSON: each index before and after. It is its own memory, too: the next
 * run finds the last one's effect in the history, and what that has found there it takes along.
 */
#include "reindex.h"

#include "event_check.h"

#include <math.h>
#include <string.h>

enum { EFFECT_MOST = 100, EFFECT_NAME = 128 }; /* an event has to fit into a line */

static const double effect_pace_least = 0.2, effect_pace_most = 20, effect_caution = 1.5;

json_t *reindex_effect_new(void)
{
    return json_pack("{s:[], s:[], s:f, s:f}", "indexes", "earlier", "expected_seconds", 0.0,
                     "rebuild_seconds", 0.0);
}

static void reindex_effect_sum(json_t *effect, const char *key, double more)
{
    double sum = json_number_value(json_object_get(effect, key)) + more;

    json_object_set_new(effect, key, json_real(sum));
}

static void reindex_effect_share(json_t *index, const char *key, double share)
{
    json_object_set_new(index, key, json_real(round(share * 10000) / 10000));
}

void reindex_effect_add(json_t *effect, const struct reindex_index *before,
                        const struct reindex_index *after, bool online, double expected,
                        double took)
{
    json_t *list = json_object_get(effect, "indexes");

    reindex_effect_sum(effect, "expected_seconds", expected);
    reindex_effect_sum(effect, "rebuild_seconds", took);
    if (json_array_size(list) >= EFFECT_MOST)
        return;
    json_t *index = json_object();
    json_object_set_new(index, "name",
                        event_check_text(before->name, strlen(before->name), EFFECT_NAME));
    json_object_set_new(index, "online", json_boolean(online));
    reindex_effect_share(index, "fragmentation_before", before->fragmentation);
    reindex_effect_share(index, "forecast", before->forecast);
    reindex_effect_share(index, "fragmentation", after->fragmentation);
    reindex_effect_share(index, "density_before", before->density);
    reindex_effect_share(index, "density", after->density);
    json_object_set_new(index, "bytes_before", json_integer(before->bytes));
    json_object_set_new(index, "bytes", json_integer(after->bytes));
    json_array_append_new(list, index);
}

/* In `indexes`, or in `earlier`; NULL: in neither. */
static const json_t *reindex_effect_find(const json_t *effect, const char *name)
{
    static const char *const lists[] = {"indexes", "earlier"};

    for (size_t i = 0; name && i < sizeof lists / sizeof *lists; i++) {
        const json_t *list = json_object_get(effect, lists[i]);
        for (size_t at = 0; at < json_array_size(list); at++) {
            const json_t *index = json_array_get(list, at);
            const char *own = json_string_value(json_object_get(index, "name"));
            if (own && strcmp(own, name) == 0)
                return index;
        }
    }
    return NULL;
}

static void reindex_effect_keep_list(json_t *effect, const json_t *from)
{
    json_t *list = json_object_get(effect, "earlier");
    size_t room = EFFECT_MOST - json_array_size(json_object_get(effect, "indexes"));

    for (size_t i = 0; i < json_array_size(from) && json_array_size(list) < room; i++) {
        json_t *index = json_array_get(from, i);
        const char *name = json_string_value(json_object_get(index, "name"));
        if (name && strlen(name) <= EFFECT_NAME && json_object_size(index) <= 9 &&
            !reindex_effect_find(effect, name))
            json_array_append(list, index);
    }
}

void reindex_effect_keep(json_t *effect, const json_t *earlier)
{
    reindex_effect_keep_list(effect, json_object_get(earlier, "indexes"));
    reindex_effect_keep_list(effect, json_object_get(earlier, "earlier"));
}

void reindex_effect_past(const json_t *effect, const char *index, struct reindex_past *past)
{
    const json_t *found = reindex_effect_find(effect, index);

    *past = (struct reindex_past){
        .known = found != NULL,
        .online = json_is_true(json_object_get(found, "online")),
        .fragmentation_before = json_number_value(json_object_get(found, "fragmentation_before")),
        .fragmentation = json_number_value(json_object_get(found, "fragmentation")),
        .density_before = json_number_value(json_object_get(found, "density_before")),
        .density = json_number_value(json_object_get(found, "density")),
    };
}

/* The guess already had the pace of the run before, so `expected_seconds` is the guess without. */
double reindex_effect_pace(const json_t *effect)
{
    double expected = json_number_value(json_object_get(effect, "expected_seconds")),
           took = json_number_value(json_object_get(effect, "rebuild_seconds"));

    if (expected <= 0 || took <= 0)
        return 1;
    return fmin(fmax(took / expected * effect_caution, effect_pace_least), effect_pace_most);
}
