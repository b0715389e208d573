/*
 * Duties that are ready and wait for a worker: one line an owner of files, served in turn, so that
 * a user with thousands of databases doesn't keep another one's waiting.
 */
#ifndef READY_H
#define READY_H

#include "duty.h"

struct ready;

struct ready *ready_new(void);
void ready_free(struct ready *ready); /* not the duties */

void ready_put(struct ready *ready, struct duty *duty);
void ready_remove(struct ready *ready, struct duty *duty);
size_t ready_count(const struct ready *ready);

/* Takes the first duty of the owner whose turn it is, whose file nobody works on; NULL where there
 * is none. */
struct duty *ready_take(struct ready *ready);

/* Walks over all, the next owner's first; `walk` must not change the ready. */
void ready_walk(const struct ready *ready, void (*walk)(void *argument, const struct duty *duty),
                void *argument);

#endif
