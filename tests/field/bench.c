/*
 * bench: what litekeeper's tasks cost the application and take, against the one statement that
 * every operator writes first. All contenders have their turn before any has the next one, and
 * each figure is the median of its runs, but of errors the most.
 */
#include "bench.h"

#include "arguments.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "sql.h"
#include "stage.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MOST = 15, CONTESTS_MOST = 16, SEED_ARGUMENTS = 16, WAIT_MS = 60000 };

struct wishes {
    const char *build, *folder, *only, *journal;
    int64_t rows, repeat, writers;
};

static const char *const journals[] = {"wal", "delete", NULL};
static const int64_t anybody = -1;

/* --- the contenders that are one statement, in a process of their own as the others --------- */

/* What it waits for a lock is neither a hold nor its own time. */
static int wait_for_lock(void *argument, int count)
{
    double *waited_ms = argument;
    const struct timespec pause = {0, 500000};
    double began = latency_clock_ms();

    (void)count;
    nanosleep(&pause, NULL);
    *waited_ms += latency_clock_ms() - began;
    return *waited_ms < WAIT_MS;
}

static int be_statement(const char *path, const char *statement)
{
    sqlite3 *db = sql_open(path, SQLITE_OPEN_READWRITE);
    char *problem = NULL;
    double waited = 0;

    sqlite3_busy_handler(db, wait_for_lock, &waited);
    double began = latency_clock_ms();
    if (sqlite3_exec(db, statement, NULL, NULL, &problem) != SQLITE_OK)
        log_fatal("%s: %s", statement, problem);
    double took = latency_clock_ms() - began - waited;
    printf("{\"event\":\"outcome\",\"outcome\":\"done\",\"rows\":%d,\"seconds\":%f,"
           "\"lock\":{\"max_ms\":%f,\"p99_ms\":%f}}\n",
           sqlite3_changes(db), took / 1e3, took, took);
    sqlite3_close(db);
    return 0;
}

/* --- the database --------------------------------------------------------------------------- */

static void make_database(struct bench *bench, const struct bench_section *section)
{
    char *rows = memory_format("%lld", (long long)bench->rows);
    const char *argv[SEED_ARGUMENTS] = {bench->seeder, "--logs", rows, "--worklogs", "10000"};
    size_t count = 5;
    int status;

    for (const char *const *option = section->seed; *option; option++)
        argv[count++] = *option;
    argv[count] = bench->original;
    fprintf(stderr, "%s: making the database with %s logs\n", section->name, rows);
    stage_remove(bench->original);
    json_decref(stage_run(argv, bench->log, NULL, &status));
    if (status)
        log_fatal("it could not be made; %s says why", bench->log);
    free(rows);
}

/* Which SQLite, in the words of litekeeper's own inspection. */
static char *library(const struct bench *bench)
{
    const char *const argv[] = {bench->litekeeper, "inspect", "--json", bench->original, NULL};
    int status;
    json_t *inspection = stage_run(argv, bench->log, NULL, &status);
    const json_t *sqlite = json_object_get(inspection, "sqlite");
    const char *version = json_string_value(json_object_get(sqlite, "version"));
    bool bug = json_is_true(json_object_get(sqlite, "wal_reset_bug"));

    if (!version || strcmp(version, sqlite3_libversion()) != 0)
        log_fatal("litekeeper has SQLite %s and the bench %s", version ? version : "(unknown)",
                  sqlite3_libversion());
    char *text =
        memory_format("SQLite %s, %s the WAL-reset bug", version, bug ? "with" : "without");
    json_decref(inspection);
    return text;
}

/* --- a section ------------------------------------------------------------------------------ */

static bool takes_part(const struct bench_contest *contest, const struct bench_beside *beside)
{
    bool alone = !contest->sql && !contest->task;

    return beside->writers >= contest->writers_least &&
           (!contest->writers_most || beside->writers <= contest->writers_most) &&
           !(alone && beside->idle);
}

/* All that contend in the same company, by turns. */
static void compete(const struct bench *bench, const struct bench_section *section,
                    const char *journal, const struct bench_beside *beside, struct text *table)
{
    static struct bench_figures runs[CONTESTS_MOST][RUNS_MOST];
    struct bench_figures base = {.seconds = NAN};

    for (int64_t turn = 0; turn < bench->repeat; turn++)
        for (size_t i = 0; section->contests[i].by; i++) {
            const struct bench_contest *contest = &section->contests[i];
            if (!takes_part(contest, beside))
                continue;
            fprintf(stderr, "%s: %s, %s beside, %s\n", section->name, journal, beside->name,
                    contest->by);
            runs[i][turn] = bench_run(bench, journal, beside, contest);
        }
    for (size_t i = 0; section->contests[i].by; i++) {
        const struct bench_contest *contest = &section->contests[i];
        if (!takes_part(contest, beside))
            continue;
        struct bench_figures median = bench_figures_median(runs[i], (size_t)bench->repeat);
        base = contest->base ? median : base;
        bench_figures_compare(&median, &base);
        bench_table_row(table, section->columns, journal, beside->name, contest->by, &median);
    }
}

/* Whether a list like "indexes,vacuum" names it; NULL names all. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; at && (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
            return true;
    return !list;
}

static void run_section(struct bench *bench, const struct wishes *wishes,
                        const struct bench_section *section, struct text *tables)
{
    bench->rows = wishes->rows ? wishes->rows : section->rows;
    make_database(bench, section);
    char *sqlite = library(bench);
    text_addf(tables,
              "%s%s. %lld rows, %s, medians of %d.\n"
              "Times in ms but s; max: the longest that one write waited, with idle the first.\n\n",
              tables->length ? "\n" : "", section->title, (long long)bench->rows, sqlite,
              (int)bench->repeat);
    free(sqlite);
    bench_table_begin(tables, section->columns);
    for (const char *const *journal = journals; *journal; journal++)
        for (const struct bench_beside *beside = section->besides; beside->name; beside++)
            if ((!wishes->journal || !strcmp(wishes->journal, *journal)) &&
                (wishes->writers == anybody || wishes->writers == beside->writers))
                compete(bench, section, *journal, beside, tables);
    stage_remove(bench->original);
    stage_remove(bench->copy);
}

/* --- the command ---------------------------------------------------------------------------- */

static void read_wishes(struct wishes *wishes, int argc, char **argv)
{
    const char *sql = NULL, *select = NULL;
    int known = 0;
    const struct argument arguments[] = {
        {"build", ARGUMENT_TEXT, &wishes->build, "folder of the programs (build/release)"},
        {"folder", ARGUMENT_TEXT, &wishes->folder, "for databases (build/bench)"},
        {"only", ARGUMENT_TEXT, &wishes->only, "some of retention,archive,indexes,vacuum,online"},
        {"journal", ARGUMENT_TEXT, &wishes->journal, "wal or delete (both)"},
        {"writers", ARGUMENT_NUMBER, &wishes->writers, "only beside so many: 0, 1 or 4"},
        {"rows", ARGUMENT_NUMBER, &wishes->rows, "of logs (as many as the section has)"},
        {"repeat", ARGUMENT_NUMBER, &wishes->repeat, "runs of which the median counts (3)"},
        {"sql", ARGUMENT_TEXT, &sql, "for itself: run this on a database"},
        {"pipe", ARGUMENT_TEXT, &select, "for itself: export these rows by sqlite3 and zstd"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };
    int operand = argc > 1 && (!strcmp(argv[1], "--sql") || !strcmp(argv[1], "--pipe"));
    operand = arguments_read("bench [OPTION]...", arguments, operand, argc, argv);

    if (sql)
        exit(be_statement(argv[operand], sql));
    if (select)
        exit(bench_pipe(argv[operand], select));
    if (wishes->repeat < 1 || wishes->repeat > RUNS_MOST)
        arguments_wrong("--repeat takes 1 to 15");
    if (wishes->journal && strcmp(wishes->journal, "wal") && strcmp(wishes->journal, "delete"))
        arguments_wrong("--journal takes wal or delete");
    for (const struct bench_section *section = bench_sections; section->name; section++)
        known += is_listed(wishes->only, section->name);
    if (!known)
        arguments_wrong("--only takes retention, archive, indexes, vacuum, online, or several with "
                        "commas");
    if (wishes->writers != anybody && wishes->writers != 0 && wishes->writers != 1 &&
        wishes->writers != 4)
        arguments_wrong("--writers takes 0, 1 or 4");
}

static struct bench prepare(const struct wishes *wishes)
{
    char *folder = stage_folder(wishes->folder);

    return (struct bench){.self = memory_format("%s/field/bench", wishes->build),
                          .litekeeper = memory_format("%s/litekeeper", wishes->build),
                          .application = memory_format("%s/field/application", wishes->build),
                          .seeder = memory_format("%s/field/seed-database", wishes->build),
                          .folder = folder,
                          .log = memory_format("%s/log", folder),
                          .original = memory_format("%s/original.db", folder),
                          .copy = memory_format("%s/worklog.db", folder),
                          .policy = memory_format("%s/policy.yaml", folder),
                          .written = memory_format("%s/archive", folder),
                          .repeat = wishes->repeat};
}

int main(int argc, char **argv)
{
    struct wishes wishes = {
        .build = "build/release", .folder = "build/bench", .repeat = 3, .writers = anybody};
    struct text tables = {0};

    log_start("bench", false);
    read_wishes(&wishes, argc, argv);
    struct bench bench = prepare(&wishes);
    for (const struct bench_section *section = bench_sections; section->name; section++)
        if (is_listed(wishes.only, section->name))
            run_section(&bench, &wishes, section, &tables);
    char *path = memory_format("%s.md", bench.folder);
    FILE *out = fopen(path, "w");
    fputs(tables.bytes, stdout);
    if (!out || fputs(tables.bytes, out) < 0 || fclose(out))
        log_fatal("%s: %s", path, strerror(errno));
    return 0;
}
