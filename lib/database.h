/*
 * The one opener of application databases, and the one place where SQLite's result codes turn
 * into words. What it opens is guarded: no trust in the schema, no checkpoints of its own, no
 * waiting without end, and it can be stopped at any moment.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include "engine_host.h"
#include "error.h"
#include "identity.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct database;

struct database_facts {
    bool wal; /* WAL mode; else a rollback journal */
    uint32_t page_size;
    int auto_vacuum;        /* 0 none, 1 full (DATABASE_AUTO_VACUUM_FULL), 2 incremental */
    int last_writer;        /* SQLite's version that wrote last, 3040001; 0 unknown */
    int writer;             /* the application's, as far as is known (enginewriter.h) */
    bool reset_bug;         /* its library or ours can lose commits at a WAL reset */
    const char *replicator; /* "Litestream" where one owns the checkpoints; else NULL */
};

enum { DATABASE_AUTO_VACUUM_FULL = 1 };

enum database_mode { DATABASE_READ, DATABASE_WRITE };

/* Opens `name` in the current folder, which must be the file that was seen. `host` outlives it.
 * STATUS_REFUSED: moved or replaced, a schema or format newer than the library, not a database;
 * STATUS_BUSY: locked for longer than `busy_ms`. */
enum status database_open(const char *name, const struct identity *seen, enum database_mode mode,
                          double busy_ms, const struct engine_host *host,
                          struct database **database, struct error *error) MUST_CHECK;
void database_close(struct database *database);

sqlite3 *database_sql(struct database *database);
const char *database_name(const struct database *database);
const struct database_facts *database_facts(const struct database *database);
/* That the application's SQLite has the WAL-reset bug, if another connection has found so before:
 * the header may name ours since. What this one has found itself stays. */
void database_same_writer(struct database *database, const struct database *before);
const struct engine_host *database_host(const struct database *database);

/* STATUS_REFUSED where the path no longer leads to the open file. Asked before every step. */
enum status database_check_moved(struct database *database, struct error *error) MUST_CHECK;

/* From now on SQLite waits for each lock as long as `busy_ms`, and interrupts a statement that
 * still runs at `stop_at_ms` (clock_monotonic_ms; 0: never). The host's wish to stop interrupts,
 * too. */
void database_deadlines(struct database *database, double busy_ms, double stop_at_ms);
/* How long SQLite has waited for locks since then, in milliseconds. */
double database_waited_ms(const struct database *database);
/* Whether the last interrupt was for `stop_at_ms`, not for the host. */
bool database_overran(const struct database *database);

/* Whether the host wants us to stop. */
bool database_stopped(const struct database *database);
/* From now on its wish is not heard (or is again): for what must be cleaned up before we do. */
void database_persist(struct database *database, bool persist);

/* Where all of this process's connections put the temporary files that they open from now on
 * (SQLite's own variable); NULL: where SQLite chooses. `folder` is copied. */
void database_temp(const char *folder);

/* Has the disk take what the WAL has so far, without a lock: a commit with synchronous=FULL that
 * follows holds the lock only for what is new. Nothing in rollback-journal mode. */
void database_sync_log(struct database *database);

/* To be called before a commit may make the file shorter; not within a transaction. Behind each
 * commit the folder is synced, too (synchronous=EXTRA), in rollback-journal mode: SQLite cuts the
 * file off after it has unlinked the journal, which does not have the pages that go, so whatever
 * the disk did first, a power cut must not bring that journal back. */
enum status database_sync_folder(struct database *database, struct error *error) MUST_CHECK;

/* Statements of whatever kind may be run beside an application that changes its schema: it is never
 * their failure (STATUS_BUSY at worst). */

/* Runs SQL, one statement after the other; rows that it gives are of no interest. */
enum status database_exec(struct database *database, const char *sql,
                          struct error *error) MUST_CHECK;
/* Prepares one statement; `*statement` is the caller's to finalize. */
enum status database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement,
                             struct error *error) MUST_CHECK;
/* One step: STATUS_OK, with `*row` telling whether there is a row. */
enum status database_step(struct database *database, sqlite3_stmt *statement, bool *row,
                          struct error *error) MUST_CHECK;
/* Begins a transaction whose snapshot is taken when this returns, although the schema was not read
 * for it. Not within another one. STATUS_BUSY: as any read. */
enum status database_begin_read(struct database *database, struct error *error) MUST_CHECK;
/* Ends it, if it has not ended of itself (by an I/O error, for one). Nothing was written. */
void database_end_read(struct database *database);

/* What result code `rc` on this database means, in the operator's words. */
enum status database_error(struct database *database, int rc, struct error *error);

/* Whether the COMMIT that has failed last has committed all the same: in rollback-journal mode
 * SQLite syncs the folder and makes the file shorter when the journal is unlinked already. */
bool database_failed_behind(struct database *database);
/* After that: STATUS_FAILED, and what to know of `what` was committed ("this step"). */
enum status database_behind(struct database *database, const char *what, struct error *error);

/* Whether a read of the file or of its log has failed before, so that what SQLite calls damage need
 * not be any. */
bool database_read_failed(struct database *database);

/* Whether that error says that a statement needs a function, collation or module which only the
 * application has. */
bool database_lacks(const struct error *error);

/* The first column of the first row of `sql` as an integer; `otherwise` if there is none. */
enum status database_integer(struct database *database, const char *sql, int64_t otherwise,
                             int64_t *value, struct error *error) MUST_CHECK;

/* Goes up with every commit of anyone; read without a lock, so it is a hint alone. */
uint32_t database_changes(struct database *database);

#endif
