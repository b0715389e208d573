/* How long operations took: collected by the writers, reported by whoever waits for them. */
#include "latency.h"

#include "log.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static const struct {
    int code;
    const char *name;
} latency_names[] = {
    {SQLITE_BUSY, "SQLITE_BUSY"},
    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
    {SQLITE_LOCKED, "SQLITE_LOCKED"},
    {SQLITE_READONLY, "SQLITE_READONLY"},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    {SQLITE_FULL, "SQLITE_FULL"},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
};

struct latency *latency_shared(int64_t count)
{
    void *memory = mmap(NULL, sizeof(struct latency) * (size_t)count, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        log_fatal("no memory for the measurements");
    return memory;
}

double latency_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void latency_add(struct latency *latency, double ms, int code)
{
    if (latency->count < LATENCY_MOST)
        latency->ms[latency->count] = (float)ms;
    latency->count++;
    if (code == SQLITE_OK)
        return;
    for (int i = 0; i < LATENCY_CODES; i++)
        if (!latency->errors[i].count || latency->errors[i].code == code) {
            latency->errors[i].code = code;
            latency->errors[i].count++;
            return;
        }
}

static int latency_compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

static json_t *latency_errors(const struct latency *latency)
{
    json_t *errors = json_object();
    char other[48];

    for (int i = 0; i < LATENCY_CODES && latency->errors[i].count; i++) {
        const char *name = other;
        snprintf(other, sizeof other, "SQLite code %d", latency->errors[i].code);
        for (size_t n = 0; n < sizeof latency_names / sizeof *latency_names; n++)
            if (latency_names[n].code == latency->errors[i].code)
                name = latency_names[n].name;
        json_object_set_new(errors, name, json_integer(latency->errors[i].count));
    }
    return errors;
}

json_t *latency_report(struct latency *latency)
{
    static const struct {
        const char *name;
        double share;
    } figures[] = {{"p50_ms", 0.5}, {"p99_ms", 0.99}, {"p999_ms", 0.999}, {"max_ms", 1}};
    json_t *report =
        json_pack("{sI so}", "count", latency->count, "errors", latency_errors(latency));
    int64_t kept = latency->count < LATENCY_MOST ? latency->count : LATENCY_MOST;

    qsort(latency->ms, (size_t)kept, sizeof *latency->ms, latency_compare);
    for (size_t i = 0; i < sizeof figures / sizeof *figures && kept; i++) {
        double value = latency->ms[(int64_t)((double)(kept - 1) * figures[i].share)];
        json_object_set_new(report, figures[i].name, json_real(value));
    }
    return report;
}

static void latency_merge(json_t *into, const char *key, json_t *value)
{
    json_t *have = json_object_get(into, key), *inner;
    const char *name;

    if (json_is_object(value)) {
        if (!have)
            json_object_set_new(into, key, have = json_object());
        json_object_foreach (value, name, inner)
            latency_merge(have, name, inner);
    } else if (!have) {
        json_object_set(into, key, value);
    } else if (json_is_integer(value)) {
        json_object_set_new(into, key,
                            json_integer(json_integer_value(have) + json_integer_value(value)));
    } else if (json_real_value(value) > json_real_value(have)) {
        json_object_set(into, key, value);
    }
}

json_t *latency_worst(json_t *reports, const char *key)
{
    json_t *worst = json_object(), *report, *figure;
    const char *name;
    size_t i;

    json_array_foreach (reports, i, report)
        json_object_foreach (json_object_get(report, key), name, figure)
            latency_merge(worst, name, figure);
    return worst;
}
