/*
 * Cuts a policy's paths into batches, and has one child after the other look for a batch. The
 * digest of a batch lets the child keep quiet where nothing has changed, which is nearly always.
 */
#include "search.h"

#include "discover.h"
#include "event.h"
#include "job.h"
#include "launch.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { SEARCH_BATCH = 100, SEARCH_MS = 60000 };

struct search_batch {
    const struct config_database **databases;
    size_t count;
    char digest[DISCOVER_DIGEST]; /* of the last look; "": there was none */
    struct search_batch *next;
};

struct search {
    uv_loop_t *loop;
    struct search_handlers handlers;
    struct search_batch *batches;
    struct search_batch *now; /* what is being looked for; NULL: nothing */
    struct launch *launch;
    bool begun, freed;
};

static void search_free_batches(struct search *search)
{
    struct search_batch *next;

    for (struct search_batch *batch = search->batches; batch; batch = next) {
        next = batch->next;
        free(batch->databases);
        free(batch);
    }
}

/* A new batch of those databases behind `*end`. */
static struct search_batch *search_batch(const struct config_database *const *databases,
                                         size_t count, struct search_batch *next)
{
    struct search_batch *batch = memory_new(struct search_batch);

    batch->databases = memory_zeroed(count, sizeof *batch->databases);
    memcpy(batch->databases, databases, count * sizeof *databases);
    batch->count = count;
    batch->next = next;
    return batch;
}

/* Named files first, so that one that a glob matches, too, goes by its name. */
static void search_cut(struct search *search, const struct config *config)
{
    struct search_batch **end = &search->batches;
    const struct config_database *some[SEARCH_BATCH];
    size_t count = 0;

    for (size_t i = 0; i < config->database_count; i++) {
        if (config_is_glob(&config->databases[i]))
            continue;
        some[count++] = &config->databases[i];
        if (count == SEARCH_BATCH) {
            *end = search_batch(some, count, NULL);
            end = &(*end)->next;
            count = 0;
        }
    }
    if (count) {
        *end = search_batch(some, count, NULL);
        end = &(*end)->next;
    }
    for (size_t i = 0; i < config->database_count; i++)
        if (config_is_glob(&config->databases[i])) {
            some[0] = &config->databases[i];
            *end = search_batch(some, 1, NULL);
            end = &(*end)->next;
        }
}

struct search *search_new(uv_loop_t *loop, const struct config *config,
                          const struct search_handlers *handlers)
{
    struct search *search = memory_new(struct search);

    search->loop = loop;
    search->handlers = *handlers;
    search_cut(search, config);
    return search;
}

static void search_event(void *argument, json_t *event)
{
    struct search *search = argument;
    struct search_batch *batch = search->now;
    const char *kind = event_kind(event);

    if (search->freed) {
        json_decref(event);
        return;
    }
    if (strcmp(kind, "searched") == 0) {
        strncpy(batch->digest, json_string_value(json_object_get(event, "digest")),
                sizeof batch->digest - 1);
        if (!json_is_true(json_object_get(event, "same")))
            search->handlers.looked(search->handlers.argument, batch->databases, batch->count);
    } else if (strcmp(kind, "found") == 0 || strcmp(kind, "refused") == 0) {
        search->handlers.event(search->handlers.argument, batch->databases, batch->count, event);
    }
    json_decref(event);
}

static void search_next(struct search *search, struct search_batch *batch);

/* One of many has hung: each half by itself next, until it is alone. */
static void search_split(struct search_batch *batch)
{
    size_t half = batch->count / 2;

    batch->next = search_batch(batch->databases + half, batch->count - half, batch->next);
    batch->count = half;
    batch->digest[0] = '\0';
}

static void search_ended(void *argument, const struct error *error)
{
    struct search *search = argument;
    struct search_batch *batch = search->now;

    search->launch = NULL;
    if (search->freed) {
        search_free_batches(search);
        free(search);
        return;
    }
    if (error->status && batch->count > 1) {
        search_split(batch);
        search_next(search, batch);
        return;
    }
    if (error->status) {
        batch->digest[0] = '\0';
        search->handlers.failed(search->handlers.argument, batch->databases[0], error);
    }
    search_next(search, batch->next);
}

static enum status search_launch(struct search *search, struct error *error)
{
    struct launch_handlers handlers = {search_event, search_ended, search};
    json_t *patterns = json_array();

    for (size_t i = 0; i < search->now->count; i++)
        json_array_append_new(patterns, json_string(search->now->databases[i]->path));
    json_t *job = job_search(patterns, search->now->digest);
    enum status status =
        launch_start(search->loop, job, SEARCH_MS, &handlers, &search->launch, error);
    json_decref(job);
    return status;
}

static void search_next(struct search *search, struct search_batch *batch)
{
    struct error error = {0};

    for (search->now = batch; search->now; search->now = search->now->next) {
        if (search_launch(search, &error) == STATUS_OK)
            return;
        for (size_t i = 0; i < search->now->count; i++)
            search->handlers.failed(search->handlers.argument, search->now->databases[i], &error);
    }
    search->begun = false;
    search->handlers.done(search->handlers.argument);
}

void search_begin(struct search *search)
{
    if (search->begun)
        return;
    search->begun = true;
    search_next(search, search->batches);
}

bool search_busy(const struct search *search)
{
    return search->begun;
}

void search_free(struct search *search)
{
    if (!search)
        return;
    search->freed = true;
    if (search->launch) {
        launch_cancel(search->launch, 0);
        return;
    }
    search_free_batches(search);
    free(search);
}
