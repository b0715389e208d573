/*
 * DuckDB, which knows nothing of litekeeper, reads an archive as it lies: rows, columns, types and
 * partitions are what the database had. Where it can't be had by npm, it says so and is skipped.
 */
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_skip.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELDS                                                                         \
    "count(*), sum(id), sum(seconds), min(seconds), CAST(max(price) * 8 AS INTEGER), " \
    "count(name), max(hex(name)),"                                                     \
    " sum(length(name)), count(big), max(big), min(big)"
#define YEARS_AGO "strftime('%s', 'now', '-' || (i * 3 + 2400) || ' hours') + 0"

static char *duckdb_script, *duckdb_folder; /* NULL: it can't be had */

static const struct proof_case duckdb_case = {
    .name = "duckdb",
    .setup =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, seconds INT, price REAL, name TEXT,"
        " big INTEGER);"
        "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(
            9000) "INSERT INTO t SELECT i, " YEARS_AGO ", i % 4000, i / 8.0, CASE WHEN i % 5 THEN "
                  "'a \"name\" ' || char(233, 10, 9) || i END,"
                  " 9007199254740993 + i FROM n;",
    .options = "keep: 100d, archive: { directory: \"@/cold\", segment_rows: 2000 }",
    .model = "DELETE FROM t",
};

/* Both SQLite and DuckDB can say this of the year and month of a time, in UTC. */
static const struct {
    const char *sqlite, *duckdb;
} questions[] = {
    {"SELECT " FIELDS " FROM t", "SELECT " FIELDS " FROM cold"},
    {"SELECT strftime('%Y', at, 'unixepoch') + 0 AS y, strftime('%m', at, 'unixepoch') + 0 AS m,"
     " count(*), sum(id) FROM t GROUP BY y, m ORDER BY y, m",
     "SELECT year::INTEGER, month::INTEGER, count(*), sum(id) FROM cold GROUP BY ALL ORDER BY ALL"},
    {"SELECT id, at, seconds, CAST(price * 8 AS INTEGER), hex(name), big FROM t WHERE id % 50 = 3 "
     "ORDER BY id",
     "SELECT id, \"at\", seconds, CAST(price * 8 AS INTEGER), hex(name), big FROM cold WHERE id % "
     "50 = "
     "3 ORDER BY id"},
};

static char *ask(const char *sql)
{
    char *line = NULL, *all = memory_copy("");
    size_t size = 0;
    int ends[2], status;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(duckdb_script, duckdb_script, duckdb_folder, sql, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *answer = fdopen(ends[0], "r");
    while (getline(&line, &size, answer) > 0) {
        char *more = memory_format("%s%s%s", all, *all ? " " : "", strtok(line, "\n"));
        free(all);
        all = more;
    }
    for (char *tab = all; (tab = strchr(tab, '\t'));)
        *tab = '|';
    free(line);
    fclose(answer);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "DuckDB failed: %s", sql);
    return all;
}

/* `cold` in `sql` becomes the files of the archive. */
static char *ask_archive(const char *sql)
{
    const char *at = strstr(sql, "cold");
    char *files = folder_path("cold/d/t/*/*/part-*.jsonl.zst");
    char *all = memory_format("%.*sread_json('%s', format = 'newline_delimited',"
                              " hive_partitioning = true)%s",
                              (int)(at - sql), sql, files, at + strlen("cold"));
    char *answer = ask(all);

    free(all);
    free(files);
    return answer;
}

START_TEST(duckdb_reads_it)
{
    char *directory = folder_path("cold"), *path = proof_path(&duckdb_case);
    char *before[sizeof questions / sizeof *questions];
    size_t count = sizeof questions / sizeof *questions;
    struct proof_run run;

    if (!duckdb_folder) {
        skip("DuckDB can't be had here: it comes by npm");
        return;
    }
    ck_assert_int_eq(mkdir(directory, 0750), 0);
    sqlite3_close(proof_make(&duckdb_case, "wal"));
    sqlite3 *db = proof_open(path);
    for (size_t i = 0; i < count; i++)
        before[i] = proof_text(db, questions[i].sqlite);
    sqlite3_close(db);
    proof_run(&duckdb_case, &run);
    ck_assert_msg(run.result.status == 0, "%s%s", run.result.out, run.result.err);
    for (size_t i = 0; i < count; i++) {
        char *found = ask_archive(questions[i].duckdb);
        ck_assert_str_eq(found, before[i]);
        free(before[i]);
        free(found);
    }
    proof_free(&run);
    free(directory);
    free(path);
}
END_TEST

static void duckdb_find(void)
{
    char *here = realpath(".", NULL), *script = memory_format("%s/tests/field/duckdb", here);
    char *folder = memory_format("%s/build/duckdb", here);
    int status;

    free(here);
    pid_t child = fork();
    if (child == 0) {
        execl(script, script, folder, (char *)NULL);
        _exit(127);
    }
    duckdb_script = script;
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        duckdb_folder = folder;
}

int main(void)
{
    const TTest *const tests[] = {duckdb_reads_it, NULL};

    duckdb_find();
    return proof_main("archive_duckdb", NULL, 0, tests);
}
