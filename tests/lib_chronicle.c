#include "lib_chronicle.h"

#include "event.h"
#include "history_job.h"
#include "job.h"
#include "lib_folder.h"
#include "lib_launched.h"
#include "lib_worklog.h"
#include "memory.h"
#include "worker.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHRONICLED_PATIENCE_MS = 60 * 1000, CHRONICLED_ROWS = 1000 };

static void flood(void)
{
    for (;;)
        worker_hold(NULL, json_pack("{s:s, s:s, s:i, s:i}", "event", "file", "path", "/a", "device",
                                    1, "inode", 2));
}

static bool ends_in(const char *state, const char *name)
{
    const char *last = strrchr(state, '/');

    return last && strcmp(last + 1, name) == 0;
}

static enum status kind_history(json_t *job, struct error *error)
{
    struct history_host host = {worker_line, worker_hold, NULL};
    const char *state;
    bool ended;

    enum status status = job_state(job, &state, error);
    if (status)
        return status;
    if (ends_in(state, "dies") && worker_line(NULL, -1, &ended))
        raise(SIGUSR1);
    if (ends_in(state, "floods") && worker_line(NULL, -1, &ended))
        flood();
    while (ends_in(state, "mute"))
        pause();
    history_job(state, &host);
    return STATUS_OK;
}

static const struct worker_kind kinds[] = {
    {.name = "history", .serve = kind_history},
    {0},
};

void chronicled_main(int argc, char **argv)
{
    launched_main(argc, argv, kinds);
}

static void on_row(void *argument, const json_t *row)
{
    struct chronicled *chronicled = argument;

    chronicled->row_count++;
    if (json_array_size(chronicled->rows) < CHRONICLED_ROWS)
        json_array_append_new(chronicled->rows, json_deep_copy(row));
}

static void on_end(void *argument, const json_t *answer, const struct error *error)
{
    struct chronicled *chronicled = argument;

    chronicled->ended++;
    ck_assert_uint_le(chronicled->ended, chronicled->asked);
    json_decref(chronicled->answer);
    chronicled->answer = answer ? json_deep_copy(answer) : NULL;
    if (!answer) {
        chronicled->failed++;
        chronicled->error = *error;
    }
}

static void on_trouble(void *argument, const char *why)
{
    struct chronicled *chronicled = argument;

    if (!why) {
        chronicled->over++;
        ck_assert_uint_eq(chronicled->over, chronicled->troubles);
        return;
    }
    ck_assert_uint_eq(chronicled->over, chronicled->troubles);
    chronicled->troubles++;
    snprintf(chronicled->why, sizeof chronicled->why, "%s", why);
}

static void on_lost(void *argument)
{
    struct chronicled *chronicled = argument;

    chronicled->lost++;
}

void chronicled_open(struct chronicled *chronicled, const char *state)
{
    memset(chronicled, 0, sizeof *chronicled);
    uv_loop_init(&chronicled->loop);
    chronicled->state = memory_copy(state);
    chronicled->rows = json_array();
    chronicled->chronicle = chronicle_open(&chronicled->loop, state, on_trouble, chronicled);
    chronicle_on_lost(chronicled->chronicle, on_lost, chronicled);
}

void chronicled_open_in(struct chronicled *chronicled, const char *name)
{
    char *state = folder_path(name);

    chronicled_open(chronicled, state);
    free(state);
}

void chronicled_ask(struct chronicled *chronicled, json_t *request)
{
    struct chronicle_answers answers = {on_row, on_end, chronicled};

    chronicled->asked++;
    chronicle_ask(chronicled->chronicle, request, &answers);
}

static void on_time(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Runs the loop until `done` or so long; whether it was done. */
static bool run_until(struct chronicled *chronicled,
                      bool (*done)(const struct chronicled *chronicled, size_t count), size_t count,
                      unsigned ms)
{
    bool late = false;
    uv_timer_t timer;

    uv_timer_init(&chronicled->loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_time, ms, 0);
    while (!late && !done(chronicled, count))
        uv_run(&chronicled->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&chronicled->loop, UV_RUN_NOWAIT);
    return !late;
}

static bool is_ended(const struct chronicled *chronicled, size_t count)
{
    return chronicled->ended >= count;
}

static bool is_written(const struct chronicled *chronicled, size_t count)
{
    return chronicle_pending(chronicled->chronicle) + chronicle_kept(chronicled->chronicle) ==
               count &&
           chronicled->over == chronicled->troubles;
}

static bool is_over(const struct chronicled *chronicled, size_t count)
{
    return chronicled->over >= count;
}

static bool is_never(const struct chronicled *chronicled, size_t count)
{
    (void)chronicled;
    (void)count;
    return false;
}

static bool is_closed(const struct chronicled *chronicled, size_t count)
{
    (void)count;
    return !chronicled->chronicle;
}

void chronicled_await(struct chronicled *chronicled, size_t ended)
{
    ck_assert_msg(run_until(chronicled, is_ended, ended, CHRONICLED_PATIENCE_MS),
                  "%zu of %zu questions had their end", chronicled->ended, ended);
}

void chronicled_await_written(struct chronicled *chronicled)
{
    ck_assert_msg(run_until(chronicled, is_written, 0, CHRONICLED_PATIENCE_MS), "%zu are kept: %s",
                  chronicle_kept(chronicled->chronicle), chronicled->why);
}

void chronicled_await_over(struct chronicled *chronicled, size_t over)
{
    ck_assert(run_until(chronicled, is_over, over, CHRONICLED_PATIENCE_MS));
}

const json_t *chronicled_answer(struct chronicled *chronicled, json_t *request)
{
    size_t failed = chronicled->failed;

    chronicled_ask(chronicled, request);
    chronicled_await(chronicled, chronicled->asked);
    ck_assert_msg(chronicled->failed == failed, "%s", chronicled->error.text);
    return chronicled->answer;
}

void chronicled_run(struct chronicled *chronicled, unsigned ms)
{
    run_until(chronicled, is_never, 0, ms);
}

static void on_closed(void *argument)
{
    struct chronicled *chronicled = argument;

    chronicled->chronicle = NULL;
}

void chronicled_close(struct chronicled *chronicled)
{
    chronicle_close(chronicled->chronicle, 10000, on_closed, chronicled);
    ck_assert(run_until(chronicled, is_closed, 0, CHRONICLED_PATIENCE_MS));
    ck_assert_uint_eq(chronicled->ended, chronicled->asked);
    uv_run(&chronicled->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&chronicled->loop), 0);
    json_decref(chronicled->rows);
    json_decref(chronicled->answer);
    free(chronicled->state);
}

static json_t *btree(int number)
{
    char name[32];

    snprintf(name, sizeof name, "idx_%d", number);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:f}", "name", name, "type",
                     "index", "table", "logs", "depth", 2, "interior_pages", 1, "leaf_pages", 9,
                     "overflow_pages", 0, "bytes", 40960, "fragmentation", 0.25, "density", 0.75);
}

json_t *chronicled_outcome(const char *task, const char *outcome, int btrees)
{
    json_t *array = json_array();

    for (int i = 0; i < btrees; i++)
        json_array_append_new(array, btree(i));
    return json_pack("{s:s, s:s, s:s, s:n, s:s, s:s, s:i, s:i, s:f, s:{s:i, s:f, s:f, s:f},"
                     " s:{s:i, s:i, s:o}}",
                     "event", "outcome", "database", "worklog", "task", task, "target", "outcome",
                     outcome, "reason", "as it should be", "rows", 0, "bytes_freed", 0, "seconds",
                     0.5, "lock", "count", 1, "max_ms", 1.5, "p99_ms", 1.5, "total_ms", 1.5,
                     "effect", "page_size", 4096, "pages", 10, "btrees", array);
}

json_t *chronicled_request(const char *task, int64_t started_us)
{
    json_t *outcome = chronicled_outcome(task, "done", 3);
    json_t *request = history_job_record(outcome, "/srv/w.db", started_us);

    json_decref(outcome);
    return request;
}

void chronicled_record(struct chronicled *chronicled, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        chronicled_ask(chronicled, chronicled_request("sample", i));
}

void chronicled_check_runs(int64_t count)
{
    char *expected = memory_format("%d|%d|%d", (int)count, (int)count, (int)count * 3);

    worklog_check("state/history.db",
                  "SELECT count(*), count(DISTINCT started_us),"
                  " (SELECT count(*) FROM sample_btree) FROM run",
                  expected);
    free(expected);
}
