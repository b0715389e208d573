/*
 * Online rebuilds as tasks make them: under the policy's limits, with their progress told, and with
 * what they leave behind when they are killed removed before the next task begins.
 */
#ifndef ENGINE_ONLINE_H
#define ENGINE_ONLINE_H

#include "rebuild.h"
#include "task_engine.h"

#include <jansson.h>

/* The limits of a rebuild as the policy has them. Good for as long as the engine is. */
struct rebuild_limits engine_online_limits(struct engine *engine);

/* Removes what a rebuild that was killed has left; takes the lease if there is any. STATUS_BUSY as
 * of the lease. Where the policy says `observe`, it is left, and that is told. */
enum status engine_online_clean(struct engine *engine, struct error *error) MUST_CHECK;

/* Tells the operator what he should know besides: free pages that had to be used, leftovers. */
void engine_online_tell(struct engine *engine, const char *index,
                        const struct rebuild_result *result);
/* What the check afterwards has found, into an effect's "repairs" (an array, made where there is
 * something to say): the alert index_repaired comes from it. */
void engine_online_note(json_t *effect, const char *index, const struct rebuild_result *result);

#endif
