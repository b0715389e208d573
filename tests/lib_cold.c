/* The application writes a few rows a transaction, mostly those that are about to go. */
#include "lib_cold.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COLD_POLICY                                                               \
    "daemon: { state: \"@/state\" }\n"                                            \
    "databases:\n"                                                                \
    "  - { name: app, path: \"@/app.db\", max_lock: 5ms,\n"                       \
    "      retention: [{ table: logs, column: at, format: unix, keep: 100d, %s\n" \
    "                    archive: { directory: \"@/cold\", segment_rows: 400, %s } }] }\n"

const char *const cold_tables[COLD_TABLES] = {"logs", "items", "notes"};
static const char *const cold_columns[COLD_TABLES] = {"at", "log", "item"};

int cold_table_count(const struct cold *cold)
{
    return cold->family ? COLD_TABLES : 1;
}

/* --- rows --------------------------------------------------------------------------------- */

void cold_text(int64_t version, char text[64])
{
    snprintf(text, 64, "row \"%lld\" of %s", (long long)version, version % 7 ? "logs" : "\xff");
}

/* An update that leaves a row old leaves its time, too. */
static int64_t cold_old(int32_t id)
{
    return time(NULL) / 86400 * 86400 - 86400 * (110 + id % 100) - id % 86400;
}

static int cold_table(const struct cold *cold, int32_t id)
{
    return id % cold_table_count(cold);
}

/* Of a dozen ids a third is in each table; its items refer to two logs of the dozen before, and its
 * notes to two items. The first dozen's refer to none. */
static void cold_bind_reference(sqlite3_stmt *statement, int table, int32_t id, int64_t version)
{
    int32_t parent = id - id % 12 - (version % 5 ? 3 : 9) + table - 1;

    if (parent > 0)
        sqlite3_bind_int64(statement, 2, parent);
    else
        sqlite3_bind_null(statement, 2);
}

/* Binds id, at (or log, item), v, t, r, b. */
static void cold_bind(const struct cold *cold, sqlite3_stmt *statement, int32_t id, int64_t version,
                      bool old)
{
    int table = cold_table(cold, id);
    char text[64];

    cold_text(version, text);
    sqlite3_bind_int64(statement, 1, id);
    if (table == 0)
        sqlite3_bind_int64(statement, 2, old ? cold_old(id) : time(NULL));
    else
        cold_bind_reference(statement, table, id, version);
    sqlite3_bind_int64(statement, 3, version);
    sqlite3_bind_text(statement, 4, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_double(statement, 5, (double)version / 3);
    sqlite3_bind_blob(statement, 6, &version, (int)(version % 8), SQLITE_TRANSIENT);
}

/* --- the application ---------------------------------------------------------------------- */

struct cold_writer {
    struct cold *cold;
    sqlite3 *db;
    uint64_t random;
    sqlite3_stmt *insert[COLD_TABLES], *update[COLD_TABLES], *delete[COLD_TABLES];
    struct {
        int32_t id, before, after; /* versions; 0: none */
    } changes[16];
    int count;
};

static void cold_done(struct cold_writer *writer, int32_t id, int32_t after)
{
    writer->changes[writer->count].id = id;
    writer->changes[writer->count].before = writer->cold->version[id];
    writer->changes[writer->count++].after = after;
}

static int cold_step(struct cold_writer *writer, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    bool orphan = writer->cold->family && rc == SQLITE_CONSTRAINT; /* what it refers to has left */

    sqlite3_reset(statement);
    if (rc != SQLITE_DONE && !orphan && !writer->cold->wrong[0])
        snprintf(writer->cold->wrong, sizeof writer->cold->wrong, "%s", sqlite3_errmsg(writer->db));
    return rc == SQLITE_DONE ? sqlite3_changes(writer->db) : -1;
}

/* A new row, one that has gone before comes again, or any. */
static int32_t cold_choose(struct cold_writer *writer, int64_t *what)
{
    struct cold *cold = writer->cold;
    int32_t id = 1 + (int32_t)randomdb_number(&writer->random, cold->next_id - 1);

    if (*what < 2 && cold->next_id < COLD_IDS)
        return cold->next_id++;
    if (*what < 4 && cold->version[id])
        *what = 4;
    return id;
}

/* A row that is not there was deleted, or has left: then its last version stays where it is. */
static void cold_change(struct cold_writer *writer)
{
    struct cold *cold = writer->cold;
    int64_t what = randomdb_number(&writer->random, 12);
    int32_t id = cold_choose(writer, &what), after = cold->next_version++;
    int table = cold_table(cold, id);
    sqlite3_stmt *statement = what < 4    ? writer->insert[table]
                              : what < 10 ? writer->update[table]
                                          : writer->delete[table];

    for (int i = 0; i < writer->count; i++)
        if (writer->changes[i].id == id)
            return;
    if (what >= 10 && table + 1 < cold_table_count(cold))
        return; /* others would go with it */
    sqlite3_bind_int64(statement, 1, id);
    if (what < 10)
        cold_bind(cold, statement, id, after, what != 5);
    int changes = cold_step(writer, statement);
    if (changes > 0)
        cold_done(writer, id, what < 10 ? after : 0);
    else if (changes == 0 && cold->version[id])
        cold_done(writer, id, -1);
}

/* What is committed is in the model. */
static void cold_enter(struct cold_writer *writer)
{
    struct cold *cold = writer->cold;

    for (int i = 0; i < writer->count; i++) {
        int32_t id = writer->changes[i].id, before = writer->changes[i].before;
        int32_t after = writer->changes[i].after;
        if (after >= 0 && before > 0)
            cold->there[before] = 0;
        if (after > 0)
            cold->there[after] = 1;
        cold->version[id] = after > 0 ? after : 0;
    }
    cold->commits++;
}

static void cold_transaction(struct cold_writer *writer)
{
    int64_t changes = 1 + randomdb_number(&writer->random, 12);

    writer->count = 0;
    sql_do(writer->db, "BEGIN IMMEDIATE");
    for (int64_t i = 0; i < changes; i++)
        cold_change(writer);
    sql_do(writer->db, "COMMIT");
    cold_enter(writer);
}

static void cold_change_schema(struct cold_writer *writer)
{
    sql_do(writer->db, "DROP INDEX logs_at");
    usleep(3000);
    sql_do(writer->db, "CREATE INDEX logs_at ON logs(at)");
}

static sqlite3_stmt *cold_prepare(sqlite3 *db, const char *template, const char *table,
                                  const char *column)
{
    char *sql = sqlite3_mprintf(template, table, column);
    sqlite3_stmt *statement = sql_prepare(db, sql);

    sqlite3_free(sql);
    return statement;
}

static sqlite3_stmt *cold_prepare_insert(sqlite3 *db, int table)
{
    return cold_prepare(db, "INSERT INTO %s(id, %s, v, t, r, b) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                        cold_tables[table], cold_columns[table]);
}

static void cold_write(struct cold *cold, uint64_t random)
{
    char *path = folder_path("app.db");
    struct cold_writer writer = {.cold = cold, .db = sql_open(path), .random = random};

    sql_do(writer.db, "PRAGMA foreign_keys = ON");
    for (int i = 0; i < cold_table_count(cold); i++) {
        writer.insert[i] = cold_prepare_insert(writer.db, i);
        writer.update[i] = cold_prepare(writer.db,
                                        "UPDATE %s SET %s = ?2, v = ?3, t = ?4, r = ?5, b = ?6"
                                        " WHERE id = ?1",
                                        cold_tables[i], cold_columns[i]);
        writer.delete[i] =
            cold_prepare(writer.db, "DELETE FROM %s WHERE id = ?1", cold_tables[i], "");
    }
    while (!cold->stop && cold->next_version < COLD_VERSIONS - 100) {
        cold_transaction(&writer);
        usleep(1000);
        if (cold->restless && randomdb_number(&writer.random, 100) == 0)
            cold_change_schema(&writer);
    }
    for (int i = 0; i < COLD_TABLES; i++) {
        sqlite3_finalize(writer.insert[i]);
        sqlite3_finalize(writer.update[i]);
        sqlite3_finalize(writer.delete[i]);
    }
    sqlite3_close(writer.db);
}

pid_t cold_start(struct cold *cold, uint64_t random)
{
    int64_t commits = cold->commits;

    cold->stop = false;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cold_write(cold, random);
        _exit(0);
    }
    while (*(volatile int64_t *)&cold->commits == commits && waitpid(child, NULL, WNOHANG) == 0)
        usleep(1000);
    return child;
}

void cold_stop(struct cold *cold, pid_t application)
{
    int status;

    cold->stop = true;
    ck_assert_int_eq(waitpid(application, &status, 0), application);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0 && !cold->wrong[0],
                  "the application: %s", cold->wrong);
}

/* --- the stage ---------------------------------------------------------------------------- */

static void cold_make_family(sqlite3 *db)
{
    sql_do(db, "CREATE TABLE items(id INTEGER PRIMARY KEY, log INTEGER REFERENCES logs ON DELETE"
               " CASCADE, v INTEGER, t, r REAL, b)");
    sql_do(db, "CREATE INDEX items_log ON items(log)");
    sql_do(db, "CREATE TABLE notes(id INT PRIMARY KEY, item INTEGER REFERENCES items ON DELETE"
               " CASCADE, v INTEGER, t, r REAL, b) WITHOUT ROWID");
    sql_do(db, "CREATE INDEX notes_item ON notes(item)");
}

static void cold_fill(struct cold *cold, sqlite3 *db, int rows)
{
    sqlite3_stmt *insert[COLD_TABLES] = {NULL};

    sql_do(db, "BEGIN");
    for (int i = 0; i < cold_table_count(cold); i++)
        insert[i] = cold_prepare_insert(db, i);
    for (int i = 1; i <= rows; i++) {
        sqlite3_stmt *statement = insert[cold_table(cold, i)];
        cold_bind(cold, statement, i, i, true);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_reset(statement);
        cold->version[i] = i;
        cold->there[i] = 1;
    }
    for (int i = 0; i < COLD_TABLES; i++)
        sqlite3_finalize(insert[i]);
    sql_do(db, "COMMIT");
}

struct cold *cold_make(const struct cold_kind *kind, int rows)
{
    struct cold *cold =
        mmap(NULL, sizeof *cold, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *path = folder_path("app.db"), *directory = folder_path("cold");
    char *policy =
        memory_format(COLD_POLICY, kind->family ? "cascade: archive," : "", kind->archive);

    ck_assert(cold != MAP_FAILED);
    expect_policy(policy);
    mkdir(directory, 0700);
    sqlite3 *db = sql_make(path);
    sql_do(db, "PRAGMA journal_mode = %s", kind->journal);
    sql_do(db, "CREATE TABLE logs(id INTEGER PRIMARY KEY, at INTEGER, v INTEGER, t, r REAL, b)");
    sql_do(db, kind->index ? "CREATE INDEX logs_at ON logs(at)" : "SELECT 1");
    cold->family = kind->family;
    if (kind->family)
        cold_make_family(db);
    cold_fill(cold, db, rows);
    cold->next_id = cold->next_version = rows + 1;
    cold->restless = kind->restless;
    sqlite3_close(db);
    free(path);
    free(directory);
    free(policy);
    return cold;
}
