/*
 * The chronicle's conversation with its worker, and what is made of its answers. For chronicle.c
 * alone.
 */
#ifndef CHRONICLE_TALK_H
#define CHRONICLE_TALK_H

#include "chronicle.h"
#include "chronicle_queue.h"
#include "launch.h"

#include <stdbool.h>

enum chronicle_trouble {
    CHRONICLE_WELL,
    CHRONICLE_LOST,     /* another file than before; over with the next answer */
    CHRONICLE_DEAD,     /* no worker answers; over with the next answer */
    CHRONICLE_UNWRITTEN /* over when all that was kept is written */
};

struct chronicle {
    uv_loop_t *loop;
    char *state;
    struct queue queue;
    struct launch *worker; /* NULL: none, the next request or `retry` starts one */
    bool doomed;           /* it is killed, and nothing more is sent */
    bool opened;           /* a worker has had a file open */
    unsigned window;       /* grows with each answer, since a worker that dies takes all along */
    unsigned deaths;       /* since the last answer */
    uv_timer_t retry;      /* while it runs what failed is left alone */
    uint64_t delay_ms;     /* the next time that it runs */
    uv_timer_t patience;   /* with a worker that says nothing */
    uint64_t patience_ms;
    enum chronicle_trouble trouble;
    struct error why;  /* the trouble */
    struct error part; /* what went wrong with an earlier part of a request */
    bool dropped;      /* and said so */
    void (*troubled)(void *argument, const char *why);
    void *argument;
    void (*lost)(void *argument);
    void *lost_argument;
    bool closing;
    uv_timer_t grace;
    void (*closed)(void *argument);
    void *closed_argument;
    int open; /* handles */
};

/* To be called after each change: talks on, and ends a chronicle that is to be closed and has
 * nothing more to do. In chronicle.c. */
void chronicle_step(struct chronicle *chronicle);

/* Starts a worker where one is needed, and sends what there is room for. */
void chronicle_talk(struct chronicle *chronicle);
/* Whether what failed is left alone for now. */
bool chronicle_blocked(const struct chronicle *chronicle);
/* All that is kept is tried again, now. */
void chronicle_again(struct chronicle *chronicle);

/* Its end, and its own end. */
void chronicle_finish(struct chronicle *chronicle, struct queue_request *request,
                      const json_t *answer, const struct error *error);
/* It can't be had now: nobody waits for it any more, but what tells something is kept. */
void chronicle_set_aside(struct chronicle *chronicle, struct queue_request *request,
                         const struct error *error);
/* So for all that waits and was sent. */
void chronicle_set_aside_all(struct chronicle *chronicle, const struct error *error);

#endif
