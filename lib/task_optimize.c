/* Optimize: refreshes the planner's statistics. Not built yet: its options alone. */
#include "task_kinds.h"

struct optimize_options {
    struct task_common common;
    int64_t analysis_limit;
};

#define FIELD(name) offsetof(struct optimize_options, name)

static const struct option optimize_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "daily", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"analysis_limit", OPTION_COUNT, 0, FIELD(analysis_limit), "400", "1", "100000", NULL, NULL,
     "entries of each index that are looked at"},
    {.name = NULL}};

const struct task_kind task_optimize = {
    .name = "optimize",
    .help = "refreshes the planner's statistics",
    .flags = TASK_NOT_YET,
    .section = {sizeof(struct optimize_options), optimize_options, NULL},
};
