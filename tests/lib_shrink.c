/* Makes, runs and compares; the comparison is that of lib_proof. */
#include "lib_shrink.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Rows of all sizes in b-trees of all kinds; `gone` lies amid them, and is what is free then. */
static const char shrink_tables[] =
    "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, k TEXT, v BLOB, n AS (length(v)));"
    "CREATE UNIQUE INDEX a_k ON a(k); CREATE INDEX a_n ON a(length(v)) WHERE id %% 2;"
    "CREATE TABLE w(k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID;"
    "CREATE TABLE c(id INTEGER PRIMARY KEY, a_id INT REFERENCES a ON DELETE CASCADE, v CHECK(v));"
    "CREATE TABLE gone(v); CREATE TABLE log(id INTEGER PRIMARY KEY, what);"
    "CREATE TRIGGER a_gone AFTER DELETE ON a BEGIN INSERT INTO log(what) VALUES(old.k); END;"
    "CREATE VIEW both AS SELECT k FROM a UNION SELECT k FROM w;"
    "CREATE VIRTUAL TABLE words USING fts5(text);"
    "CREATE VIRTUAL TABLE old_words USING fts4(text);"
    "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
    " INSERT INTO gone SELECT randomblob(3000) FROM n;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
    " INSERT INTO a(id, k, v) SELECT i * 3, 'k' || (i * 7919 %% 104729),"
    " randomblob(CASE WHEN i %% 100 THEN i %% 150 ELSE 20000 END) FROM n;"
    "INSERT INTO w SELECT hex(randomblob(20)), v FROM a WHERE id %% 2;"
    "INSERT INTO c(a_id, v) SELECT id, 1 FROM a;"
    "INSERT INTO words SELECT k || ' ' || id FROM a LIMIT 500;"
    "INSERT INTO old_words SELECT text FROM words;"
    "INSERT INTO area SELECT id, id, id + 1 FROM a LIMIT 500;";

const char *shrink_window(int from_now, int minutes)
{
    static char text[64];
    time_t begin = time(NULL) + from_now * 60, end = begin + minutes * 60;
    struct tm from, to;
    char day[8];

    gmtime_r(&begin, &from);
    gmtime_r(&end, &to);
    strftime(day, sizeof day, "%a", &from);
    snprintf(text, sizeof text, "    window: %s %02d:%02d-%02d:%02d UTC\n", day, from.tm_hour,
             from.tm_min, to.tm_hour, to.tm_min);
    return text;
}

static struct proof_case shrink_proof(const struct shrink_case *c)
{
    return (struct proof_case){.name = c->name, .file = c->file};
}

/* On a slow disk a commit takes more than half of the usual max_lock, which online compaction in
 * rollback-journal mode refuses. */
static const char *shrink_patience(const struct shrink_case *c, const char *limits)
{
    bool slow = c->journal && strcmp(c->journal, "wal") != 0;

    return slow && !strstr(limits, "max_lock") ? "    max_lock: 100ms\n" : "";
}

static bool shrink_orders(const struct shrink_case *c)
{
    return c->task && strcmp(c->task, "defragment") == 0;
}

void shrink_policy(const struct shrink_case *c)
{
    const char *limits = c->limits ? c->limits : SHRINK_OPEN;
    char *yaml =
        memory_format("daemon: { state: '@/state' }\n"
                      "databases:\n"
                      "  - name: d\n"
                      "    path: '@/%s'\n"
                      "%s%s"
                      "    %s%s%s }\n",
                      c->file ? c->file : "t.db", limits, shrink_patience(c, limits),
                      shrink_orders(c) ? "defragment: { fragmentation_above: 5%, min_size: 20KiB"
                                       : "vacuum: { free_above: 5%, free_bytes_above: 100KiB",
                      c->options ? ", " : "", c->options ? c->options : "");

    expect_policy(yaml);
    free(yaml);
}

static sqlite3 *shrink_copy(sqlite3 *db)
{
    sqlite3 *copy = proof_open(":memory:");
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");

    ck_assert_ptr_nonnull(backup);
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
    return copy;
}

sqlite3 *shrink_make(const struct shrink_case *c)
{
    struct proof_case proof = shrink_proof(c);
    int rows = (c->scale ? c->scale : 4) * 1000;
    char *path = proof_path(&proof), *tables = memory_format(shrink_tables, rows / 5, rows),
         *modes = memory_format(
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = %s; PRAGMA synchronous = OFF;"
             "PRAGMA journal_mode = %s; BEGIN;",
             c->page_size ? c->page_size : 4096, c->kept ? c->kept : "none",
             c->journal ? c->journal : "wal");
    sqlite3 *db = proof_open(path);

    proof_do(db, modes);
    proof_do(db, tables);
    proof_do(db, c->setup ? c->setup : "");
    proof_do(db, "DROP TABLE gone; COMMIT");
    if (c->dense)
        proof_do(db, "VACUUM");
    sqlite3 *model = shrink_copy(db);
    sqlite3_close(db);
    shrink_policy(c);
    free(modes);
    free(tables);
    free(path);
    return model;
}

void shrink_same(const struct shrink_case *c, sqlite3 *model)
{
    struct proof_case proof = shrink_proof(c);

    proof_same(&proof, model);
}

/* --- beside an application ---------------------------------------------------------------- */

#define BALLAST_ROWS 3000
#define BALLAST_TEXT "replace(hex(zeroblob(500)), '00', printf('%%06d', i))"

enum { BALLAST_DIGITS = 6, BALLAST_LENGTH = 500 * BALLAST_DIGITS };

void shrink_make_ledger(const char *path, const struct ledger_kind *kind, const char *kept,
                        int page_size)
{
    ledger_make(path, kind);
    sqlite3 *db = sql_open(path);
    sql_do(db,
           "PRAGMA journal_mode = delete; PRAGMA page_size = %d; PRAGMA auto_vacuum = %s; VACUUM;"
           "PRAGMA journal_mode = %s; CREATE TABLE ballast(i INTEGER PRIMARY KEY, v);"
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
           " INSERT INTO ballast SELECT i, " BALLAST_TEXT " FROM n;"
           "DELETE FROM ballast WHERE i %% 3",
           page_size ? page_size : 4096, kept, kind->journal, BALLAST_ROWS);
    sqlite3_close(db);
}

void shrink_check_ballast(const char *path)
{
    char *sql = memory_format("SELECT count(*) FROM ballast WHERE v = " BALLAST_TEXT);
    sqlite3 *db = sql_open(path);

    ck_assert_int_eq(sql_number(db, sql), BALLAST_ROWS / 3);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM ballast"), BALLAST_ROWS / 3);
    sqlite3_close(db);
    free(sql);
}

void shrink_check_ballast_row(sqlite3_stmt *row)
{
    const char *text = (const char *)sqlite3_column_text(row, 1);
    int i = sqlite3_column_int(row, 0), length = sqlite3_column_bytes(row, 1);
    char digits[16];

    bool same = i > 0 && i <= BALLAST_ROWS && i % 3 == 0 && length == BALLAST_LENGTH;

    snprintf(digits, sizeof digits, "%0*d", BALLAST_DIGITS, i);
    for (int at = 0; same && at < length; at += BALLAST_DIGITS)
        same = !memcmp(text + at, digits, BALLAST_DIGITS);
    if (!same) /* to assert each time would take longer than to read */
        ck_abort_msg("row %d of ballast, of %d bytes, is another", i, length);
}

/* --- running ------------------------------------------------------------------------------ */

void shrink_start(const struct shrink_case *c, struct program *program)
{
    char *words = memory_format("run -c @/policy.yaml --json%s d %s", c->words ? c->words : "",
                                c->task ? c->task : "vacuum"),
         *real = expect_words(words);

    program_start(program, real, false);
    free(real);
    free(words);
}

void shrink_finish(const struct shrink_case *c, struct program *program, struct proof_run *run)
{
    char *rest, *line;

    program_finish(program, &run->result);
    run->outcome = NULL;
    for (rest = run->result.out; (line = strsep(&rest, "\n")) && *line;) {
        json_decref(run->outcome);
        run->outcome = json_loads(line, 0, NULL);
    }
    ck_assert_msg(json_is_object(run->outcome), "%s: status %d\n%s", c->name, run->result.status,
                  run->result.err);
}

void shrink_run(const struct shrink_case *c, struct proof_run *run)
{
    struct program program;

    shrink_start(c, &program);
    shrink_finish(c, &program, run);
}

int64_t shrink_number(const json_t *outcome, const char *key)
{
    const json_t *number = json_object_get(json_object_get(outcome, "effect"), key);

    ck_assert_msg(json_is_integer(number), "no %s in the effect", key);
    return json_integer_value(number);
}

static void shrink_check_effect(const struct shrink_case *c, const json_t *outcome, const char *all)
{
    const json_t *effect = json_object_get(outcome, "effect");
    const char *mode = json_string_value(json_object_get(effect, "mode"));
    int64_t page_size = shrink_pragma(c, "page_size"), pages = shrink_pragma(c, "page_count");

    if (!c->mode) {
        ck_assert_msg(json_is_null(effect), "%s: %s", c->name, all);
        return;
    }
    ck_assert_msg(mode && strcmp(mode, c->mode) == 0, "%s: %s", c->name, all);
    ck_assert_msg(shrink_number(outcome, "pages") == pages, "%s: %s", c->name, all);
    ck_assert_msg(shrink_number(outcome, "bytes") == pages * page_size, "%s: %s", c->name, all);
    ck_assert_msg(shrink_number(outcome, "free_pages") == 0, "%s: %s", c->name, all);
    ck_assert_int_eq(shrink_pragma(c, "freelist_count"), 0);
    ck_assert_msg(json_integer_value(json_object_get(outcome, "bytes_freed")) ==
                      (shrink_number(outcome, "pages_before") - pages) * page_size,
                  "%s: %s", c->name, all);
}

/* What a slow disk adds is no matter. */
static void shrink_check_reason(const struct shrink_case *c, const json_t *outcome)
{
    char *reason = memory_copy(json_string_value(json_object_get(outcome, "reason")));
    char *slow = strstr(reason, "; a commit alone takes ");

    if (slow)
        *slow = '\0';
    expect_text(c->name, reason, c->reason);
    free(reason);
}

void shrink_check(const struct shrink_case *c, const struct proof_run *run)
{
    const char *expected = c->outcome ? c->outcome : "done";
    const char *got = json_string_value(json_object_get(run->outcome, "outcome"));
    char *all = json_dumps(run->outcome, JSON_REAL_PRECISION(4));

    ck_assert_msg(got && strcmp(got, expected) == 0, "%s: %s", c->name, all);
    ck_assert_msg(run->result.status == c->status, "%s: exit status %d: %s", c->name,
                  run->result.status, all);
    if (c->reason)
        shrink_check_reason(c, run->outcome);
    ck_assert_msg(json_is_true(json_object_get(run->outcome, "waits")) == c->waits, "%s: %s",
                  c->name, all);
    shrink_check_effect(c, run->outcome, all);
    free(all);
}

int64_t shrink_pragma(const struct shrink_case *c, const char *name)
{
    struct proof_case proof = shrink_proof(c);
    char *path = proof_path(&proof), *sql = memory_format("PRAGMA %s", name);
    sqlite3 *db = proof_open(path);
    int64_t number = proof_integer(db, sql);

    sqlite3_close(db);
    free(sql);
    free(path);
    return number;
}

/* Neither log nor journal nor temporary file. */
static void shrink_check_folder(const struct shrink_case *c)
{
    static const char *const beside[] = {"-wal", "-shm", "-journal"};
    struct proof_case proof = shrink_proof(c);

    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char *path = proof_path(&proof), *name = memory_format("%s%s", path, beside[i]);
        ck_assert_msg(access(name, F_OK) < 0, "%s: %s is left", c->name, name);
        free(name);
        free(path);
    }
}

void shrink_whole(const struct shrink_case *c)
{
    struct proof_run run;
    sqlite3 *model = shrink_make(c);
    int64_t pages = shrink_pragma(c, "page_count");

    shrink_run(c, &run);
    if (!c->setup || !strstr(c->setup, "_litestream_seq")) /* whose the log is */
        shrink_check_folder(c);
    shrink_check(c, &run);
    shrink_same(c, model);
    if (c->mode)
        ck_assert_int_le(shrink_pragma(c, "page_count"), pages);
    else
        ck_assert_int_eq(shrink_pragma(c, "page_count"), pages);
    proof_free(&run);
    sqlite3_close(model);
}

static void shrink_copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    char bytes[65536];

    ck_assert(in && out);
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, in)) > 0;)
        ck_assert_uint_eq(fwrite(bytes, 1, got, out), got);
    ck_assert_int_eq(fclose(out), 0);
    fclose(in);
}

void shrink_remove_beside(const char *path)
{
    static const char *const endings[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *beside = memory_format("%s%s", path, endings[i]);
        unlink(beside);
        free(beside);
    }
}

void shrink_renew(const char *from, const char *to)
{
    shrink_remove_beside(to);
    shrink_copy_file(from, to);
}
