/*
 * demo: litekeeper on the seed's database, beside an application that writes and reads all the
 * time. Prints what was before and what is after. Leaves nothing but its folder.
 */
#include "arguments.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "sql.h"
#include "stage.h"
#include "stamp.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { KEEP_DAYS = 90, LARGE = 8 << 20 };

struct demo {
    const char *build, *folder;
    int64_t logs, worklogs, seconds;
    char *database, *policy, *log, *litekeeper, *application, *seeder;
    int64_t cutoff_us;
};

/* What the table compares. */
struct state {
    int64_t rows, past, size;
    json_t *inspection, *application;
};

/* config/demo.yaml with this demo's folder in it. */
static void write_policy(const struct demo *demo)
{
    static const char *const places[] = {"/srv/worklog", "/var/lib/litekeeper"};
    struct text policy = {0};
    FILE *in = fopen("config/demo.yaml", "r"), *out = fopen(demo->policy, "w");
    char line[512];

    if (!in || !out)
        log_fatal("config/demo.yaml or %s: %s", demo->policy, strerror(errno));
    while (fgets(line, sizeof line, in)) {
        const char *found = NULL, *rest = line;
        for (size_t i = 0; i < 2 && !found && line[0] != '#'; i++)
            if ((found = strstr(line, places[i]))) {
                text_add_length(&policy, line, (size_t)(found - line));
                text_addf(&policy, "%s%s", demo->folder, i == 1 ? "/state" : "");
                rest = found + strlen(places[i]);
            }
        text_add(&policy, rest);
    }
    fputs(policy.bytes, out);
    fclose(in);
    fclose(out);
    text_free(&policy);
}

static void seed(const struct demo *demo)
{
    char *logs = memory_format("%lld", (long long)demo->logs);
    char *worklogs = memory_format("%lld", (long long)demo->worklogs);
    const char *const argv[] = {demo->seeder, "--logs",       logs, "--worklogs",
                                worklogs,     demo->database, NULL};
    char count[TEXT_SHORT], more[TEXT_SHORT], size[TEXT_SHORT], took[TEXT_SHORT];
    double began = latency_clock_ms();
    int status;

    printf("Making the worklog database: %s logs over 400 days, %s worklogs ...\n",
           text_count(count, demo->logs), text_count(more, demo->worklogs));
    stage_remove(demo->database);
    json_decref(stage_run(argv, demo->log, NULL, &status));
    if (status)
        log_fatal("it could not be made; %s says why", demo->log);
    printf("  %s in %s\n", text_bytes(size, stage_size(demo->database, "")),
           text_seconds(took, (latency_clock_ms() - began) / 1e3));
    free(logs);
    free(worklogs);
}

static int64_t rows_past(sqlite3 *db, int64_t cutoff_us)
{
    sqlite3_stmt *count = sql_prepare(db, "SELECT count(*) FROM logs WHERE timestamp < ?");

    stamp_bind(count, 1, stamp_find("iso"), cutoff_us);
    if (sqlite3_step(count) != SQLITE_ROW)
        log_fatal("logs can't be counted: %s", sqlite3_errmsg(db));
    int64_t past = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return past;
}

static void look(const struct demo *demo, struct state *state)
{
    const char *const argv[] = {demo->litekeeper, "inspect", "--json", demo->database, NULL};
    int status;
    sqlite3 *db = sql_open(demo->database, SQLITE_OPEN_READWRITE);

    state->rows = sql_number(db, "SELECT count(*) FROM logs");
    state->past = rows_past(db, demo->cutoff_us);
    sqlite3_close(db);
    state->size = stage_size(demo->database, "");
    state->inspection = stage_run(argv, demo->log, NULL, &status);
    if (status || !state->inspection)
        log_fatal("inspect failed with %d; %s says why", status, demo->log);
}

static void start_application(const struct demo *demo, struct stage_process *application)
{
    const char *const argv[] = {demo->application, demo->database, NULL};

    stage_application(application, argv, demo->log);
}

static void alone(const struct demo *demo, struct state *state)
{
    const struct timespec pause = {demo->seconds, 0};
    struct stage_process application;

    printf("The application alone, for %lld s: a row written and a row read each 5 ms ...\n",
           (long long)demo->seconds);
    start_application(demo, &application);
    nanosleep(&pause, NULL);
    state->application = stage_application_stop(&application);
}

static void print_outcome(const json_t *event)
{
    const char *target = json_string_value(json_object_get(event, "target"));
    const char *reason = json_string_value(json_object_get(event, "reason"));

    printf("  %s%s%s: %s\n    %s\n", json_string_value(json_object_get(event, "task")),
           target ? " " : "", target ? target : "",
           json_string_value(json_object_get(event, "outcome")), reason ? reason : "");
    if (stage_number(event, "lock", "count") > 0)
        printf("    %.1f s, %.0f steps, lock held %.1f ms at most, p99 %.1f ms\n",
               stage_number(event, NULL, "seconds"), stage_number(event, "lock", "count"),
               stage_number(event, "lock", "max_ms"), stage_number(event, "lock", "p99_ms"));
}

/* Runs the policy beside the application; returns litekeeper's exit status. */
static int beside(const struct demo *demo, struct state *state)
{
    const char *const argv[] = {demo->litekeeper, "run",     "-c", demo->policy,
                                "--json",         "worklog", NULL};
    struct stage_process application, litekeeper;
    json_t *event;

    puts("The same application beside `litekeeper run worklog` ...");
    start_application(demo, &application);
    stage_start(&litekeeper, argv, demo->log);
    while (stage_next(&litekeeper, -1, &event)) {
        if (stage_is(event, "outcome"))
            print_outcome(event);
        json_decref(event);
    }
    int status = stage_end(&litekeeper);
    state->application = stage_application_stop(&application);
    return status;
}

static void row(const char *what, const char *before, const char *after)
{
    printf("  %-40s %17s %17s\n", what, before, after);
}

static void print_counts(const struct state *before, const struct state *after)
{
    char a[TEXT_SHORT], b[TEXT_SHORT];

    row("", "before", "after");
    row("logs older than 90 days", text_count(a, before->past), text_count(b, after->past));
    row("logs", text_count(a, before->rows), text_count(b, after->rows));
    row("file", text_bytes(a, before->size), text_bytes(b, after->size));
    const json_t *x = before->inspection, *y = after->inspection;
    snprintf(a, sizeof a, "%.1f %%",
             100 * stage_number(x, NULL, "free_pages") / stage_number(x, NULL, "pages"));
    snprintf(b, sizeof b, "%.1f %%",
             100 * stage_number(y, NULL, "free_pages") / stage_number(y, NULL, "pages"));
    row("free pages", a, b);
}

static const json_t *find_btree(const json_t *inspection, const char *name)
{
    json_t *btree;
    size_t i;

    json_array_foreach (json_object_get(inspection, "btrees"), i, btree) {
        const char *is = json_string_value(json_object_get(btree, "name"));
        if (is && !strcmp(is, name))
            return btree;
    }
    return NULL;
}

static void print_btrees(const struct state *before, const struct state *after)
{
    json_t *btree;
    size_t i;

    printf("\n  %-34s %20s %20s\n", "b-trees of 8 MiB and more", "fragmentation", "density");
    json_array_foreach (json_object_get(before->inspection, "btrees"), i, btree) {
        const char *name = json_string_value(json_object_get(btree, "name"));
        const json_t *now = find_btree(after->inspection, name);
        char fragmentation[TEXT_SHORT], density[TEXT_SHORT];
        if (stage_number(btree, NULL, "bytes") < LARGE)
            continue;
        snprintf(fragmentation, sizeof fragmentation, "%5.1f -> %5.1f %%",
                 100 * stage_number(btree, NULL, "fragmentation"),
                 100 * stage_number(now, NULL, "fragmentation"));
        snprintf(density, sizeof density, "%5.1f -> %5.1f %%",
                 100 * stage_number(btree, NULL, "density"),
                 100 * stage_number(now, NULL, "density"));
        printf("  %-34s %20s %20s\n", name, fragmentation, density);
    }
}

static void print_latency(const char *what, const char *key, const struct state *alone,
                          const struct state *beside)
{
    static const struct {
        const char *key, *name;
    } figures[] = {{"p50_ms", "p50"}, {"p99_ms", "p99"}, {"max_ms", "max"}};
    char name[TEXT_SHORT], a[TEXT_SHORT], b[TEXT_SHORT];
    const json_t *x = json_object_get(alone->application, key);
    const json_t *y = json_object_get(beside->application, key);

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        snprintf(name, sizeof name, "%s, %s", what, figures[i].name);
        snprintf(a, sizeof a, "%.2f ms", stage_number(x, NULL, figures[i].key));
        snprintf(b, sizeof b, "%.2f ms", stage_number(y, NULL, figures[i].key));
        row(name, a, b);
    }
    snprintf(name, sizeof name, "%s, errors", what);
    row(name, text_count(a, stage_errors(x)), text_count(b, stage_errors(y)));
}

static void print_table(const struct state *before, const struct state *after)
{
    puts("");
    print_counts(before, after);
    print_btrees(before, after);
    puts("");
    row("the application", "alone", "during the run");
    print_latency("write", "writes", before, after);
    print_latency("read", "reads", before, after);
    puts("\n  The file keeps its free pages: what it needs next comes from them. Giving them back\n"
         "  to the file system, and putting indexes in order, are tasks still to be built.");
}

static void read_settings(struct demo *demo, int argc, char **argv)
{
    const struct argument arguments[] = {
        {"build", ARGUMENT_TEXT, &demo->build, "folder of the programs (build/release)"},
        {"folder", ARGUMENT_TEXT, &demo->folder, "for everything it makes (build/demo)"},
        {"logs", ARGUMENT_NUMBER, &demo->logs, "rows (1000000)"},
        {"worklogs", ARGUMENT_NUMBER, &demo->worklogs, "rows (300000)"},
        {"seconds", ARGUMENT_NUMBER, &demo->seconds, "of the application alone (10)"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };

    arguments_read("demo [OPTION]...", arguments, 0, argc, argv);
    demo->folder = stage_folder(demo->folder);
    demo->build = stage_folder(demo->build);
    demo->database = memory_format("%s/worklog.db", demo->folder);
    demo->policy = memory_format("%s/policy.yaml", demo->folder);
    demo->log = memory_format("%s/log", demo->folder);
    demo->litekeeper = memory_format("%s/litekeeper", demo->build);
    demo->application = memory_format("%s/field/application", demo->build);
    demo->seeder = memory_format("%s/field/seed-database", demo->build);
}

int main(int argc, char **argv)
{
    struct demo demo = {.build = "build/release",
                        .folder = "build/demo",
                        .logs = 1000000,
                        .worklogs = 300000,
                        .seconds = 10};
    struct state before, after;

    log_start("demo", false);
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_settings(&demo, argc, argv);
    write_policy(&demo);
    seed(&demo);
    demo.cutoff_us = stamp_now() - (int64_t)KEEP_DAYS * 86400 * 1000000;
    look(&demo, &before);
    alone(&demo, &before);
    int status = beside(&demo, &after);
    look(&demo, &after);
    print_table(&before, &after);
    int64_t errors = stage_errors(json_object_get(after.application, "writes")) +
                     stage_errors(json_object_get(after.application, "reads"));
    if (status || after.past || errors)
        log_fatal("that is not what was promised (litekeeper's exit status %d); see %s", status,
                  demo.log);
    return 0;
}
