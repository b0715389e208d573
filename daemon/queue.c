/* A ring of owners, each with its line; an owner whose line is empty leaves the ring. */
#include "queue.h"

#include "file.h"
#include "memory.h"

#include <stdlib.h>
#include <sys/types.h>

enum { QUEUE_BUCKETS = 1024 };

struct queue_owner {
    uid_t user;
    struct duty *first, **end;
    struct queue_owner *next, *previous; /* in the ring */
    struct queue_owner *chain;           /* in its bucket */
};

struct queue {
    struct queue_owner *turn; /* whose turn it is; NULL: the ring is empty */
    size_t count;
    struct queue_owner *buckets[QUEUE_BUCKETS];
};

struct queue *queue_new(void)
{
    return memory_new(struct queue);
}

static struct queue_owner **queue_find(struct queue *queue, uid_t user)
{
    struct queue_owner **owner = &queue->buckets[user % QUEUE_BUCKETS];

    while (*owner && (*owner)->user != user)
        owner = &(*owner)->chain;
    return owner;
}

/* At the ring's end, which is before whose turn it is. */
static struct queue_owner *queue_join(struct queue *queue, uid_t user)
{
    struct queue_owner **place = queue_find(queue, user), *owner = *place;

    if (owner)
        return owner;
    *place = owner = memory_new(struct queue_owner);
    owner->user = user;
    owner->end = &owner->first;
    owner->next = queue->turn ? queue->turn : owner;
    owner->previous = queue->turn ? queue->turn->previous : owner;
    owner->previous->next = owner->next->previous = owner;
    if (!queue->turn)
        queue->turn = owner;
    return owner;
}

static void queue_leave(struct queue *queue, struct queue_owner *owner)
{
    *queue_find(queue, owner->user) = owner->chain;
    owner->previous->next = owner->next;
    owner->next->previous = owner->previous;
    if (queue->turn == owner)
        queue->turn = owner->next == owner ? NULL : owner->next;
    free(owner);
}

void queue_free(struct queue *queue)
{
    while (queue && queue->turn)
        queue_leave(queue, queue->turn);
    free(queue);
}

void queue_put(struct queue *queue, struct duty *duty)
{
    struct queue_owner *owner = queue_join(queue, duty->file->seen.owner);

    duty->next = NULL;
    *owner->end = duty;
    owner->end = &duty->next;
    queue->count++;
}

/* Takes the duty at `*place` out of its owner's line. */
static struct duty *queue_pull(struct queue *queue, struct queue_owner *owner, struct duty **place)
{
    struct duty *duty = *place;

    *place = duty->next;
    if (!duty->next)
        owner->end = place;
    duty->next = NULL;
    queue->count--;
    if (!owner->first)
        queue_leave(queue, owner);
    return duty;
}

void queue_remove(struct queue *queue, struct duty *duty)
{
    struct queue_owner *owner = *queue_find(queue, duty->file->seen.owner);

    for (struct duty **place = owner ? &owner->first : NULL; place && *place;
         place = &(*place)->next)
        if (*place == duty) {
            queue_pull(queue, owner, place);
            return;
        }
}

size_t queue_count(const struct queue *queue)
{
    return queue->count;
}

struct duty *queue_take(struct queue *queue)
{
    struct queue_owner *owner = queue->turn, *begin = owner;

    if (!owner)
        return NULL;
    do {
        struct queue_owner *next = owner->next;
        for (struct duty **place = &owner->first; *place; place = &(*place)->next)
            if (!(*place)->file->run) {
                queue->turn = next;
                return queue_pull(queue, owner, place);
            }
        owner = next;
    } while (owner != begin);
    return NULL;
}

void queue_walk(const struct queue *queue, void (*walk)(void *argument, const struct duty *duty),
                void *argument)
{
    const struct queue_owner *owner = queue->turn;

    if (!owner)
        return;
    do {
        for (const struct duty *duty = owner->first; duty; duty = duty->next)
            walk(argument, duty);
        owner = owner->next;
    } while (owner != queue->turn);
}
