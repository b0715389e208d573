/* The bench's tables, in Markdown that is as readable as it stands. */
#include "bench_table.h"

#include "stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIGURE(name) offsetof(struct bench_figures, name)

static const struct {
    size_t offset;
    bool largest; /* instead of the median */
} bench_fields[] = {
    {FIGURE(seconds), false},     {FIGURE(rate), false},
    {FIGURE(hold_p99_ms), false}, {FIGURE(hold_max_ms), false},
    {FIGURE(p50_ms), false},      {FIGURE(p99_ms), false},
    {FIGURE(p999_ms), false},     {FIGURE(max_ms), false},
    {FIGURE(errors), true},       {FIGURE(wal_mb), false},
    {FIGURE(size_mb), false},     {FIGURE(memory_mb), false},
    {FIGURE(archive_mb), false},  {FIGURE(archive_share), false},
    {FIGURE(export_rate), false}, {FIGURE(fragmented_before), false},
    {FIGURE(fragmented), false},  {FIGURE(filled_before), false},
    {FIGURE(filled), false},
};

enum { BENCH_RUNS_MOST = 64 };

static double bench_effect(const json_t *outcome, const char *key)
{
    double value = stage_number(outcome, "effect", key);

    return value > 0 ? value : NAN;
}

void bench_figures_fill(struct bench_figures *figures, const json_t *outcome, const json_t *report,
                        int64_t wal_bytes)
{
    const json_t *writes = json_object_get(report, "writes");
    double seconds = outcome ? stage_number(outcome, NULL, "seconds") : NAN;
    double rows = stage_number(outcome, NULL, "rows");

    *figures = (struct bench_figures){
        .seconds = seconds,
        .rate = rows > 0 && seconds > 0 ? rows / seconds : NAN,
        .hold_p99_ms = outcome ? stage_number(outcome, "lock", "p99_ms") : NAN,
        .hold_max_ms = outcome ? stage_number(outcome, "lock", "max_ms") : NAN,
        .p50_ms = report ? stage_number(writes, NULL, "p50_ms") : NAN,
        .p99_ms = report ? stage_number(writes, NULL, "p99_ms") : NAN,
        .p999_ms = report ? stage_number(writes, NULL, "p999_ms") : NAN,
        .max_ms = report ? stage_number(writes, NULL, "max_ms") : NAN,
        .errors =
            report ? (double)(stage_errors(writes) + stage_errors(json_object_get(report, "reads")))
                   : NAN,
        .wal_mb = (double)wal_bytes / 1e6,
        .memory_mb = outcome ? stage_number(outcome, NULL, "memory_bytes") / 1e6 : NAN,
        .archive_mb = bench_effect(outcome, "archive_bytes") / 1e6,
        .archive_share = 100 * bench_effect(outcome, "archive_bytes") /
                         stage_number(outcome, NULL, "bytes_freed"),
        .export_rate = rows / bench_effect(outcome, "export_seconds"),
        .size_mb = NAN,
        .fragmented_before = NAN,
        .fragmented = NAN,
        .filled_before = NAN,
        .filled = NAN,
        .seconds_share = NAN,
        .rate_share = NAN,
        .max_share = NAN,
        .size_share = NAN,
    };
}

static double *bench_at(struct bench_figures *figures, size_t offset)
{
    return (double *)(void *)((char *)figures + offset);
}

static double bench_get(const struct bench_figures *figures, size_t offset)
{
    double value;

    memcpy(&value, (const char *)figures + offset, sizeof value);
    return value;
}

static int bench_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct bench_figures bench_figures_median(const struct bench_figures *runs, size_t count)
{
    struct bench_figures median = runs[0];
    double values[BENCH_RUNS_MOST];

    for (size_t field = 0; field < sizeof bench_fields / sizeof *bench_fields; field++) {
        size_t offset = bench_fields[field].offset;
        for (size_t i = 0; i < count; i++)
            values[i] = bench_get(&runs[i], offset);
        qsort(values, count, sizeof *values, bench_order);
        *bench_at(&median, offset) = values[bench_fields[field].largest ? count - 1 : count / 2];
    }
    return median;
}

static double bench_share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

void bench_figures_compare(struct bench_figures *figures, const struct bench_figures *with)
{
    figures->seconds_share = bench_share(figures->seconds, with->seconds);
    figures->rate_share = bench_share(figures->rate, with->rate);
    figures->max_share = bench_share(figures->max_ms, with->max_ms);
    figures->size_share = bench_share(figures->size_mb, with->size_mb);
}

void bench_table_begin(struct text *table, const struct bench_column *columns)
{
    text_add(table, "| journal | beside    | by           |");
    for (const struct bench_column *column = columns; column->title; column++)
        text_addf(table, " %s |", column->title);
    text_add(table, "\n|---------|-----------|--------------|");
    for (const struct bench_column *column = columns; column->title; column++) {
        for (size_t i = 0; i <= strlen(column->title); i++)
            text_add(table, "-");
        text_add(table, ":|");
    }
    text_add(table, "\n");
}

void bench_table_row(struct text *table, const struct bench_column *columns, const char *journal,
                     const char *beside, const char *by, const struct bench_figures *figures)
{
    text_addf(table, "| %-7s | %-9s | %-12s |", journal, beside, by);
    for (const struct bench_column *column = columns; column->title; column++) {
        double value = bench_get(figures, column->offset);
        int width = (int)strlen(column->title);
        if (isnan(value))
            text_addf(table, " %*s |", width, "");
        else
            text_addf(table, " %*.*f |", width, column->decimals, value);
    }
    text_add(table, "\n");
}
