/*
 * The processes of a restless application. Each has two connections that take turns and one that
 * reads for long; a lonely one does everything in its model, too, and compares.
 */
#include "lib_restless.h"

#include "clock.h"
#include "lib_randomdb.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESTLESS_MOST = 4, RESTLESS_PAUSE_US = 1200 };

struct restless {
    pid_t processes[RESTLESS_MOST];
    int count;
    volatile int64_t *commits; /* shared, one for each process */
};

/* One process: two connections that take turns, one that reads for long, and the model. */
struct restless_life {
    sqlite3 *app[2], *reader, *model;
    uint64_t random;
    int turn;
    volatile int64_t *commits;
};

static volatile sig_atomic_t restless_told;

static void restless_tell(int number)
{
    (void)number;
    restless_told = 1;
}

static _Noreturn void restless_fail(sqlite3 *db, const char *sql, const char *what)
{
    fprintf(stderr, "the application: %s: %s: %s (%d)\n", sql, what, sqlite3_errmsg(db),
            sqlite3_extended_errcode(db));
    _exit(1);
}

static int restless_collect(void *argument, int count, char **values, char **names)
{
    (void)names;
    for (int i = 0; i < count; i++)
        text_addf(argument, "%s|", values[i] ? values[i] : "NULL");
    return 0;
}

/* All that an application can see of a statement. One that fails for a foreign key may have set
 * last_insert_rowid() before, where the table has triggers, ours as any; so that is set back. */
static int restless_run(sqlite3 *db, const char *sql, struct text *seen)
{
    int rc = sqlite3_exec(db, sql, restless_collect, seen, NULL);
    const char *message = rc ? sqlite3_errmsg(db) : "";

    text_addf(seen, "rc %d %s, changes %d, rowid %lld, autocommit %d", rc, message,
              sqlite3_changes(db), rc ? -1 : sqlite3_last_insert_rowid(db),
              sqlite3_get_autocommit(db));
    if (rc)
        sqlite3_set_last_insert_rowid(db, 0);
    return rc;
}

static bool restless_tolerated(int rc)
{
    return rc == SQLITE_OK || rc == SQLITE_CONSTRAINT;
}

/* Runs it in both, which must come to the same; false: someone else was in the way. */
static bool restless_both(struct restless_life *life, const char *sql)
{
    sqlite3 *db = life->app[life->turn];
    struct text ours = {0}, theirs = {0};
    int rc = restless_run(db, sql, &ours);
    bool went = true;

    if (rc == SQLITE_BUSY && !life->model)
        went = false;
    else if (!restless_tolerated(rc))
        restless_fail(db, sql, "failed");
    if (life->model) {
        restless_run(life->model, sql, &theirs);
        if (strcmp(ours.bytes, theirs.bytes) != 0) {
            fprintf(stderr, "%s\nthe model: %s\n", sql, theirs.bytes);
            restless_fail(db, ours.bytes, "differs from the model");
        }
    }
    text_free(&ours);
    text_free(&theirs);
    return went;
}

static bool restless_statement(struct restless_life *life)
{
    char *sql = restless_sql(&life->random);
    bool went = restless_both(life, sql);

    free(sql);
    return went;
}

static bool restless_savepoint(struct restless_life *life)
{
    bool back = randomdb_number(&life->random, 2);

    if (!restless_both(life, "SAVEPOINT s") || !restless_statement(life) ||
        !restless_statement(life))
        return false;
    if (sqlite3_get_autocommit(life->app[life->turn]))
        return true; /* OR ROLLBACK has ended it */
    if (back && !restless_both(life, "ROLLBACK TO s"))
        return false;
    return restless_both(life, "RELEASE s");
}

static void restless_end(struct restless_life *life, bool went)
{
    sqlite3 *db = life->app[life->turn];
    bool back = !went || randomdb_number(&life->random, 5) == 0;

    if (sqlite3_get_autocommit(db))
        return;
    if (back || !restless_both(life, "COMMIT"))
        restless_both(life, "ROLLBACK");
    else
        ++*life->commits;
}

/* The model has one connection only: what it last inserted and changed must be the same one's. */
static void restless_take_turn(struct restless_life *life)
{
    bool recursive = randomdb_number(&life->random, 2);

    if (!life->model)
        life->turn = (int)randomdb_number(&life->random, 2);
    restless_both(life,
                  recursive ? "PRAGMA recursive_triggers = ON" : "PRAGMA recursive_triggers = OFF");
}

static void restless_transaction(struct restless_life *life)
{
    int64_t statements = 1 + randomdb_number(&life->random, 6);
    bool deferred = !life->model && randomdb_number(&life->random, 4) == 0;
    bool went = restless_both(life, deferred ? "BEGIN" : "BEGIN IMMEDIATE");

    for (int64_t i = 0; went && i < statements; i++) {
        if (sqlite3_get_autocommit(life->app[life->turn]))
            return;
        went =
            randomdb_number(&life->random, 6) ? restless_statement(life) : restless_savepoint(life);
    }
    restless_end(life, went);
}

/* Holds a snapshot, or ends it. In rollback-journal mode it would hold up everybody. */
static void restless_read(struct restless_life *life)
{
    if (!life->reader)
        return;
    if (sqlite3_get_autocommit(life->reader))
        sql_do(life->reader, "BEGIN; SELECT count(*) FROM t");
    else
        sql_do(life->reader, "COMMIT");
}

static char *restless_all(sqlite3 *db)
{
    static const char *const queries[] = {
        "SELECT * FROM t ORDER BY id, e, u, a, b, c", "SELECT * FROM p ORDER BY id",
        "SELECT what, id, count(*) FROM log GROUP BY 1, 2 ORDER BY 1, 2"};
    struct text all = {0};

    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (sqlite3_exec(db, queries[i], restless_collect, &all, NULL) != SQLITE_OK)
            restless_fail(db, queries[i], "failed");
    return text_take(&all);
}

static void restless_compare(struct restless_life *life)
{
    char *ours = restless_all(life->app[0]), *model = restless_all(life->model);

    if (strcmp(ours, model) != 0)
        restless_fail(life->app[0], "at the end", "the rows differ from the model's");
    free(ours);
    free(model);
}

static void restless_open(struct restless_life *life, bool model)
{
    life->app[0] = sql_open("app.db");
    life->app[1] = sql_open("app.db");
    struct text mode = {0};
    sqlite3_exec(life->app[0], "PRAGMA journal_mode", restless_collect, &mode, NULL);
    if (strcmp(mode.bytes, "wal|") == 0)
        life->reader = sql_open("app.db");
    text_free(&mode);
    if (!model)
        return;
    sqlite3 *copier = sql_open("app.db");
    sql_do(copier, "VACUUM INTO 'model.db'");
    sqlite3_close(copier);
    life->model = sql_open("model.db");
    sql_do(life->model, "PRAGMA synchronous=OFF");
}

static _Noreturn void restless_main(volatile int64_t *commits, bool model, uint64_t random)
{
    struct restless_life life = {.random = random, .commits = commits};
    struct sigaction tell = {.sa_handler = restless_tell};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &tell, NULL);
    restless_open(&life, model);
    while (!restless_told) {
        restless_take_turn(&life);
        if (randomdb_number(&life.random, 3) == 0)
            restless_statement(&life);
        else
            restless_transaction(&life);
        if (randomdb_number(&life.random, 10) == 0)
            restless_read(&life);
        usleep((useconds_t)randomdb_number(&life.random, RESTLESS_PAUSE_US));
    }
    if (life.model)
        restless_compare(&life);
    sqlite3_close(life.reader);
    sqlite3_close(life.app[0]);
    sqlite3_close(life.app[1]);
    sqlite3_close(life.model);
    _exit(0);
}

struct restless *restless_start(int processes, bool model, uint64_t random)
{
    struct restless *restless = memory_new(struct restless);

    restless->count = processes;
    restless->commits = mmap(NULL, RESTLESS_MOST * sizeof *restless->commits,
                             PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(restless->commits != MAP_FAILED);
    for (int i = 0; i < processes; i++) {
        uint64_t own = random + (uint64_t)i * 1000003;
        pid_t process = restless->processes[i] = fork();
        ck_assert_int_ge(process, 0);
        if (process == 0)
            restless_main(&restless->commits[i], model, own);
    }
    for (int i = 0; i < processes; i++)
        while (restless->commits[i] == 0) {
            ck_assert_int_eq(waitpid(restless->processes[i], NULL, WNOHANG), 0);
            clock_sleep_ms(1);
        }
    return restless;
}

int64_t restless_commits(const struct restless *restless)
{
    int64_t commits = 0;

    for (int i = 0; i < restless->count; i++)
        commits += restless->commits[i];
    return commits;
}

void restless_stop(struct restless *restless)
{
    int status;

    for (int i = 0; i < restless->count; i++)
        kill(restless->processes[i], SIGTERM);
    for (int i = 0; i < restless->count; i++) {
        ck_assert_int_eq(waitpid(restless->processes[i], &status, 0), restless->processes[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "the application failed: status %x", (unsigned)status);
    }
    munmap((void *)(uintptr_t)restless->commits, RESTLESS_MOST * sizeof *restless->commits);
    free(restless);
}
