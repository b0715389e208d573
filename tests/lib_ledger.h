/*
 * A database that changes under litekeeper's hands, and the record of what must be in it: which
 * rows must stay, which may go, in which version. The record lies in shared memory, so that an
 * application in another process keeps it.
 */
#ifndef LIB_LEDGER_H
#define LIB_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

enum ledger_table { LEDGER_LOGS, LEDGER_ORDERS, LEDGER_TABLES };

enum ledger_state {
    LEDGER_NEVER, /* no such row, or one that the application itself has deleted */
    LEDGER_OLD,   /* past the cut-off and free to go */
    LEDGER_STAYS,
    LEDGER_STATES
};

enum { LEDGER_ROWS = 50000, LEDGER_ANY_ITEMS = -1 };

struct ledger_row {
    enum ledger_state state;
    int version;
    int items; /* LEDGER_ANY_ITEMS: some may have gone before the row was kept after all */
};

/* What the application is about to commit. Where it was killed, nobody knows whether it has. */
struct ledger_pending {
    int64_t id; /* 0: nothing */
    enum ledger_table table;
    struct ledger_row row; /* as it is then */
    bool fresh;            /* it has an id that was never used */
};

struct ledger {
    struct ledger_row rows[LEDGER_TABLES][LEDGER_ROWS];
    int64_t next[LEDGER_TABLES]; /* the first id that was never used */
    int64_t commits;             /* of the application */
    int64_t snapshots;           /* that it has read twice, and both times alike */
    int64_t ready;               /* processes of it that have begun; see lib_beside.h */
    struct ledger_pending pending;
    bool trigger;
    int fd; /* of the memory that it is in */
};

struct ledger_kind {
    const char *journal; /* "wal", "delete" */
    bool by_index;       /* orders have an index on their time, else are scanned by key */
    bool trigger;        /* a trigger notes in `gone` which orders went */
    int scale;           /* half that many thousand rows are old, in logs and orders together */
};

/* In shared memory until the process ends. */
struct ledger *ledger_new(void);
/* The same in another program that has got the descriptor; NULL: that is none. */
struct ledger *ledger_attach(int fd);
/* Makes the database. Half of its rows are 110 to 210 days old, half at most 90. logs have an
 * index on their time and nothing else; orders have items that cascade and holds that restrict. */
void ledger_make(const char *path, const struct ledger_kind *kind);
/* Makes the record say what is in a database fresh from ledger_make. */
void ledger_start(struct ledger *ledger, const struct ledger_kind *kind);

/* The application enters what it is about to commit, and then that it has it. */
void ledger_intend(struct ledger *ledger, const struct ledger_pending *pending);
void ledger_enter(struct ledger *ledger);
/* After it was killed: whether what it was about to commit is in the database is looked up there,
 * and entered. Once nobody has the database open: a commit that is in the WAL, but not yet in its
 * index, is there for the recovery alone. */
void ledger_settle(struct ledger *ledger, const char *path);

/* Fails the test unless the database is sound and holds what the record says. `complete`: and
 * none that is free to go. Returns the rows that have gone. */
int64_t ledger_check(const struct ledger *ledger, const char *path, bool complete);

#endif
