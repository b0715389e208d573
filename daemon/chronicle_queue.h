/*
 * Requests to the history on their way: those to be sent, those that are sent and not answered,
 * and those that are kept for later. Each is the line that is sent, since that is the shortest
 * form of it. For chronicle.c alone.
 */
#ifndef CHRONICLE_QUEUE_H
#define CHRONICLE_QUEUE_H

#include "chronicle.h"

#include <stdbool.h>
#include <sys/queue.h>

enum queue_place { QUEUE_WAITING, QUEUE_SENT, QUEUE_KEPT, QUEUE_PLACES };

struct queue_request {
    TAILQ_ENTRY(queue_request) link;
    enum queue_place place;
    uint64_t number; /* in the order of asking */
    char *line;
    size_t length;
    bool tells;      /* to be kept where it can't be written */
    bool spare;      /* the first to go where too many are kept */
    bool last;       /* part of what was asked; only this one has its answers */
    bool had_row;    /* so that it can't be asked again */
    bool ended;      /* its end was called */
    unsigned deaths; /* of workers that were at it */
    struct chronicle_answers answers;
};

TAILQ_HEAD(queue_list, queue_request);

struct queue {
    struct queue_list lists[QUEUE_PLACES];
    size_t counts[QUEUE_PLACES], bytes[QUEUE_PLACES];
    size_t pending; /* not ended */
    uint64_t number;
};

void queue_init(struct queue *queue);
/* A request at the end of those that wait. */
struct queue_request *queue_add(struct queue *queue, const json_t *request);
/* To another place: there in the order of asking; among those that are sent the last. */
void queue_move(struct queue *queue, struct queue_request *request, enum queue_place place);
void queue_move_all(struct queue *queue, enum queue_place from, enum queue_place to);
/* Out of its list, to be freed by queue_free. */
void queue_remove(struct queue *queue, struct queue_request *request);
void queue_free(struct queue_request *request);

struct queue_request *queue_first(const struct queue *queue, enum queue_place place);
struct queue_request *queue_last(const struct queue *queue, enum queue_place place);
/* How many have had their end and still wait to be written. */
size_t queue_kept(const struct queue *queue);
/* The one to go where there are too many; NULL where there are not. */
struct queue_request *queue_surplus(const struct queue *queue);

#endif
