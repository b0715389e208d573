/*
 * An application of several processes beside litekeeper, by any version of SQLite: one writes
 * (lib_writer.h), some read in snapshots that they hold for a while, one changes the schema. They
 * work on a database of shrink_make_ledger.
 */
#ifndef LIB_BESIDE_H
#define LIB_BESIDE_H

#include "lib_ledger.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum beside_role { BESIDE_WRITER, BESIDE_READER, BESIDE_CHANGER, BESIDE_ROLES };

enum { BESIDE_MOST = 4 };

struct beside_way {
    const char *library; /* a folder of lib_stranger.h; NULL: the test's own SQLite */
    int64_t mmap;        /* bytes of the file that it maps, 0: none */
    int readers;         /* at most two; only in WAL mode, or they keep everybody out */
    bool changer;
};

struct beside {
    struct ledger *ledger;
    const char *path;
    pid_t processes[BESIDE_MOST];
    size_t count;
};

/* Returns once all have begun and one has committed. `ledger` and `path` outlive it. */
void beside_start(struct beside *beside, struct ledger *ledger, const char *path,
                  const struct beside_way *way, uint64_t random);
/* Kills all of them. What became of the last commit is for ledger_settle(). */
void beside_kill(struct beside *beside);
/* Ends each between two transactions, and fails the test if any of them has failed. */
void beside_stop(struct beside *beside);

/* A process of it. */
_Noreturn void beside_main(enum beside_role role, struct ledger *ledger, const char *path,
                           int64_t mmap, uint64_t random);
/* Reads until it is told to end, and fails where a snapshot is not what the ledger allows, or what
 * it read is another thing when it is read again (lib_beside_reader.c). */
void beside_read(const volatile bool *told, struct ledger *ledger, sqlite3 *db, uint64_t random);

#endif
