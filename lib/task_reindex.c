/*
 * Reindex: rebuilds indexes whose leaves are half empty or lie about in the file. Here its options;
 * reindex.h tells where the rest is. Runs in a worker.
 */
#include "reindex.h"
#include "task_kinds.h"

static const struct option_choice modes[] = {{"auto", REINDEX_AUTO, false},
                                             {"online", REINDEX_ONLINE, false},
                                             {"offline", REINDEX_OFFLINE, false},
                                             {NULL, 0, false}};

#define FIELD(name) offsetof(struct reindex_options, name)

static const struct option reindex_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "monthly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"fragmentation_above", OPTION_SHARE, 0, FIELD(fragmentation_above), "10%", "0%", "100%", NULL,
     NULL, "rebuild an index more fragmented than this"},
    {"density_below", OPTION_SHARE, 0, FIELD(density_below), "65%", "0%", "100%", NULL, NULL,
     "rebuild an index whose leaves are filled less than this"},
    {"min_size", OPTION_SIZE, 0, FIELD(min_size), "8MiB", NULL, NULL, NULL, NULL,
     "smaller indexes are left alone"},
    {"mode", OPTION_CHOICE, 0, FIELD(mode), "auto", NULL, NULL, modes, NULL,
     "how it is done; auto is online where it can be, else in the window"},
    {.name = NULL}};

const struct task_kind task_reindex = {
    .name = "reindex",
    .help = "rebuilds fragmented indexes",
    .unit = "key",
    .flags = TASK_REMEMBERS,
    .section = {sizeof(struct reindex_options), reindex_options, NULL},
    .measure = reindex_measure,
    .decide = reindex_decide,
    .run = reindex_run,
    .free_facts = reindex_free_facts,
};
