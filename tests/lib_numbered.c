/* Its transactions are a table of SQL; the model does them, too, and keeps a checksum of each. */
#include "lib_numbered.h"

#include "clock.h"
#include "lib_sql.h"
#include "memory.h"
#include "recorder.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERED_PATIENCE_MS = 30000, NUMBERED_PAUSE_MS = 2 };

#define OURS " LIKE 'numbered\\_%%' ESCAPE '\\'"

const char numbered_tables[] = "CREATE TABLE numbered_last(n); INSERT INTO numbered_last VALUES(0);"
                               "CREATE TABLE numbered_entry(id INTEGER PRIMARY KEY, k TEXT, v);"
                               "CREATE INDEX numbered_entry_k ON numbered_entry(k);";

/* Number n is each of these that is due then; ?1 is n. */
static const struct {
    int every, at;
    const char *sql;
} numbered_deeds[] = {
    {1, 0, "BEGIN IMMEDIATE; UPDATE numbered_last SET n = ?1"},
    {1, 0,
     "INSERT INTO numbered_entry VALUES(?1, 'k' || (?1 * 7919 % 1009), zeroblob(?1 * 37 % 900))"},
    {1, 0, "UPDATE numbered_entry SET v = hex(v) || ?1, k = 'u' || ?1 WHERE id = ?1 - 7"},
    {1, 0, "DELETE FROM numbered_entry WHERE id = ?1 - 60"},
    {9, 4, "UPDATE numbered_entry SET v = zeroblob(20000 + ?1) WHERE id = ?1"},
    {16, 2,
     "CREATE TABLE numbered_more(a PRIMARY KEY, b); CREATE INDEX numbered_more_b ON "
     "numbered_more(b)"},
    {16, 2, "INSERT INTO numbered_more SELECT k || id, ?1 - id FROM numbered_entry"},
    {16, 11, "DROP TABLE numbered_more"},
    {1, 0, "COMMIT"},
};

enum { NUMBERED_DEEDS = sizeof numbered_deeds / sizeof *numbered_deeds };

/* --- the application ---------------------------------------------------------------------- */

static volatile sig_atomic_t numbered_told;

static void numbered_tell(int number)
{
    (void)number;
    numbered_told = 1;
}

static bool numbered_run(sqlite3 *db, const char *sql, int n)
{
    sqlite3_stmt *statement;
    int rc = SQLITE_OK;

    for (const char *rest = sql; rc == SQLITE_OK && *rest;) {
        rc = sqlite3_prepare_v2(db, rest, -1, &statement, &rest);
        if (rc != SQLITE_OK)
            break;
        sqlite3_bind_int(statement, 1, n); /* out of range where there is none */
        sqlite3_step(statement);
        rc = sqlite3_finalize(statement);
    }
    if (rc != SQLITE_OK)
        fprintf(stderr, "the application: %s: %s (%d)\n", sql, sqlite3_errmsg(db),
                sqlite3_extended_errcode(db));
    return rc == SQLITE_OK;
}

static bool numbered_do(sqlite3 *db, int n)
{
    for (int i = 0; i < NUMBERED_DEEDS; i++)
        if (n % numbered_deeds[i].every == numbered_deeds[i].at &&
            !numbered_run(db, numbered_deeds[i].sql, n))
            return false;
    return true;
}

static _Noreturn void numbered_main(const char *folder, const char *name,
                                    const struct numbered_way *way)
{
    struct sigaction tell = {.sa_handler = numbered_tell};
    bool well = true;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &tell, NULL);
    if (chdir(folder) < 0)
        _exit(1);
    int told = open(RECORDER_ACKNOWLEDGED, O_WRONLY | O_CLOEXEC);
    sqlite3 *db = sql_open(name);
    sqlite3_busy_timeout(db, NUMBERED_PATIENCE_MS);
    sql_do(db, "PRAGMA journal_mode = %s; PRAGMA synchronous = %s", way->journal, way->synchronous);
    for (int n = 1; well && !numbered_told; n++) {
        well = numbered_do(db, n) && pwrite(told, &n, sizeof n, 0) == sizeof n;
        clock_sleep_ms(NUMBERED_PAUSE_MS);
    }
    sqlite3_close(db);
    _exit(well ? 0 : 1);
}

static char *numbered_path(const char *folder)
{
    return memory_format("%s/" RECORDER_ACKNOWLEDGED, folder);
}

pid_t numbered_start(const char *folder, const char *name, const struct numbered_way *way)
{
    char *path = numbered_path(folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(file, 0);
    close(file);
    free(path);
    pid_t application = fork();
    ck_assert_int_ge(application, 0);
    if (application == 0)
        numbered_main(folder, name, way);
    return application;
}

int numbered_last(const char *folder)
{
    char *path = numbered_path(folder);
    int file = open(path, O_RDONLY | O_CLOEXEC), number = 0;

    if (file >= 0 && pread(file, &number, sizeof number, 0) != sizeof number)
        number = 0;
    if (file >= 0)
        close(file);
    free(path);
    return number;
}

void numbered_wait(const char *folder, int commits)
{
    int last = numbered_last(folder);

    while (numbered_last(folder) < last + commits)
        clock_sleep_ms(1);
}

void numbered_stop(pid_t application)
{
    int status;

    kill(application, SIGTERM);
    ck_assert_int_eq(waitpid(application, &status, 0), application);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the application failed: status %x", (unsigned)status);
}

/* --- the model ---------------------------------------------------------------------------- */

struct numbered_model {
    uint64_t others; /* of all that is not the application's */
    uint64_t *ours;  /* by the number of the commit */
    int commits;
};

/* FNV-1a, 64 bits. */
static void sum_add(uint64_t *sum, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        *sum = (*sum ^ at[i]) * UINT64_C(0x100000001B3);
}

static bool sum_rows(sqlite3 *db, const char *sql, uint64_t *sum)
{
    sqlite3_stmt *rows = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
        return false;
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const void *bytes = sqlite3_column_blob(rows, i);
            int about[] = {sqlite3_column_type(rows, i), sqlite3_column_bytes(rows, i)};
            sum_add(sum, about, sizeof about);
            sum_add(sum, bytes, (size_t)about[1]);
        }
    return sqlite3_finalize(rows) == SQLITE_OK;
}

static bool sum_table(sqlite3 *db, const char *name, bool rowid, uint64_t *sum)
{
    char *sql = sqlite3_mprintf("SELECT %s* FROM \"%w\" NOT INDEXED", rowid ? "rowid, " : "", name);
    bool well = sum_rows(db, sql, sum);

    sqlite3_free(sql);
    return well;
}

/* The schema and all rows of the tables that are the application's, or of all others, in the order
 * of their keys. */
static bool sum_tables(sqlite3 *db, bool ours, uint64_t *sum)
{
    const char *no = ours ? "" : " NOT";
    char *schema = sqlite3_mprintf("SELECT type, name, tbl_name, sql FROM sqlite_schema"
                                   " WHERE tbl_name%s" OURS " ORDER BY name",
                                   no),
         *tables = sqlite3_mprintf("SELECT name, wr FROM pragma_table_list WHERE schema = 'main'"
                                   " AND type IN ('table', 'shadow') AND name <> 'sqlite_schema'"
                                   " AND name%s" OURS " ORDER BY name",
                                   no);
    sqlite3_stmt *names = NULL;

    *sum = UINT64_C(0xCBF29CE484222325);
    bool well =
        sum_rows(db, schema, sum) && sqlite3_prepare_v2(db, tables, -1, &names, NULL) == SQLITE_OK;
    while (well && sqlite3_step(names) == SQLITE_ROW)
        well = sum_table(db, (const char *)sqlite3_column_text(names, 0),
                         !sqlite3_column_int(names, 1), sum);
    sqlite3_finalize(names);
    sqlite3_free(tables);
    sqlite3_free(schema);
    return well;
}

struct numbered_model *numbered_model(sqlite3 *db, int commits)
{
    struct numbered_model *model = memory_new(struct numbered_model);

    model->commits = commits;
    model->ours = memory_zeroed((size_t)commits + 1, sizeof *model->ours);
    ck_assert_msg(sum_tables(db, false, &model->others), "%s", sqlite3_errmsg(db));
    for (int n = 0; n <= commits; n++) {
        ck_assert(n == 0 || numbered_do(db, n));
        ck_assert_msg(sum_tables(db, true, &model->ours[n]), "%s", sqlite3_errmsg(db));
    }
    return model;
}

void numbered_free(struct numbered_model *model)
{
    if (model)
        free(model->ours);
    free(model);
}

/* --- what is found ------------------------------------------------------------------------ */

static char numbered_wrong[512];

static const char *check_sound(sqlite3 *db)
{
    sqlite3_stmt *check = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(check);
    const char *said =
        rc == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : sqlite3_errmsg(db);
    snprintf(numbered_wrong, sizeof numbered_wrong, "integrity_check: %s", said);
    bool sound = rc == SQLITE_ROW && strcmp(said, "ok") == 0;
    sqlite3_finalize(check);
    return sound ? NULL : numbered_wrong;
}

static const char *check_rows(const struct numbered_model *model, sqlite3 *db, int least, int most,
                              int *found)
{
    sqlite3_stmt *last = NULL;
    uint64_t others, ours;
    int n = -1;

    if (sqlite3_prepare_v2(db, "SELECT n FROM numbered_last", -1, &last, NULL) == SQLITE_OK &&
        sqlite3_step(last) == SQLITE_ROW)
        n = sqlite3_column_int(last, 0);
    sqlite3_finalize(last);
    snprintf(numbered_wrong, sizeof numbered_wrong, "commit %d, and it should be %d to %d", n,
             least, most);
    if (n < least || n > most || n > model->commits)
        return numbered_wrong;
    if (!sum_tables(db, false, &others) || !sum_tables(db, true, &ours)) {
        snprintf(numbered_wrong, sizeof numbered_wrong, "%s", sqlite3_errmsg(db));
        return numbered_wrong;
    }
    *found = n;
    if (others != model->others)
        return "rows that nobody has changed are others";
    return ours == model->ours[n] ? NULL : "the application's rows are not those of its commit";
}

const char *numbered_check(const struct numbered_model *model, const char *path, int least,
                           int most, int *found)
{
    sqlite3 *db = NULL;
    const char *wrong;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    wrong = check_sound(db);
    if (!wrong)
        wrong = check_rows(model, db, least, most, found);
    sqlite3_close(db);
    return wrong;
}
