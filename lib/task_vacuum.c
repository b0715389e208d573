/* Vacuum: gives free pages back to the file system. Not built yet: its options alone. */
#include "task_kinds.h"

enum vacuum_mode { VACUUM_AUTO, VACUUM_INCREMENTAL, VACUUM_FULL };

struct vacuum_options {
    struct task_common common;
    double free_above;
    int64_t free_bytes_above;
    int mode; /* enum vacuum_mode */
    bool renumber_rowids;
};

static const struct option_choice modes[] = {{"auto", VACUUM_AUTO, false},
                                             {"incremental", VACUUM_INCREMENTAL, false},
                                             {"full", VACUUM_FULL, false},
                                             {NULL, 0, false}};

#define FIELD(name) offsetof(struct vacuum_options, name)

static const struct option vacuum_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "weekly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"free_above", OPTION_SHARE, 0, FIELD(free_above), "20%", "0%", "100%", NULL, NULL,
     "act when more of the file than this is free pages"},
    {"free_bytes_above", OPTION_SIZE, 0, FIELD(free_bytes_above), "64MiB", NULL, NULL, NULL, NULL,
     "act when they are more bytes than this, too"},
    {"mode", OPTION_CHOICE, 0, FIELD(mode), "auto", NULL, NULL, modes, NULL,
     "how it is done; auto is incremental where the file allows it, else full in the window"},
    {"renumber_rowids", OPTION_BOOL, 0, FIELD(renumber_rowids), "false", NULL, NULL, NULL, NULL,
     "allow a full VACUUM although tables without INTEGER PRIMARY KEY get new rowids"},
    {.name = NULL}};

const struct task_kind task_vacuum = {
    .name = "vacuum",
    .help = "gives free pages back to the file system",
    .flags = TASK_NOT_YET,
    .section = {sizeof(struct vacuum_options), vacuum_options, NULL},
};
