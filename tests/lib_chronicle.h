/* A chronicle on a loop of its own, for tests, and what was asked of it. */
#ifndef LIB_CHRONICLE_H
#define LIB_CHRONICLE_H

#include "chronicle.h"

#include <stdbool.h>
#include <uv.h>

struct chronicled {
    uv_loop_t loop;
    char *state;                 /* the folder */
    struct chronicle *chronicle; /* NULL once it is closed */
    size_t asked, ended, failed; /* questions; ends; those of them with an error */
    struct error error;          /* the last */
    json_t *rows;                /* of all answers, but not so many */
    size_t row_count;            /* all of them */
    json_t *answer;              /* the last */
    size_t troubles, over, lost;
    char why[512]; /* the last trouble */
};

/* If this process is a worker, serves a history and exits; else returns. First of all in main. In
 * a state folder of that name the worker is of another kind: "dies" at each request, is "mute",
 * or "floods" its parent with rows. */
void chronicled_main(int argc, char **argv);

void chronicled_open(struct chronicled *chronicled, const char *state);
void chronicled_open_in(struct chronicled *chronicled, const char *name); /* of the test's folder */
/* Takes over the request. */
void chronicled_ask(struct chronicled *chronicled, json_t *request);
/* Runs the loop until so many questions have had their end, or nothing is kept any more; gives up
 * after a minute. */
void chronicled_await(struct chronicled *chronicled, size_t ended);
void chronicled_await_written(struct chronicled *chronicled);
void chronicled_await_over(struct chronicled *chronicled, size_t over); /* so many troubles */
/* Asks, and waits for the answer, which must come. */
const json_t *chronicled_answer(struct chronicled *chronicled, json_t *request);
void chronicled_run(struct chronicled *chronicled, unsigned ms);
void chronicled_close(struct chronicled *chronicled);

/* An outcome of "sample" or another task with so many b-trees. */
json_t *chronicled_outcome(const char *task, const char *outcome, int btrees);

/* A request that records such an outcome of 3 b-trees, for the file /srv/w.db. */
json_t *chronicled_request(const char *task, int64_t started_us);
/* Asks for samples of these times to be recorded; that many and no others are in the folder
 * "state". */
void chronicled_record(struct chronicled *chronicled, int64_t from, int64_t to);
void chronicled_check_runs(int64_t count);

#endif
