/*
 * demo: litekeeper's daemon on the seed's database, beside an application that writes and reads all
 * the time: first what it does by day, then what it keeps for the window. Prints what was before
 * and what is after. Leaves nothing but its folder.
 */
#include "demo.h"
#include "arguments.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "queries.h"
#include "stamp.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

enum { KEEP_DAYS = 90, LEAST_LOGS = 400000, SOON_US = 2000000 };

static void seed(const struct demo *demo)
{
    char *logs = memory_format("%lld", (long long)demo->logs);
    char *worklogs = memory_format("%lld", (long long)demo->worklogs);
    const char *const argv[] = {demo->seeder, "--logs",       logs, "--worklogs",
                                worklogs,     demo->database, NULL};
    char count[TEXT_SHORT], more[TEXT_SHORT], size[TEXT_SHORT], took[TEXT_SHORT];
    double began = latency_clock_ms();
    int status;

    printf("A worklog dashboard's database: %s logs of 400 days, %s worklogs ...\n",
           text_count(count, demo->logs), text_count(more, demo->worklogs));
    stage_remove(demo->database);
    json_decref(stage_run(argv, demo->log, NULL, &status));
    if (status)
        log_fatal("it could not be made; %s says why", demo->log);
    printf("  %s, made in %s\n", text_bytes(size, stage_size(demo->database, "")),
           text_seconds(took, (latency_clock_ms() - began) / 1e3));
    free(logs);
    free(worklogs);
}

/* A history that is left from the last time would have its tasks made up. */
static void forget(const struct demo *demo)
{
    char *history = memory_format("%s/state/history.db", demo->folder);

    stage_remove(history);
    free(history);
}

static void start_application(const struct demo *demo, struct stage_process *application)
{
    const char *const argv[] = {demo->application, demo->database, NULL};

    stage_application(application, argv, demo->log);
}

static json_t *alone(const struct demo *demo)
{
    const struct timespec pause = {demo->seconds, 0};
    struct stage_process application;

    printf("\nIts application alone, for %lld s: a row written and a row read each 5 ms ...\n",
           (long long)demo->seconds);
    start_application(demo, &application);
    nanosleep(&pause, NULL);
    return stage_application_stop(&application);
}

/* All but the VACUUM, which looks, and waits for the window. */
static json_t *by_day(struct demo *demo, struct demo_daemon *daemon)
{
    static const char *const tasks[] = {"sample",  "retention logs", "retention worklogs",
                                        "indexes", "optimize",       "integrity",
                                        "reindex", "vacuum",         NULL},
                             *const alerts[] = {"table_size", NULL};
    const struct demo_scene scene = {tasks, alerts, false};
    struct stage_process application;

    puts("\nBy day: `litekeeper daemon` beside the application. Its tasks are due, its window is "
         "closed.");
    demo->due_us = stamp_now() + SOON_US;
    demo_policy_write(demo, false);
    start_application(demo, &application);
    demo_daemon_start(demo, daemon);
    demo_daemon_follow(demo, daemon, &scene);
    demo_daemon_show(demo, "status", NULL);
    return stage_application_stop(&application);
}

static json_t *in_window(const struct demo *demo, struct demo_daemon *daemon)
{
    static const char *const tasks[] = {"vacuum", NULL}, *const alerts[] = {"free_ratio",
                                                                            "index_fragmentation",
                                                                            NULL};
    const struct demo_scene scene = {tasks, alerts, true};
    struct stage_process application;

    puts("\nThe window opens: a policy with another `window:`, and `litekeeper reload`. Now the "
         "application\nhas to wait, as long as VACUUM takes.");
    demo_policy_write(demo, true);
    start_application(demo, &application);
    demo_daemon_begin(daemon);
    demo_daemon_show(demo, "reload", NULL);
    puts("");
    demo_daemon_follow(demo, daemon, &scene);
    demo_daemon_show(demo, "history", NULL);
    demo_daemon_show(demo, "alerts", NULL);
    demo_daemon_show(demo, "archive", "verify");
    return stage_application_stop(&application);
}

static void read_places(struct demo *demo)
{
    demo->folder = stage_folder(demo->folder);
    demo->build = stage_folder(demo->build);
    demo->database = memory_format("%s/worklog.db", demo->folder);
    demo->policy = memory_format("%s/policy.yaml", demo->folder);
    demo->log = memory_format("%s/log", demo->folder);
    demo->said = memory_format("%s/daemon.log", demo->folder);
    demo->litekeeper = memory_format("%s/litekeeper", demo->build);
    demo->application = memory_format("%s/field/application", demo->build);
    demo->seeder = memory_format("%s/field/seed-database", demo->build);
    if (strlen(demo->folder) + strlen("/socket.lock") >= sizeof((struct sockaddr_un *)0)->sun_path)
        log_fatal("%s: too long for a socket in it; name another with --folder", demo->folder);
}

static void read_settings(struct demo *demo, int argc, char **argv)
{
    const struct argument arguments[] = {
        {"build", ARGUMENT_TEXT, &demo->build, "folder of the programs (build/release)"},
        {"folder", ARGUMENT_TEXT, &demo->folder, "for everything it makes (build/demo)"},
        {"logs", ARGUMENT_NUMBER, &demo->logs, "rows (600000)"},
        {"worklogs", ARGUMENT_NUMBER, &demo->worklogs, "rows (200000)"},
        {"seconds", ARGUMENT_NUMBER, &demo->seconds, "of the application alone (8)"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };

    arguments_read("demo [OPTION]...", arguments, 0, argc, argv);
    if (demo->logs < LEAST_LOGS)
        arguments_wrong("with less than 400000 logs there is too little to do");
    read_places(demo);
}

static int64_t errors(const json_t *report)
{
    return stage_errors(json_object_get(report, "writes")) +
           stage_errors(json_object_get(report, "reads"));
}

int main(int argc, char **argv)
{
    struct demo demo = {.build = "build/release",
                        .folder = "build/demo",
                        .logs = 600000,
                        .worklogs = 200000,
                        .seconds = 8};
    struct demo_state before, after;
    struct query_figures queries_before[QUERIES], queries_after[QUERIES];
    struct demo_daemon daemon;
    json_t *reports[3];

    log_start("demo", false);
    unsetenv("NOTIFY_SOCKET"); /* whoever started us is not told how the daemon is */
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_settings(&demo, argc, argv);
    forget(&demo);
    seed(&demo);
    demo.cutoff_us = stamp_now() - (int64_t)KEEP_DAYS * 86400 * 1000000;
    demo_look(&demo, &before);
    const struct option_texts *queries = queries_load(demo_policy_source);
    queries_measure(demo.database, queries, queries_before);
    reports[0] = alone(&demo);
    reports[1] = by_day(&demo, &daemon);
    reports[2] = in_window(&demo, &daemon);
    demo_daemon_stop(&demo, &daemon);
    demo_look(&demo, &after);
    queries_measure(demo.database, queries, queries_after);
    demo_print_states(&before, &after);
    queries_print(queries_before, queries_after);
    demo_print_latencies(reports);
    puts("\nOutside the window its writes wait for single steps. In the window they wait for "
         "VACUUM, and\nfail with SQLITE_BUSY where their busy timeout, here 5 s, is shorter than "
         "that.");
    if (after.past || after.size >= before.size || errors(reports[1]) ||
        !queries_kept(queries_after))
        log_fatal("that is not what was promised; see %s", demo.said);
    return 0;
}
