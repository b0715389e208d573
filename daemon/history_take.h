/* The requests that the history worker takes, one row each; for history_job.c alone. */
#ifndef HISTORY_TAKE_H
#define HISTORY_TAKE_H

#include "history_job.h"

struct history_taker {
    struct history *history;
    const struct history_host *host; /* rows go there */
    double prune_ms;                 /* no step of forgetting before this, by the monotonic clock */
};

struct history_request {
    const char *name;
    bool reads; /* and writes nothing: outside of a transaction */
    /* Leaves the answer NULL where it is the usual one, "listed" or "recorded". */
    enum status (*take)(struct history_taker *taker, const json_t *request, json_t **answer,
                        struct error *error);
};

/* NULL where there is none of that name. */
const struct history_request *history_request_find(const json_t *request);

#endif
