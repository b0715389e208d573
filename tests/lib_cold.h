/*
 * A table, or a family of three, whose old rows leave for an archive while an application writes to
 * it, and the model of what must be where. Each version that the application gives a row has a
 * number of its own, and all columns follow from that, so that a row is known wherever it is found.
 */
#ifndef LIB_COLD_H
#define LIB_COLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { COLD_VERSIONS = 2000000, COLD_IDS = 200000 };

/* In shared memory: the application, a process of its own, keeps it. */
struct cold {
    uint8_t there[COLD_VERSIONS]; /* that version is a row, wherever */
    int32_t version[COLD_IDS];    /* of the row of that id in the database; 0: there is none */
    int32_t next_version, next_id;
    volatile bool stop;
    bool restless, family;
    int64_t commits;
    char wrong[256]; /* the first error of the application */
};

struct cold_kind {
    const char *journal; /* "wal", "delete" */
    bool index;          /* on the time */
    const char *archive; /* further options of the policy's `archive:` */
    bool restless;       /* now and then the application drops that index and makes it again */
    bool family;         /* rows of items refer to logs, and of notes to items, and go with them */
};

enum { COLD_TABLES = 3 };
/* How many there are, and which; a row's id says in which it is. */
extern const char *const cold_tables[COLD_TABLES];
int cold_table_count(const struct cold *cold);

/* Makes the folder's app.db with `rows` old rows, its policy, and an empty archive. */
struct cold *cold_make(const struct cold_kind *kind, int rows);

/* The text of a version's row. */
void cold_text(int64_t version, char text[64]);

/* Starts the application; ends it between two transactions. */
pid_t cold_start(struct cold *cold, uint64_t random);
void cold_stop(struct cold *cold, pid_t application);

/* Fails the test unless every row is in the database or in a segment that is done, none in both and
 * none twice, and each is what it was. While a segment is unfinished (`unfinished`, if there may be
 * one), its rows may be in both, or versions that are no more. Returns the rows that are archived.
 * Nobody else uses the database now. */
int64_t cold_check(const struct cold *cold, bool unfinished);

#endif
