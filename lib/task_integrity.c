/* Integrity: checks that the file is sound. Not built yet: its options alone. */
#include "task_kinds.h"

enum integrity_level { INTEGRITY_QUICK, INTEGRITY_FULL };

struct integrity_options {
    struct task_common common;
    int level; /* enum integrity_level */
};

static const struct option_choice levels[] = {{"quick", INTEGRITY_QUICK, false},
                                              {"full", INTEGRITY_FULL, false},
                                              {NULL, 0, false}};

#define FIELD(name) offsetof(struct integrity_options, name)

static const struct option integrity_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "weekly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"level", OPTION_CHOICE, 0, FIELD(level), "quick", NULL, NULL, levels, NULL,
     "how thorough it is; quick does not compare indexes with their tables"},
    {.name = NULL}};

const struct task_kind task_integrity = {
    .name = "integrity",
    .help = "checks that the file is sound, foreign keys too",
    .flags = TASK_NOT_YET | TASK_READ_ONLY,
    .section = {sizeof(struct integrity_options), integrity_options, NULL},
};
