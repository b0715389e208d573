/* What the engine is given by whoever runs it: values alone, which the layers below it know too. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* When a file was found sound by a whole integrity_check, and which; `at_us` is 0: never, as far as
 * is known, or something was found since. */
struct engine_sound {
    int64_t at_us;
    uint64_t device, inode;
};

/* Which SQLite others write that file with, as its header said before we wrote it (enginewriter.h).
 * `version` is 0 where nothing is known. */
struct engine_writer {
    int version; /* 3040001 */
    int ours;    /* litekeeper's own then */
    int64_t at_us;
    uint64_t inode;
};

/* The last run of the very task that acted; `started_us` is 0 where there was none. */
struct engine_past {
    int64_t started_us;
    double seconds;
    json_t *effect; /* as the task itself has put it, or a later one that says "remember": true; may
                       be NULL; the job's */
    struct engine_sound sound;   /* by the task integrity of the same path */
    struct engine_writer writer; /* of the same path */
};

/* What the history remembers that decisions and guards need; -1 where it knows nothing. */
struct engine_memory {
    int64_t newest_us;      /* the last time that anything was recorded */
    int64_t boot_offset_us; /* wall clock less boot clock when this boot was first seen */
    bool was_synchronised;  /* the kernel has said so before, on this host */
    struct engine_past last;
    const json_t *holds; /* of a retention's table, an array of [first_us, last_us, set_us]: rows
                            whose times are between the first two were put back; the job's. NULL:
                            it can't be said */
};

struct engine_host {
    void (*emit)(void *argument, json_t *event); /* takes over the reference */
    bool (*stopped)(void *argument);             /* asked before each step */
    void *argument;
    /* Has the catalogue of archives note an event "segment" (taken over), and waits until that is
     * on the disk. NULL: there is no catalogue. */
    enum status (*record)(void *argument, json_t *segment, struct error *error);
    struct engine_writer writer; /* what is known of it; where nothing is, zeroes */
};

#endif
