/*
 * The care around edited pages, whichever task edits them: the connections, what is checked and
 * copied before the first page is touched, what is checked after the last one, and what becomes of
 * the copy. The phases, in this order, each once:
 *
 *     vacuum_care_open()      another connection, the lease, the compaction (compact.h)
 *     vacuum_care_before()    the file is sound, and there is a copy; nothing was changed so far
 *     ... compact_order(), compact_shrink() on care.compact ...
 *     vacuum_care_after()     given how that went; says how all of it went
 *     vacuum_care_tell()      for the effect and the reason
 *     vacuum_care_close()
 *
 * Runs in a worker, as the file's owner, in the file's folder.
 */
#ifndef VACUUM_CARE_H
#define VACUUM_CARE_H

#include "compact.h"
#include "readwatch.h"
#include "task_engine.h"
#include "text.h"
#include "vacuum.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What becomes of the copy. */
enum vacuum_copy_fate {
    COPY_NONE,    /* there is none */
    COPY_MADE,    /* it is there, under its name */
    COPY_REMOVED, /* it was there, and the file was found sound without it */
    COPY_KEPT     /* there is a doubt: it has the name under which nothing removes it */
};

struct vacuum_care {
    struct engine *engine;
    bool backup;      /* a copy is made first */
    int64_t sound_us; /* when an integrity_check of this file was ok (vacuum_past); 0: never */

    /* From vacuum_care_open() on. The engine's database is another one then. */
    struct database *reading; /* the engine's connection till then */
    struct compact *compact;

    struct vacuum_check before, after;
    int64_t version; /* of the data (PRAGMA data_version), as `before` has counted it */
    bool checked;    /* the file was sound afterwards */
    bool compared;   /* nobody else had written, so its rows were compared with those before */
    enum vacuum_copy_fate copy;
    int64_t copy_bytes;
    bool marked; /* there is no copy, and a file beside the database says that pages were edited */

    /* Of a reading that is listened to, below. */
    bool enough; /* it was interrupted ... */
    bool closed; /* ... or not begun, since the window has closed */
    double looked_ms, until_ms;
    int64_t waits; /* bytes of the WAL that wait for a checkpoint */
};

/* The lease goes to the new connection, which the engine has from now on. */
enum status vacuum_care_open(struct vacuum_care *care, struct error *error) MUST_CHECK;
/* STATUS_REFUSED: the file is not sound, or a copy of it is not to be had. */
enum status vacuum_care_before(struct vacuum_care *care, struct error *error) MUST_CHECK;
/* Instead of it where no page is to be edited: the same checks of the file alone, for what an
 * earlier run has left, a copy or its mark; then that is removed. */
enum status vacuum_care_settle(struct vacuum_care *care, struct error *error) MUST_CHECK;
/* `worked` is how the work went, with its `error`. What it returns is never better than that. A
 * doubt is STATUS_FAILED. */
enum status vacuum_care_after(struct vacuum_care *care, enum status worked,
                              struct error *error) MUST_CHECK;
/* Adds to an effect, and to a reason ("; fragmentation 0.1%, before ..."). */
void vacuum_care_tell(const struct vacuum_care *care, json_t *found, struct text *said);
void vacuum_care_close(struct vacuum_care *care);

/* --- what a commit takes (vacuum_commit.c) ------------------------------------------------- */

/* Makes a few commits that change nothing. STATUS_REFUSED: max_lock is less than two of them. */
enum status vacuum_commit_probe(struct engine *engine, struct error *error) MUST_CHECK;

/* --- what reads for long (vacuum_listen.c) ------------------------------------------------- */

/* A statement of `database` that reads all of the file in one snapshot. It is interrupted where
 * that keeps more than max_wal of the log, or, where it keeps writers out, when the window closes;
 * then `care->enough` is true. Progress is told. */
struct vacuum_listen {
    struct vacuum_care *care;
    struct database *database;
    void (*begun)(void *argument); /* called at the first read; NULL: nothing */
    void *argument;
    int64_t bytes, total; /* read so far, and about as many as will be; 0: unknown */
    bool silent;          /* who reads tells the progress himself */
    bool harmless;        /* nobody waits for it, and no log: it reads another file */
    struct readwatch *watch;
};

void vacuum_listen_open(struct vacuum_listen *listen);
void vacuum_listen_close(struct vacuum_listen *listen);
/* What `status` of a statement means that was listened to: where it was interrupted, STATUS_BUSY;
 * `what` is "the check before the pages are moved". */
enum status vacuum_listen_ended(const struct vacuum_care *care, const char *what,
                                enum status status, struct error *error);

/* --- the copy (vacuum_copy.c, vacuum_copy_make.c) ------------------------------------------ */

/* STATUS_REFUSED: a copy that was kept is there, or something that is not ours has such a name. */
enum status vacuum_copy_guard(const struct engine *engine, struct error *error) MUST_CHECK;
/* Bytes of what an earlier run has left, a copy, a part of one, or its mark; 0: nothing. */
int64_t vacuum_copy_left(const struct engine *engine);
/* Removes what an earlier run has left; never anything else. */
enum status vacuum_copy_clear(const struct engine *engine, struct error *error) MUST_CHECK;

/* Makes a copy, beside the database, and verifies it; `care->before` gets the rows of its snapshot,
 * and `care->version` is of the same moment. Whatever goes wrong leaves no copy. */
enum status vacuum_copy_make(struct vacuum_care *care, struct error *error) MUST_CHECK;
/* Creates the empty file that it is written to, which nobody else can read. */
enum status vacuum_copy_create(const struct engine *engine, struct error *error) MUST_CHECK;
/* Which file that is. */
enum status vacuum_copy_identity(const struct engine *engine, struct identity *identity,
                                 struct error *error) MUST_CHECK;
/* Gives the verified file the database's group and rights, but none to others, and its name; on the
 * disk when this returns. */
enum status vacuum_copy_name(const struct engine *engine, int64_t *bytes,
                             struct error *error) MUST_CHECK;
/* Where there is to be no copy: an empty file, on the disk when this returns, which stays until the
 * database was checked as the copy would, so that a run which was killed is known. */
enum status vacuum_copy_mark(struct vacuum_care *care, struct error *error) MUST_CHECK;
void vacuum_copy_remove_part(const struct engine *engine);
void vacuum_copy_remove(struct vacuum_care *care); /* and the mark */
void vacuum_copy_keep(struct vacuum_care *care);
/* Where it is now, for people; the caller's to free. */
char *vacuum_copy_path(const struct vacuum_care *care);

#endif
