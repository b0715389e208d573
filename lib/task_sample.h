/* Samples: sizes, free pages, fragmentation into the history. Here its options. */
#ifndef TASK_SAMPLE_H
#define TASK_SAMPLE_H

#include "task.h"

struct sample_options {
    struct task_common common;
};

extern const struct option sample_options[];

#endif
