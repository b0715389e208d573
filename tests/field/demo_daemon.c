/* The daemon of the demo: started, listened to, asked, and stopped. */
#include "demo.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "stamp.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 600000, BEAT_MS = 400, INDENT = 11 };

void demo_daemon_start(const struct demo *demo, struct demo_daemon *daemon)
{
    const char *const argv[] = {demo->litekeeper, "daemon", "-c", demo->policy, NULL};

    *daemon = (struct demo_daemon){0};
    unlink(demo->said);
    demo_daemon_begin(daemon);
    daemon->said = open(demo->said, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    if (daemon->said < 0)
        log_fatal("%s: %s", demo->said, strerror(errno));
    stage_start(&daemon->process, argv, demo->said);
}

void demo_daemon_begin(struct demo_daemon *daemon)
{
    daemon->began_ms = latency_clock_ms();
    daemon->began_us = stamp_now();
}

/* --- what it says -------------------------------------------------------------------------- */

/* How much of the text goes into that many columns, up to a space. */
static size_t daemon_fits(const char *text, size_t columns)
{
    size_t length = strlen(text);

    if (length <= columns)
        return length;
    for (size_t i = columns; i > columns / 2; i--)
        if (text[i] == ' ')
            return i;
    return columns;
}

/* The rest of a line whose first `column` columns are printed, hanging where that is. */
static void daemon_wrap(const char *text, int column)
{
    for (size_t fits; fits = daemon_fits(text, (size_t)(DEMO_WIDTH - column)), text[fits];) {
        printf("%.*s\n%*s", (int)fits, text, column, "");
        text += fits + (text[fits] == ' ');
    }
    puts(text);
}

static void daemon_print(const struct demo_daemon *daemon, const char *line)
{
    static const char name[] = "litekeeper: ";

    if (strncmp(line, name, strlen(name)) == 0)
        line += strlen(name);
    printf("%7.1f s  ", (latency_clock_ms() - daemon->began_ms) / 1e3);
    daemon_wrap(line, INDENT);
}

/* Prints the whole lines that have come. */
static void daemon_listen(struct demo_daemon *daemon)
{
    ssize_t got;
    char *end;

    while ((got = read(daemon->said, daemon->line + daemon->length,
                       sizeof daemon->line - daemon->length)) > 0) {
        daemon->length += (size_t)got;
        while ((end = memchr(daemon->line, '\n', daemon->length))) {
            *end = '\0';
            daemon_print(daemon, daemon->line);
            daemon->length -= (size_t)(end + 1 - daemon->line);
            memmove(daemon->line, end + 1, daemon->length);
        }
        if (daemon->length == sizeof daemon->line)
            log_fatal("the daemon says a line without end");
    }
}

/* --- what it is asked ---------------------------------------------------------------------- */

/* Whether an event says that this is so; what names the subject is kept in `argument`. */
typedef bool daemon_test(const json_t *event, const char *argument, const void *context);

static bool daemon_find(const json_t *events, const char *const name, daemon_test *test,
                        const void *context)
{
    json_t *event;
    size_t i;

    json_array_foreach (events, i, event)
        if (test(event, name, context))
            return true;
    return false;
}

/* All events that a client's command prints; NULL where it failed, as before there is a socket. */
static json_t *daemon_ask(const struct demo *demo, const char *const argv[])
{
    struct stage_process client;
    json_t *event, *events = json_array();

    stage_start(&client, argv, demo->log);
    while (stage_next(&client, -1, &event))
        json_array_append_new(events, event);
    int status = stage_end(&client);
    if (status == 0 || status == 1) /* an alert is raised */
        return events;
    json_decref(events);
    return NULL;
}

static bool daemon_ran(const json_t *run, const char *name, const void *scene)
{
    const char *task = json_string_value(json_object_get(run, "task"));
    const char *target = json_string_value(json_object_get(run, "target"));
    bool waits = json_is_true(json_object_get(run, "waits"));

    if (!task || (waits && ((const struct demo_scene *)scene)->window))
        return false;
    char *subject = memory_format("%s%s%s", task, target ? " " : "", target ? target : "");
    bool is = strcmp(subject, name) == 0;
    free(subject);
    return is;
}

static bool daemon_raised(const json_t *alert, const char *name, const void *context)
{
    const char *metric = json_string_value(json_object_get(alert, "metric"));
    (void)context;

    return metric && strcmp(metric, name) == 0;
}

/* The first task that has not run yet, or alert that has not cleared; NULL: all is as it must be.
 */
static const char *daemon_lacks(const struct demo *demo, const struct demo_daemon *daemon,
                                const struct demo_scene *scene)
{
    char since[TEXT_SHORT];
    text_time(since, daemon->began_us);
    const char *const history[] = {demo->litekeeper, "history", "-c",  demo->policy,
                                   "--json",         "--since", since, NULL};
    const char *const alerts[] = {demo->litekeeper, "alerts", "-c", demo->policy, "--json", NULL};
    json_t *runs = daemon_ask(demo, history), *raised = daemon_ask(demo, alerts);
    const char *lacks = runs && raised ? NULL : "the daemon's answer";

    for (size_t i = 0; !lacks && scene->tasks[i]; i++)
        if (!daemon_find(runs, scene->tasks[i], daemon_ran, scene))
            lacks = scene->tasks[i];
    for (size_t i = 0; !lacks && scene->alerts[i]; i++)
        if (daemon_find(raised, scene->alerts[i], daemon_raised, NULL))
            lacks = scene->alerts[i];
    json_decref(runs);
    json_decref(raised);
    return lacks;
}

void demo_daemon_follow(const struct demo *demo, struct demo_daemon *daemon,
                        const struct demo_scene *scene)
{
    const struct timespec beat = {0, BEAT_MS * 1000000L};
    const char *lacks;

    while ((lacks = daemon_lacks(demo, daemon, scene))) {
        daemon_listen(daemon);
        if (waitpid(daemon->process.pid, NULL, WNOHANG))
            log_fatal("the daemon has ended; %s says why", demo->said);
        if (latency_clock_ms() - daemon->began_ms > PATIENCE_MS)
            log_fatal("still waiting for %s; see %s", lacks, demo->said);
        nanosleep(&beat, NULL);
    }
    daemon_listen(daemon);
}

/* The column where the last of its parts begins: they are two spaces apart. */
static int daemon_last_part(const char *line)
{
    int column = 0;

    for (int i = 0; i < DEMO_WIDTH * 2 / 3 && line[i]; i++)
        if (line[i] != ' ' && (i == 0 || (line[i - 1] == ' ' && (i < 2 || line[i - 2] == ' '))))
            column = i;
    return column;
}

static void daemon_show_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    const int last = daemon_last_part(line);

    if (!line[0]) {
        puts("");
        return;
    }
    printf("  %.*s", last, line);
    daemon_wrap(line + last, 2 + last);
}

void demo_daemon_show(const struct demo *demo, const char *command, const char *verb)
{
    const char *argv[] = {demo->litekeeper, command, "-c", demo->policy, NULL, NULL};
    struct stage_process client;
    char line[1024];

    if (verb) { /* "archive verify" is a command of two words */
        memmove(argv + 3, argv + 2, 2 * sizeof *argv);
        argv[2] = verb;
    }
    printf("\n  $ litekeeper %s%s%s\n", command, verb ? " " : "", verb ? verb : "");
    stage_start(&client, argv, demo->log);
    FILE *out = fdopen(dup(client.out), "r");
    while (out && fgets(line, sizeof line, out))
        daemon_show_line(line);
    if (out)
        fclose(out);
    stage_end(&client);
}

void demo_daemon_stop(const struct demo *demo, struct demo_daemon *daemon)
{
    char took[TEXT_SHORT];

    puts("\nSIGTERM to the daemon.");
    demo_daemon_begin(daemon);
    kill(daemon->process.pid, SIGTERM);
    int status = stage_end(&daemon->process);
    text_seconds(took, (latency_clock_ms() - daemon->began_ms) / 1e3);
    daemon_listen(daemon);
    close(daemon->said);
    if (status)
        log_fatal("the daemon ended with %d; %s says why", status, demo->said);
    printf("  it ended in %s\n", took);
}
