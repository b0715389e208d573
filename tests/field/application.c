/*
 * application: what litekeeper must not disturb. Each writer is a process with a connection of its
 * own that logs a line and reads another, over and over, and notes how long it had to wait. It
 * knows nothing of litekeeper. It prints {"event":"ready"} once all have written (or, idle, read),
 * and at its end one report, both as one line of JSON.
 */
#include "arguments.h"
#include "latency.h"
#include "log.h"
#include "sql.h"
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct settings {
    const char *file, *synchronous, *ledger;
    int64_t writers, interval_ms, busy_timeout_ms, seconds, wake_ms;
    bool idle, quiet;
};

struct writer {
    const struct settings *settings;
    struct latency *writes, *reads;
    sqlite3_stmt *insert, *read;
    const struct stamp_format *format;
    int64_t newest;
    int ledger, ready;
    uint64_t random;
};

static volatile sig_atomic_t stopped, woken;

static void on_signal(int number)
{
    if (number != SIGUSR1)
        stopped = 1;
    woken = 1;
}

/* Sleeps until then, or until a signal comes. */
static void wait_until(double when_ms)
{
    double left = when_ms - latency_clock_ms();
    struct timespec pause = {(time_t)(left / 1e3),
                             (long)((left - (double)(int64_t)(left / 1e3) * 1e3) * 1e6)};

    if (left > 0)
        nanosleep(&pause, NULL);
}

static sqlite3 *writer_open(struct writer *w)
{
    sqlite3 *db = sql_open(w->settings->file, SQLITE_OPEN_READWRITE);

    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 60000); /* to get in at all, past writers that are at work already */
    sql_run(db, "PRAGMA synchronous=%w", w->settings->synchronous);
    sqlite3_stmt *newest =
        sql_prepare(db, "SELECT id, timestamp FROM logs ORDER BY id DESC LIMIT 1");
    w->format = stamp_find("iso");
    if (sqlite3_step(newest) == SQLITE_ROW) {
        w->newest = sqlite3_column_int64(newest, 0);
        w->format = stamp_detect(newest, 1);
    }
    sqlite3_finalize(newest);
    if (!w->format)
        log_fatal("logs.timestamp is in no format that this application writes");
    w->insert = sql_prepare(db, "INSERT INTO logs(timestamp, level, endpoint, method, status_code, "
                                "duration_ms, request_id, message) "
                                "VALUES(?, 'INFO', ?, 'GET', 200, 1.5, ?, ?)");
    w->read = sql_prepare(db, "SELECT message FROM logs WHERE id = ?");
    sqlite3_busy_timeout(db, (int)w->settings->busy_timeout_ms);
    return db;
}

static uint64_t writer_random(struct writer *w)
{
    return w->random = w->random * 6364136223846793005u + 1442695040888963407u;
}

/* A line that was acknowledged: the application may count on it. */
static void writer_note(struct writer *w, int64_t id)
{
    char line[32];
    int length = snprintf(line, sizeof line, "%lld\n", (long long)id);

    if (w->ledger >= 0 && write(w->ledger, line, (size_t)length) != length)
        log_fatal("%s: %s", w->settings->ledger, strerror(errno));
}

static double writer_write(struct writer *w)
{
    char endpoint[32], message[300];
    double began = latency_clock_ms();
    sqlite3 *db = sqlite3_db_handle(w->insert);

    memset(message, 'x', sizeof message);
    snprintf(endpoint, sizeof endpoint, "/api/v1/app/%d", (int)(writer_random(w) >> 40) % 100);
    stamp_bind(w->insert, 1, w->format, stamp_now());
    sql_bind_text(w->insert, 2, endpoint);
    sqlite3_bind_int64(w->insert, 3, (int64_t)writer_random(w));
    sqlite3_bind_text(w->insert, 4, message, sizeof message, SQLITE_TRANSIENT);
    sqlite3_step(w->insert);
    int code = sqlite3_reset(w->insert);
    double took = latency_clock_ms() - began;
    latency_add(w->writes, took, code);
    if (code == SQLITE_OK)
        writer_note(w, w->newest = sqlite3_last_insert_rowid(db));
    return took;
}

static void writer_read(struct writer *w)
{
    double began = latency_clock_ms();

    sqlite3_bind_int64(w->read, 1, w->newest - (int64_t)(writer_random(w) >> 40) % 100000);
    sqlite3_step(w->read);
    int code = sqlite3_reset(w->read);
    latency_add(w->reads, latency_clock_ms() - began, code);
}

static void writer_ready(struct writer *w)
{
    if (w->ready >= 0 && write(w->ready, ".", 1) == 1)
        close(w->ready);
    w->ready = -1;
}

/* From half an interval to one and a half: writers that don't know each other don't march in step,
 * and in step with the sleeps of SQLite's busy handler they would meet again and again. */
static double writer_pause(struct writer *w)
{
    double random = (double)(writer_random(w) >> 40) / (1 << 24);

    return (double)w->settings->interval_ms * (0.5 + random);
}

/* Keeps up its schedule: after a wait it catches up, unless it is more than a second behind. */
static void writer_busy(struct writer *w)
{
    double next = latency_clock_ms();
    double end = next + (double)w->settings->seconds * 1e3;

    while (!stopped && latency_clock_ms() < end) {
        writer_write(w);
        writer_read(w);
        writer_ready(w);
        next += writer_pause(w);
        if (latency_clock_ms() - next > 1e3)
            next = latency_clock_ms();
        wait_until(next);
    }
}

/* Has the file open and does nothing with it; then it writes once, and that write's wait is all
 * that it reports. */
static void writer_idle(struct writer *w)
{
    const double day = 86400e3, beat = 20; /* a signal just before a sleep is seen a beat later */
    double wake = latency_clock_ms() + (w->settings->wake_ms ? (double)w->settings->wake_ms : day);

    writer_read(w);
    writer_ready(w);
    while (!woken && latency_clock_ms() < wake)
        wait_until(latency_clock_ms() + beat < wake ? latency_clock_ms() + beat : wake);
    writer_write(w);
    double end = latency_clock_ms() + (double)w->settings->seconds * 1e3;
    while (!stopped && latency_clock_ms() < end)
        wait_until(latency_clock_ms() + beat);
}

static void writer_main(struct writer *w)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (w->settings->ledger)
        w->ledger = open(w->settings->ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    sqlite3 *db = writer_open(w);
    if (w->settings->idle)
        writer_idle(w);
    else
        writer_busy(w);
    sqlite3_finalize(w->insert);
    sqlite3_finalize(w->read);
    sqlite3_close(db);
    exit(0);
}

static void say(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    puts("");
    fflush(stdout);
    json_decref(line);
}

static json_t *report(struct latency *latencies, int64_t writers, double seconds)
{
    json_t *each = json_array();

    for (int64_t i = 0; i < writers; i++)
        json_array_append_new(each,
                              json_pack("{so so}", "writes", latency_report(&latencies[2 * i]),
                                        "reads", latency_report(&latencies[2 * i + 1])));
    return json_pack("{ss sf so so so}", "event", "report", "seconds", seconds, "writes",
                     latency_worst(each, "writes"), "reads", latency_worst(each, "reads"),
                     "writers", each);
}

/* Waits for all children, passing signals on to them; false if one did not end well. */
static bool wait_for_all(const pid_t *children, int64_t count)
{
    bool well = true;
    int status;

    for (int64_t left = count; left > 0;) {
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended > 0) {
            left--;
            well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            continue;
        }
        if (woken || !well)
            for (int64_t i = 0; i < count; i++)
                kill(children[i], stopped || !well ? SIGTERM : SIGUSR1);
        woken = 0;
        wait_until(latency_clock_ms() + 20);
    }
    return well;
}

static void read_settings(struct settings *s, int argc, char **argv)
{
    const struct argument arguments[] = {
        {"writers", ARGUMENT_NUMBER, &s->writers, "processes that write and read (1)"},
        {"interval", ARGUMENT_NUMBER, &s->interval_ms, "ms from one write to the next (5)"},
        {"busy-timeout", ARGUMENT_NUMBER, &s->busy_timeout_ms, "ms (5000)"},
        {"synchronous", ARGUMENT_TEXT, &s->synchronous, "FULL (default), NORMAL or OFF"},
        {"seconds", ARGUMENT_NUMBER, &s->seconds, "how long (until SIGTERM)"},
        {"idle", ARGUMENT_FLAG, &s->idle, "only have it open; write once at SIGUSR1 or --wake"},
        {"wake", ARGUMENT_NUMBER, &s->wake_ms, "ms after which the idle write once"},
        {"ledger", ARGUMENT_TEXT, &s->ledger, "file to which each committed row's id is added"},
        {"quiet", ARGUMENT_FLAG, &s->quiet, "no report"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };

    s->file = argv[arguments_read("application [OPTION]... DATABASE", arguments, 1, argc, argv)];
    if (s->writers < 1 || s->writers > 1000)
        arguments_wrong("--writers takes 1 to 1000");
}

static pid_t start_writer(const struct settings *s, struct latency *latencies, int64_t number,
                          const int ready[2])
{
    struct writer w = {.settings = s,
                       .writes = &latencies[2 * number],
                       .reads = &latencies[2 * number + 1],
                       .random = (uint64_t)number + 7,
                       .ledger = -1,
                       .ready = ready[1]};
    pid_t child = fork();

    if (child < 0)
        log_fatal("fork: %s", strerror(errno));
    if (child == 0) {
        close(ready[0]);
        writer_main(&w);
    }
    return child;
}

static void wait_until_ready(int descriptor, int64_t writers)
{
    char bytes[64];
    int64_t have = 0;

    while (have < writers) {
        ssize_t got = read(descriptor, bytes, sizeof bytes);
        if (got == 0 || (got < 0 && errno != EINTR) || stopped)
            return;
        have += got > 0 ? got : 0;
    }
    say(json_pack("{ss}", "event", "ready"));
}

int main(int argc, char **argv)
{
    struct settings s = {.synchronous = "FULL",
                         .writers = 1,
                         .interval_ms = 5,
                         .busy_timeout_ms = 5000,
                         .seconds = 86400 * 365};
    struct sigaction action = {.sa_handler = on_signal};
    int ready[2];

    log_start("application", false);
    read_settings(&s, argc, argv);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    struct latency *latencies = latency_shared(2 * s.writers);
    pid_t *children = calloc((size_t)s.writers, sizeof *children);
    if (!children || pipe2(ready, O_CLOEXEC))
        log_fatal("no pipe");
    double began = latency_clock_ms();
    for (int64_t i = 0; i < s.writers; i++)
        children[i] = start_writer(&s, latencies, i, ready);
    close(ready[1]);
    wait_until_ready(ready[0], s.writers);
    bool well = wait_for_all(children, s.writers);
    if (!s.quiet)
        say(report(latencies, s.writers, (latency_clock_ms() - began) / 1e3));
    free(children);
    return well ? 0 : 1;
}
