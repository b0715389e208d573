/*
 * What a power cut can leave of the files of a recording (recorder.h). What was synced is there; of
 * all that was written, cut off, made or unlinked since then anything or nothing may be, in any
 * combination, a write in parts of 512 bytes, and where a file had grown, bytes of somebody else's.
 */
#ifndef LIB_POWER_H
#define LIB_POWER_H

#include "recorder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct power;

/* What the replay gets wrong on purpose, to show that a fault would be found. */
enum power_flaw {
    POWER_SOUND,
    POWER_ALONE, /* nothing but the database itself is left: no -wal, no -journal */
    POWER_DEAF,  /* syncs of what lies beside the database count for nothing */
};

/* The last commits of the application as of a moment. */
struct power_commits {
    int acknowledged;  /* till then */
    int before_log;    /* before the last sync of the -wal */
    int before_folder; /* before the last sync of the folder */
};

/* Reads `folder`'s recording; `before` is what its file `name` held at the beginning, all of it on
 * the disk, and nothing lay beside it. Fails the test if another file than it, its -wal, its
 * -journal and litekeeper's mark was touched. */
struct power *power_open(const char *folder, const char *name, const char *before,
                         enum power_flaw flaw);
void power_close(struct power *power);

size_t power_count(const struct power *power); /* entries, the application's own aside */
/* A moment worth a look, as a number of entries: any, or one beside a sync, a truncation or an
 * unlinking; or `amid` what is written to the database itself. */
size_t power_choose(const struct power *power, bool amid, uint64_t *random);

/* Goes on to the moment behind so many entries, never back. */
void power_go(struct power *power, size_t entries);
struct power_commits power_commits(const struct power *power);
/* Puts what a cut at that moment leaves into a folder, as a file `name` and those beside it. */
void power_cut(const struct power *power, const char *folder, uint64_t *random);
/* Fails the test unless the files of a folder are all that has been written till that moment. */
void power_same(const struct power *power, const char *folder);

#endif
