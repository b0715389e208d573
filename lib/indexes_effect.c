/*
 * The effect of indexes as JSON: what was built and dropped, what was not and why, and the plans of
 * the watched queries. It is its own memory, too: the next run holds the plans to these, whatever
 * became of this run.
 */
#include "indexes.h"

#include "event_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    EFFECT_MOST = 15,         /* of each list but the plans ... */
    EFFECT_TEXT = 400,        /* bytes of a text in it ... */
    EFFECT_QUERY = 120,       /* of a query's, by which it is told to people ... */
    EFFECT_BYTES = 32 * 1024, /* of all plans: an event has to fit into a line */
    EFFECT_LONG = 1024,       /* ... of one that must be whole */
    EFFECT_ID = 17
};

json_t *indexes_effect_new(void)
{
    return json_pack("{s:b, s:[], s:[], s:[]}", "remember", 1, "built", "dropped", "left");
}

json_t *indexes_effect_text(const char *hostile)
{
    return event_check_text(hostile, strlen(hostile), EFFECT_TEXT);
}

json_t *indexes_effect_long(const char *hostile)
{
    return event_check_text(hostile, strlen(hostile), EFFECT_LONG);
}

void indexes_effect_add(json_t *effect, const char *list, json_t *what)
{
    json_t *array = json_object_get(effect, list);

    if (json_array_size(array) < EFFECT_MOST)
        json_array_append_new(array, what);
    else
        json_decref(what);
}

/* What the query is found by again: its text may be longer than an event. FNV-1a, 64 bits. */
static const char *effect_id(const char *sql, char *id)
{
    uint64_t hash = 14695981039346656037U;

    for (; *sql; sql++)
        hash = (hash ^ (unsigned char)*sql) * 1099511628211U;
    snprintf(id, EFFECT_ID, "%016" PRIx64, hash);
    return id;
}

static bool effect_same(const struct queryplan *one, const struct queryplan *other)
{
    json_t *a = queryplan_json(one), *b = queryplan_json(other);
    bool same = json_equal(a, b);

    json_decref(a);
    json_decref(b);
    return same;
}

/* "best" is what later plans are held to, where that is not this one. */
static json_t *effect_query(const struct indexes_query *query)
{
    const struct queryplan *plan = indexes_plan(query), *best = NULL;
    char id[EFFECT_ID];
    json_t *json = json_pack("{s:o, s:s, s:o}", "query",
                             event_check_text(query->sql, strlen(query->sql), EFFECT_QUERY), "id",
                             effect_id(query->sql, id), "plan", queryplan_json(plan));

    if (query->error)
        json_object_set_new(json, "error", indexes_effect_text(query->error));
    if (query->worse)
        json_object_set_new(json, "worse", indexes_effect_text(query->worse));
    if (!effect_same(&query->first, plan))
        json_object_set_new(json, "before", queryplan_json(&query->first));
    if (query->worse)
        best = query->worse_than_first ? &query->first : &query->known;
    else if (query->error && query->known.count)
        best = &query->known;
    if (best)
        json_object_set_new(json, "best", queryplan_json(best));
    return json;
}

void indexes_effect_plans(json_t *effect, const struct indexes_facts *facts)
{
    json_t *plans = json_array();
    size_t bytes = 0;
    json_int_t worse = 0, omitted = 0;

    if (!facts->query_count) {
        json_decref(plans);
        return;
    }
    for (size_t i = 0; i < facts->query_count; i++) {
        json_t *query = effect_query(&facts->queries[i]);
        worse += facts->queries[i].worse != NULL;
        bytes += json_dumpb(query, NULL, 0, JSON_COMPACT);
        if (bytes <= EFFECT_BYTES)
            json_array_append(plans, query);
        else
            omitted++;
        json_decref(query);
    }
    json_object_set_new(effect, "worse_plans", json_integer(worse));
    json_object_set_new(effect, "plans", plans);
    if (omitted)
        json_object_set_new(effect, "plans_omitted", json_integer(omitted));
}

json_t *indexes_look(const void *options, const void *facts)
{
    const struct indexes_facts *known = facts;
    json_t *effect;
    (void)options;

    if (!known->query_count)
        return NULL;
    effect = indexes_effect_new();
    indexes_effect_plans(effect, known);
    return effect;
}

const json_t *indexes_effect_known(const json_t *effect, const char *sql)
{
    const json_t *plans = json_object_get(effect, "plans");
    char id[EFFECT_ID];

    effect_id(sql, id);
    for (size_t i = 0; i < json_array_size(plans); i++) {
        const json_t *query = json_array_get(plans, i), *best = json_object_get(query, "best");
        const char *own = json_string_value(json_object_get(query, "id"));
        if (own && strcmp(own, id) == 0)
            return best ? best : json_object_get(query, "plan");
    }
    return NULL;
}
