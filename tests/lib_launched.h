/*
 * A worker started by launch.h on a loop of its own, for tests: the test program is the worker's
 * program too (launched_main), so that its table may have kinds of job of the test's making.
 */
#ifndef LIB_LAUNCHED_H
#define LIB_LAUNCHED_H

#include "error.h"
#include "launch.h"
#include "worker.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct launched {
    uv_loop_t loop;
    struct launch *launch; /* NULL once it has ended */
    int process;
    json_t *events; /* an array */
    bool ended;
    struct error error;
};

/* If this process is a worker, serves `kinds` and exits; else returns. First of all in main. */
void launched_main(int argc, char **argv, const struct worker_kind *kinds);

/* Takes over the job. */
void launched_start(struct launched *launched, json_t *job, int64_t time_limit_ms);
/* Runs the loop until there are `count` events or the worker has ended; gives up after 60 s. */
void launched_await(struct launched *launched, size_t count);
void launched_finish(struct launched *launched); /* until it has ended */
void launched_free(struct launched *launched);

/* The text of notice `index`, "" if there is none. */
const char *launched_notice(const struct launched *launched, size_t index);
/* In the worker: emits a notice. */
void launched_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
