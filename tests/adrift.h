/*
 * A litekeeper whose clock can be set: the very program, linked with adrift.c between it and the
 * system's clock. It goes by the file "clock" beside its own file, and so do its workers.
 */
#ifndef ADRIFT_H
#define ADRIFT_H

#include <stdint.h>

/* What the file holds. */
struct adrift {
    int64_t set_us;       /* how much the wall clock was set forward; less than 0: back */
    int64_t passed_us;    /* time that has passed in no time, by the wall and since the boot */
    int32_t sets;         /* how often it was set */
    int32_t synchronised; /* what the kernel says of it */
};

#endif
