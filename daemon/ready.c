/* A ring of owners, each with its line; an owner whose line is empty leaves the ring. */
#include "ready.h"

#include "file.h"
#include "memory.h"

#include <stdlib.h>
#include <sys/types.h>

enum { READY_BUCKETS = 1024 };

struct ready_owner {
    uid_t user;
    struct duty *first, **end;
    struct ready_owner *next, *previous; /* in the ring */
    struct ready_owner *chain;           /* in its bucket */
};

struct ready {
    struct ready_owner *turn; /* whose turn it is; NULL: the ring is empty */
    size_t count;
    struct ready_owner *buckets[READY_BUCKETS];
};

struct ready *ready_new(void)
{
    return memory_new(struct ready);
}

static struct ready_owner **ready_find(struct ready *ready, uid_t user)
{
    struct ready_owner **owner = &ready->buckets[user % READY_BUCKETS];

    while (*owner && (*owner)->user != user)
        owner = &(*owner)->chain;
    return owner;
}

/* At the ring's end, which is before whose turn it is. */
static struct ready_owner *ready_join(struct ready *ready, uid_t user)
{
    struct ready_owner **place = ready_find(ready, user), *owner = *place;

    if (owner)
        return owner;
    *place = owner = memory_new(struct ready_owner);
    owner->user = user;
    owner->end = &owner->first;
    owner->next = ready->turn ? ready->turn : owner;
    owner->previous = ready->turn ? ready->turn->previous : owner;
    owner->previous->next = owner->next->previous = owner;
    if (!ready->turn)
        ready->turn = owner;
    return owner;
}

static void ready_leave(struct ready *ready, struct ready_owner *owner)
{
    *ready_find(ready, owner->user) = owner->chain;
    owner->previous->next = owner->next;
    owner->next->previous = owner->previous;
    if (ready->turn == owner)
        ready->turn = owner->next == owner ? NULL : owner->next;
    free(owner);
}

void ready_free(struct ready *ready)
{
    while (ready && ready->turn)
        ready_leave(ready, ready->turn);
    free(ready);
}

void ready_put(struct ready *ready, struct duty *duty)
{
    struct ready_owner *owner = ready_join(ready, duty->file->seen.owner);

    duty->next = NULL;
    *owner->end = duty;
    owner->end = &duty->next;
    ready->count++;
}

/* Takes the duty at `*place` out of its owner's line. */
static struct duty *ready_pull(struct ready *ready, struct ready_owner *owner, struct duty **place)
{
    struct duty *duty = *place;

    *place = duty->next;
    if (!duty->next)
        owner->end = place;
    duty->next = NULL;
    ready->count--;
    if (!owner->first)
        ready_leave(ready, owner);
    return duty;
}

void ready_remove(struct ready *ready, struct duty *duty)
{
    struct ready_owner *owner = *ready_find(ready, duty->file->seen.owner);

    for (struct duty **place = owner ? &owner->first : NULL; place && *place;
         place = &(*place)->next)
        if (*place == duty) {
            ready_pull(ready, owner, place);
            return;
        }
}

size_t ready_count(const struct ready *ready)
{
    return ready->count;
}

struct duty *ready_take(struct ready *ready)
{
    struct ready_owner *owner = ready->turn, *begin = owner;

    if (!owner)
        return NULL;
    do {
        struct ready_owner *next = owner->next;
        for (struct duty **place = &owner->first; *place; place = &(*place)->next)
            if (!(*place)->file->run) {
                ready->turn = next;
                return ready_pull(ready, owner, place);
            }
        owner = next;
    } while (owner != begin);
    return NULL;
}

void ready_walk(const struct ready *ready, void (*walk)(void *argument, const struct duty *duty),
                void *argument)
{
    const struct ready_owner *owner = ready->turn;

    if (!owner)
        return;
    do {
        for (const struct duty *duty = owner->first; duty; duty = duty->next)
            walk(argument, duty);
        owner = owner->next;
    } while (owner != ready->turn);
}
