/*
 * One look for all database files of a policy, by children, one after the other: the named files
 * some at a time, each glob by itself. A path that hangs is given up after a while, and costs
 * nobody else more than that. Runs in the daemon.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "config.h"
#include "error.h"

#include <jansson.h>
#include <uv.h>

struct search;

struct search_handlers {
    /* A "found" or "refused" event, borrowed. `databases` are those that were looked for. */
    void (*event)(void *argument, const struct config_database *const *databases, size_t count,
                  const json_t *event);
    /* All events of these have come. */
    void (*looked)(void *argument, const struct config_database *const *databases, size_t count);
    /* This one could not be looked for. */
    void (*failed)(void *argument, const struct config_database *database,
                   const struct error *error);
    void (*done)(void *argument);
    void *argument;
};

/* For one config, which outlives it. */
struct search *search_new(uv_loop_t *loop, const struct config *config,
                          const struct search_handlers *handlers);
/* Looks for all of them. Where nothing has changed since the last time, nothing but `done` is
 * called. */
void search_begin(struct search *search);
bool search_busy(const struct search *search);
/* Frees it, as soon as its child has ended; calls nothing any more. Safe on NULL. */
void search_free(struct search *search);

#endif
