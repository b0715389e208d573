/* The options of sample. */
#include "task_sample.h"

#define FIELD(name) offsetof(struct sample_options, name)

const struct option sample_options[] = {{"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule),
                                         "hourly", NULL, NULL, NULL, NULL, "when it is due"},
                                        {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false",
                                         NULL, NULL, NULL, NULL, "decide and report, never act"},
                                        {.name = NULL}};
