/*
 * Indexes: builds those that must be there, drops those that must not, and watches what becomes of
 * the plans of queries. indexes.h tells where the parts are. Runs in a worker.
 */
#include "indexes.h"
#include "task_kinds.h"

const struct task_kind task_indexes = {
    .name = "indexes",
    .help = "builds and drops indexes, and watches query plans",
    .unit = "key",
    .flags = TASK_REMEMBERS,
    .section = {sizeof(struct indexes_options), indexes_options, indexes_check},
    .measure = indexes_measure,
    .decide = indexes_decide,
    .run = indexes_run,
    .free_facts = indexes_free_facts,
    .look = indexes_look,
};
