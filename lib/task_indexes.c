/* Indexes: makes those that must be there and drops others. Not built yet: its options alone. */
#include "task_kinds.h"

struct indexes_options {
    struct task_common common;
    struct option_texts watch, ensure, drop;
};

#define FIELD(name) offsetof(struct indexes_options, name)

static const struct option indexes_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "daily", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"watch", OPTION_TEXTS, 0, FIELD(watch), NULL, NULL, NULL, NULL, NULL,
     "queries whose plans are compared before and after"},
    {"ensure", OPTION_TEXTS, 0, FIELD(ensure), NULL, NULL, NULL, NULL, NULL,
     "CREATE INDEX statements of the indexes that must be there"},
    {"drop", OPTION_TEXTS, 0, FIELD(drop), NULL, NULL, NULL, NULL, NULL,
     "names of the indexes that must not"},
    {.name = NULL}};

const struct task_kind task_indexes = {
    .name = "indexes",
    .help = "makes and drops indexes",
    .flags = TASK_NOT_YET,
    .section = {sizeof(struct indexes_options), indexes_options, NULL},
};
