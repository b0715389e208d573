/*
 * A worker's main: its pipes, its signals, its rights, and the table of what it can do. Runs in
 * the child alone, one job a process. What it was started with it gives up before it reads a byte
 * that anybody but root has written.
 */
#include "worker.h"

#include "archive_job.h"
#include "clock.h"
#include "discover.h"
#include "engine_job.h"
#include "event.h"
#include "history_job.h"
#include "job.h"
#include "lines.h"
#include "log.h"
#include "privileges.h"
#include "rights.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status worker_history(json_t *job, struct error *error)
{
    const char *state;

    enum status status = job_state(job, &state, error);
    if (status)
        return status;
    struct history_host host = {worker_line, worker_hold, NULL};
    history_job(state, &host);
    return STATUS_OK;
}

static const struct worker_kind worker_kinds[] = {
    {.name = "run", .serve = engine_job_run, .as_owner = true},
    {.name = "restore", .serve = engine_job_restore, .as_owner = true},
    {.name = "plan", .serve = engine_job_plan, .as_owner = true},
    {.name = "inspect", .serve = engine_job_inspect, .as_owner = true},
    {.name = "archive", .serve = archive_job, .as_owner = true},
    {.name = "discover", .serve = discover_serve, .keep = (uint64_t)1 << CAP_DAC_READ_SEARCH},
    {.name = "search", .serve = discover_search, .keep = (uint64_t)1 << CAP_DAC_READ_SEARCH},
    {.name = "history", .serve = worker_history},
    {0},
};

enum {
    WORKER_ALARM_S = 60, /* after the time limit: longer than any parent's grace */
    WORKER_ASK_MS = 1,
    WORKER_HELD = 32 * 1024 /* bytes of events that wait for company: half of a pipe */
};

static const struct {
    enum status status;
    int exit_status;
} worker_exits[] = {
    {STATUS_OK, 0},      {STATUS_FAILED, 1}, {STATUS_INVALID, 2},
    {STATUS_REFUSED, 3}, {STATUS_BUSY, 4},   {STATUS_CANCELLED, 5},
};

/* What a worker has one of: the signal that it got, its standard input and output. */
static volatile sig_atomic_t worker_told;
static struct lines worker_lines = {.limit = WORKER_JOB};
static struct text worker_held; /* events, lines of them */

static int worker_exit_status(enum status status)
{
    for (size_t i = 0; i < sizeof worker_exits / sizeof *worker_exits; i++)
        if (worker_exits[i].status == status)
            return worker_exits[i].exit_status;
    return 1;
}

enum status worker_status(int64_t exit_status)
{
    for (size_t i = 0; i < sizeof worker_exits / sizeof *worker_exits; i++)
        if (worker_exits[i].exit_status == exit_status)
            return worker_exits[i].status;
    return STATUS_FAILED;
}

static void worker_tell(int signal)
{
    (void)signal;
    worker_told = 1;
}

/* At most once a millisecond, so that a stop is noticed that much later: it is asked for each page
 * that is read, and to ask the kernel takes as long as that. */
static bool worker_asks_kernel(void)
{
    static double asked_ms;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN | POLLRDHUP};
    double now = clock_monotonic_ms();

    if (now - asked_ms < WORKER_ASK_MS)
        return false;
    asked_ms = now;
    return poll(&input, 1, 0) > 0;
}

bool worker_stopped(void *argument)
{
    (void)argument;
    if (!worker_told && (lines_left(&worker_lines) || worker_asks_kernel()))
        worker_told = 1;
    return worker_told;
}

/* Adds what comes next to the input; STATUS_CANCELLED at its end. */
static enum status worker_fill(struct error *error)
{
    char bytes[16 * 1024];
    ssize_t length = 0;

    if (!worker_told)
        length = read(STDIN_FILENO, bytes, sizeof bytes);
    if (length < 0 && errno == EINTR && !worker_told)
        return STATUS_OK;
    if (length <= 0) {
        worker_told = 1; /* whoever asks next knows it without the kernel */
        return error_set(error, STATUS_CANCELLED, "told to stop");
    }
    lines_add(&worker_lines, bytes, (size_t)length);
    return STATUS_OK;
}

static enum status worker_read(json_t **job, struct error *error)
{
    enum lines_found found;
    json_error_t problem;
    size_t length;
    char *line;

    while ((found = lines_next(&worker_lines, &line, &length)) == LINES_NONE) {
        enum status status = worker_fill(error);
        if (status)
            return status;
    }
    if (found == LINES_TOO_LONG)
        return error_set(error, STATUS_INVALID, "the job is not valid: longer than %d bytes",
                         WORKER_JOB);
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (!object)
        return error_set(error, STATUS_INVALID, "the job is not valid: %s in column %d",
                         problem.text, problem.column);
    *job = object;
    return STATUS_OK;
}

/* Out of the middle of whatever runs: a transaction that is open is as good as never begun. */
static _Noreturn void worker_give_up(const char *why)
{
    fprintf(stderr, "<2>%s\n", why);
    _exit(worker_exit_status(STATUS_FAILED));
}

static void worker_write(const char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(STDOUT_FILENO, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            worker_give_up("the worker can't reach its parent");
        bytes += written;
        length -= (size_t)written;
    }
}

/* In whole lines, so that a kill leaves no half one but in a full pipe. */
static void worker_flush(void)
{
    worker_write(worker_held.bytes, worker_held.length);
    text_clear(&worker_held);
}

void worker_hold(void *argument, json_t *event)
{
    char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(15));

    (void)argument;
    json_decref(event);
    if (!line || strlen(line) > EVENT_LINE)
        worker_give_up("the worker has made an event that can't be sent");
    text_addf(&worker_held, "%s\n", line);
    free(line);
    if (worker_held.length > WORKER_HELD)
        worker_flush();
}

void worker_emit(void *argument, json_t *event)
{
    worker_hold(argument, event);
    worker_flush();
}

/* Whether there is something to read within that time. */
static bool worker_waits(int wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return wait_ms < 0 || poll(&input, 1, wait_ms) > 0;
}

char *worker_line(void *argument, int wait_ms, bool *ended)
{
    enum lines_found found;
    size_t length;
    char *line;

    (void)argument;
    *ended = false;
    while ((found = lines_next(&worker_lines, &line, &length)) == LINES_NONE) {
        worker_flush(); /* the parent may wait for it before it says more */
        if (!worker_waits(wait_ms))
            return NULL;
        if (worker_fill(NULL)) {
            *ended = true;
            return NULL;
        }
    }
    if (found == LINES_TOO_LONG)
        worker_give_up("the worker was sent a line that is too long");
    return line;
}

static void worker_signals(void)
{
    /* no SA_RESTART: a signal ends a read that waits for the parent */
    struct sigaction tell = {.sa_handler = worker_tell}, ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGTERM, &tell, NULL);
    sigaction(SIGINT, &tell, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
}

static enum status worker_begin(struct error *error)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return error_set(error, STATUS_INVALID, "the worker needs its three descriptors");
    closefrom(STDERR_FILENO + 1);
    umask(077); /* SQLite gives the database's mode to what it makes beside it */
    worker_signals();
    if (privileges_die_with_parent() < 0)
        return error_set(error, STATUS_FAILED, "the worker can't bind itself to its parent");
    return STATUS_OK;
}

static enum status worker_rights(const struct worker_kind *kind, const json_t *job,
                                 struct error *error)
{
    struct privileges ours = {.user = geteuid(), .group = getegid(), .keep = kind->keep};
    pid_t parent = getppid();
    enum status status = kind->as_owner ? rights_become(job, error) : privileges_drop(&ours, error);

    if (status)
        return status;
    closefrom(STDERR_FILENO + 1); /* nsswitch's modules leave sockets open */
    /* It may have ended while the change of user had us unbound. */
    return getppid() == parent ? STATUS_OK
                               : error_set(error, STATUS_CANCELLED, "its parent is gone");
}

static const struct worker_kind *worker_find(const struct worker_kind *kinds, const json_t *job)
{
    const char *name = json_string_value(json_object_get(job, "job"));

    for (; name && kinds->name; kinds++)
        if (strcmp(kinds->name, name) == 0)
            return kinds;
    return NULL;
}

/* A worker never outlives its time for long, not even under a parent that has forgotten it. */
static void worker_alarm(int64_t limit_ms)
{
    int64_t seconds = limit_ms / 1000 + WORKER_ALARM_S;

    alarm(limit_ms && seconds < INT32_MAX ? (unsigned)seconds : 0);
}

static enum status worker_serve(const struct worker_kind *kinds, json_t *job, struct error *error)
{
    const struct worker_kind *kind = worker_find(kinds, job);

    if (!kind)
        return error_set(error, STATUS_INVALID, "the job is not valid: of no known kind");
    worker_alarm(job_time_limit(job));
    enum status status = worker_rights(kind, job, error);
    return status ? status : kind->serve(job, error);
}

/* Says that it is ready for another job, and waits for that; false: there is none. */
static bool worker_next(json_t **job)
{
    struct error none;

    alarm(0);
    json_decref(*job);
    *job = NULL;
    worker_emit(NULL, json_pack("{s:s}", "event", "ready"));
    return worker_read(job, &none) == STATUS_OK;
}

int worker_run(const struct worker_kind *kinds)
{
    struct error error = {0};
    json_t *job = NULL;

    log_levels();
    enum status status = worker_begin(&error);
    if (!status)
        status = worker_read(&job, &error);
    if (!status)
        status = worker_serve(kinds, job, &error);
    while (!status && job_stays(job) && worker_next(&job))
        status = worker_serve(kinds, job, &error);
    json_decref(job);
    worker_flush();
    text_free(&worker_held);
    lines_free(&worker_lines);
    if (status)
        fprintf(stderr, "<2>%s\n", error.text);
    return worker_exit_status(status);
}

int worker_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    log_start("litekeeper worker", false);
    return worker_run(worker_kinds);
}
