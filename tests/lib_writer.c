/* What it does is a table: SQL on a row, which rows it wants, and what becomes of them. */
#include "lib_writer.h"

#include "clock.h"
#include "lib_randomdb.h"
#include "lib_sql.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_TEXT "hex(randomblob(50))"

enum { WRITER_PAUSE_US = 3000, WRITER_TRIES = 20 };

/* ?1 is the row's id, ?2 its version from then on. */
static const struct writer_deed {
    const char *sql;
    enum ledger_table table;
    enum ledger_state wants, leaves; /* LEDGER_NEVER wants: a new row */
    int items;                       /* that the row has then */
} writer_deeds[] = {
    {"INSERT INTO logs VALUES(?1, datetime('now'), ?2, " LONG_TEXT ")", LEDGER_LOGS, LEDGER_NEVER,
     LEDGER_STAYS, 0},
    {"INSERT INTO orders VALUES(?1, strftime('%s', 'now') + 0, ?2, " LONG_TEXT ");"
     "INSERT INTO items(order_id, what) SELECT ?1, 'one' UNION ALL SELECT ?1, 'two'"
     " UNION ALL SELECT ?1, 'three'",
     LEDGER_ORDERS, LEDGER_NEVER, LEDGER_STAYS, 3},
    {"UPDATE logs SET version = ?2, message = " LONG_TEXT " WHERE id = ?1", LEDGER_LOGS,
     LEDGER_STAYS, LEDGER_STAYS, 0},
    {"UPDATE logs SET version = ?2, timestamp = datetime('now') WHERE id = ?1", LEDGER_LOGS,
     LEDGER_OLD, LEDGER_STAYS, 0},
    {"UPDATE orders SET version = ?2, created = strftime('%s', 'now') + 0 WHERE id = ?1",
     LEDGER_ORDERS, LEDGER_OLD, LEDGER_STAYS, LEDGER_ANY_ITEMS},
    {"UPDATE orders SET version = ?2 WHERE id = ?1; INSERT INTO holds(order_id) VALUES(?1)",
     LEDGER_ORDERS, LEDGER_OLD, LEDGER_STAYS, LEDGER_ANY_ITEMS},
    {"DELETE FROM logs WHERE id = ?1", LEDGER_LOGS, LEDGER_STAYS, LEDGER_NEVER, 0},
};

static volatile sig_atomic_t writer_told;

static void writer_tell(int number)
{
    (void)number;
    writer_told = 1;
}

static _Noreturn void writer_fail(sqlite3 *db, const char *sql)
{
    fprintf(stderr, "the application: %s: %s (%d)\n", sql, sqlite3_errmsg(db),
            sqlite3_extended_errcode(db));
    _exit(1);
}

static void writer_do(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        writer_fail(db, sql);
}

/* One statement after the other; false if a row is not there to be changed or referred to. */
static bool writer_change(sqlite3 *db, const char *sql, int64_t id, int version)
{
    sqlite3_stmt *statement;
    bool changed = true;

    for (const char *rest = sql; changed && *rest;) {
        if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK)
            writer_fail(db, sql);
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int(statement, 2, version); /* out of range where there is none */
        sqlite3_step(statement);
        int rc = sqlite3_finalize(statement);
        if (rc != SQLITE_OK)
            writer_fail(db, sql);
        changed = sqlite3_changes(db) > 0;
    }
    return changed;
}

/* A row as the deed wants it, or 0. */
static int64_t writer_choose(struct ledger *ledger, const struct writer_deed *deed,
                             uint64_t *random)
{
    int64_t next = ledger->next[deed->table];

    if (deed->wants == LEDGER_NEVER)
        return next < LEDGER_ROWS ? next : 0;
    for (int i = 0; i < WRITER_TRIES; i++) {
        int64_t id = 1 + randomdb_number(random, next - 1);
        if (ledger->rows[deed->table][id].state == deed->wants)
            return id;
    }
    return 0;
}

static void writer_step(struct ledger *ledger, sqlite3 *db, uint64_t *random)
{
    const int64_t kinds = sizeof writer_deeds / sizeof *writer_deeds;
    const struct writer_deed *deed = &writer_deeds[randomdb_number(random, kinds)];
    int64_t id = writer_choose(ledger, deed, random);

    if (!id)
        return;
    int version = ledger->rows[deed->table][id].version + (deed->wants != LEDGER_NEVER);
    const struct ledger_pending pending = {
        id, deed->table, {deed->leaves, version, deed->items}, deed->wants == LEDGER_NEVER};
    writer_do(db, "BEGIN IMMEDIATE");
    bool changed = writer_change(db, deed->sql, id, version);
    if (changed)
        ledger_intend(ledger, &pending);
    writer_do(db, changed ? "COMMIT" : "ROLLBACK");
    if (changed)
        ledger_enter(ledger);
}

void writer_main(struct ledger *ledger, sqlite3 *db, uint64_t random)
{
    struct sigaction tell = {.sa_handler = writer_tell};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &tell, NULL);
    while (!writer_told) {
        writer_step(ledger, db, &random);
        usleep((useconds_t)randomdb_number(&random, WRITER_PAUSE_US));
    }
    sqlite3_close(db);
    _exit(0);
}

pid_t writer_start(struct ledger *ledger, const char *path, uint64_t random)
{
    int64_t commits = ledger->commits;
    pid_t writer = fork();

    ck_assert_int_ge(writer, 0);
    if (writer == 0)
        writer_main(ledger, sql_open(path), random);
    while (*(volatile int64_t *)&ledger->commits == commits) {
        ck_assert_int_eq(waitpid(writer, NULL, WNOHANG), 0);
        clock_sleep_ms(1);
    }
    return writer;
}

void writer_stop(pid_t writer)
{
    int status;

    kill(writer, SIGTERM);
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the application failed: status %x", (unsigned)status);
}
