/* The lists of requests to the history. Runs in the parent; knows of no worker. */
#include "chronicle_queue.h"

#include "history_job.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

void queue_init(struct queue *queue)
{
    *queue = (struct queue){.number = 0};
    for (int place = 0; place < QUEUE_PLACES; place++)
        TAILQ_INIT(&queue->lists[place]);
}

struct queue_request *queue_first(const struct queue *queue, enum queue_place place)
{
    return TAILQ_FIRST(&queue->lists[place]);
}

struct queue_request *queue_last(const struct queue *queue, enum queue_place place)
{
    return TAILQ_LAST(&queue->lists[place], queue_list);
}

size_t queue_kept(const struct queue *queue)
{
    size_t all = 0;

    for (int place = 0; place < QUEUE_PLACES; place++)
        all += queue->counts[place];
    return all - queue->pending;
}

static void queue_put(struct queue *queue, struct queue_request *request, enum queue_place place)
{
    struct queue_request *before = queue_last(queue, place);

    while (place != QUEUE_SENT && before && before->number > request->number)
        before = TAILQ_PREV(before, queue_list, link);
    if (before)
        TAILQ_INSERT_AFTER(&queue->lists[place], before, request, link);
    else
        TAILQ_INSERT_HEAD(&queue->lists[place], request, link);
    request->place = place;
    queue->counts[place]++;
    queue->bytes[place] += request->length;
}

void queue_remove(struct queue *queue, struct queue_request *request)
{
    TAILQ_REMOVE(&queue->lists[request->place], request, link);
    queue->counts[request->place]--;
    queue->bytes[request->place] -= request->length;
}

struct queue_request *queue_add(struct queue *queue, const json_t *request)
{
    struct queue_request *added = memory_new(struct queue_request);

    added->line = json_dumps(request, JSON_COMPACT);
    added->length = strlen(added->line);
    added->tells = history_job_tells(request);
    added->spare = history_job_spare(request);
    added->number = ++queue->number;
    queue->pending++;
    queue_put(queue, added, QUEUE_WAITING);
    return added;
}

void queue_move(struct queue *queue, struct queue_request *request, enum queue_place place)
{
    queue_remove(queue, request);
    queue_put(queue, request, place);
}

void queue_move_all(struct queue *queue, enum queue_place from, enum queue_place to)
{
    struct queue_request *request;

    while ((request = queue_first(queue, from)))
        queue_move(queue, request, to);
}

void queue_free(struct queue_request *request)
{
    free(request->line);
    free(request);
}

static struct queue_request *queue_find(const struct queue *queue, enum queue_place place,
                                        bool spare)
{
    struct queue_request *request = queue_first(queue, place);

    while (request && !(request->tells && (request->spare || !spare)))
        request = TAILQ_NEXT(request, link);
    return request;
}

struct queue_request *queue_surplus(const struct queue *queue)
{
    struct queue_request *request;

    if (queue->counts[QUEUE_KEPT] + queue->counts[QUEUE_WAITING] <= CHRONICLE_REQUESTS &&
        queue->bytes[QUEUE_KEPT] + queue->bytes[QUEUE_WAITING] <= CHRONICLE_BYTES)
        return NULL;
    for (int spare = 1; spare >= 0; spare--)
        if ((request = queue_find(queue, QUEUE_KEPT, spare)) ||
            (request = queue_find(queue, QUEUE_WAITING, spare)))
            return request;
    return queue_first(queue, QUEUE_WAITING);
}
