/*
 * What `run` and `plan` have in common: one task on one file, through a worker, with its last word
 * waited for; and what an exit status is made of.
 */
#ifndef WORK_H
#define WORK_H

#include "command.h"
#include "engine_host.h"
#include "remember.h"
#include "selection.h"
#include "session.h"

#include <jansson.h>

struct work {
    const char *kind; /* the job's: "run", "plan", "restore" */
    const char *last; /* the kind of the event that is its last word: "outcome" or "plan" */
    const struct config *config;
    const struct command_line *line;
    int64_t at_us;                /* -1: now */
    struct engine_memory memory;  /* what the history knows */
    struct schedule_past counted; /* likewise, for the schedule */
    void (*event)(json_t *event); /* what comes before the last word; borrowed */
    struct remember *remember;    /* for the catalogue of archives; NULL: there is none */
    json_t *order;                /* of a "restore": see errand_order; else NULL */
    const char *owned;            /* likewise */
};

/* Adds what the history knows of the task's own past, where it goes by that. */
void work_recall(struct work *work, struct remember *remember, const struct selection *selection,
                 const struct selection_item *item);

/* The last word, a new reference, its subject being `item`; where the worker had none it is made
 * here, from the refusal of the file or from what became of the worker. */
json_t *work_do(struct session *session, const struct work *work, const struct selection *selection,
                const struct selection_item *item);

/* The exit status that an outcome or a plan stands for, and the more serious of two. */
int work_exit(const json_t *last, bool interrupted);
int work_worse(int one, int other);

/* Loads the policy that the command line names, or says all that is wrong with it. Returns -1 or
 * the exit status. */
int work_config(const struct command_line *line, struct config **config);

/* The folder of litekeeper's memory: the policy's, or the standard one. The caller's to free. */
char *work_state(const struct config *config);

#endif
