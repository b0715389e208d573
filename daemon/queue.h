/*
 * Duties that are ready and wait for a worker: one line an owner of files, served in turn, so that
 * a user with thousands of databases doesn't keep another one's waiting.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "duty.h"

struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *queue); /* not the duties */

void queue_put(struct queue *queue, struct duty *duty);
void queue_remove(struct queue *queue, struct duty *duty);
size_t queue_count(const struct queue *queue);

/* Takes the first duty of the owner whose turn it is, whose file nobody works on; NULL where there
 * is none. */
struct duty *queue_take(struct queue *queue);

/* Walks over all, the next owner's first; `walk` must not change the queue. */
void queue_walk(const struct queue *queue, void (*walk)(void *argument, const struct duty *duty),
                void *argument);

#endif
