/* The bench's table, in Markdown that is as readable as it stands. */
#include "bench_table.h"

#include "log.h"
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    size_t offset;
    bool largest; /* instead of the median */
} bench_fields[] = {
    {offsetof(struct bench_figures, seconds), false},
    {offsetof(struct bench_figures, rows), false},
    {offsetof(struct bench_figures, hold_p99_ms), false},
    {offsetof(struct bench_figures, hold_max_ms), false},
    {offsetof(struct bench_figures, p50_ms), false},
    {offsetof(struct bench_figures, p99_ms), false},
    {offsetof(struct bench_figures, p999_ms), false},
    {offsetof(struct bench_figures, max_ms), false},
    {offsetof(struct bench_figures, errors), true},
    {offsetof(struct bench_figures, wal_bytes), false},
};

void bench_figures_fill(struct bench_figures *figures, const json_t *outcome, const json_t *report,
                        int64_t wal_bytes)
{
    const json_t *writes = json_object_get(report, "writes");

    *figures = (struct bench_figures){
        .seconds = stage_number(outcome, NULL, "seconds"),
        .rows = stage_number(outcome, NULL, "rows"),
        .hold_p99_ms = stage_number(outcome, "lock", "p99_ms"),
        .hold_max_ms = stage_number(outcome, "lock", "max_ms"),
        .p50_ms = stage_number(writes, NULL, "p50_ms"),
        .p99_ms = stage_number(writes, NULL, "p99_ms"),
        .p999_ms = stage_number(writes, NULL, "p999_ms"),
        .max_ms = stage_number(writes, NULL, "max_ms"),
        .errors = (double)(stage_errors(writes) + stage_errors(json_object_get(report, "reads"))),
        .wal_bytes = (double)wal_bytes,
    };
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct bench_figures bench_figures_median(const struct bench_figures *runs, size_t count)
{
    struct bench_figures median = {0};
    double values[64];

    for (size_t field = 0; field < sizeof bench_fields / sizeof *bench_fields; field++) {
        size_t offset = bench_fields[field].offset;
        for (size_t i = 0; i < count; i++)
            memcpy(&values[i], (const char *)&runs[i] + offset, sizeof *values);
        qsort(values, count, sizeof *values, bench_compare);
        memcpy((char *)&median + offset,
               &values[bench_fields[field].largest ? count - 1 : count / 2], sizeof *values);
    }
    return median;
}

void bench_table_begin(struct bench_table *table, const char *title, int64_t repeat)
{
    text_addf(
        &table->text,
        "%s. Medians of %d. Times in ms but s;\n"
        "max: the longest that one write waited, with idle the first one; %%: of the DELETE.\n\n",
        title, (int)repeat);
    text_add(&table->text,
             "| journal | beside    | by        |     s |  rows/s |    % | hold p99 |   max "
             "| write p50 |   p99 | p99.9 |    max |    % | errors | WAL MB |\n"
             "|---------|-----------|-----------|------:|--------:|-----:|---------:|------:"
             "|----------:|------:|------:|-------:|-----:|-------:|-------:|\n");
}

static double bench_rate(const struct bench_figures *figures)
{
    return figures->seconds > 0 ? figures->rows / figures->seconds : 0;
}

static double bench_percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

const char *bench_by(char *buffer, int max_lock_ms)
{
    if (max_lock_ms > 0)
        snprintf(buffer, TEXT_SHORT, "%d ms", max_lock_ms);
    else
        snprintf(buffer, TEXT_SHORT, "%s", max_lock_ms == BENCH_DELETE ? "DELETE" : "(alone)");
    return buffer;
}

void bench_table_row(struct bench_table *table, const char *journal,
                     const struct bench_beside *beside, int max_lock_ms,
                     const struct bench_figures *f)
{
    char by[TEXT_SHORT], errors[TEXT_SHORT] = "";

    if (max_lock_ms == BENCH_ALONE)
        table->one_delete = (struct bench_figures){0};
    else if (max_lock_ms == BENCH_DELETE)
        table->one_delete = *f;
    const struct {
        int width, decimals;
        double value;
    } cells[] = {
        {5, 1, f->seconds},
        {7, 0, bench_rate(f)},
        {4, 0, bench_percent(bench_rate(f), bench_rate(&table->one_delete))},
        {8, 1, f->hold_p99_ms},
        {5, 0, f->hold_max_ms},
        {9, 2, f->p50_ms},
        {5, 1, f->p99_ms},
        {5, 0, f->p999_ms},
        {6, 0, f->max_ms},
        {4, 1, bench_percent(f->max_ms, table->one_delete.max_ms)},
    };
    text_addf(&table->text, "| %-7s | %-9s | %-9s |", journal, beside->name,
              bench_by(by, max_lock_ms));
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (cells[i].value > 0)
            text_addf(&table->text, " %*.*f |", cells[i].width, cells[i].decimals, cells[i].value);
        else
            text_addf(&table->text, " %*s |", cells[i].width, "");
    if (beside->writers)
        text_count(errors, (int64_t)f->errors);
    text_addf(&table->text, " %6s | %6.0f |\n", errors, f->wal_bytes / 1e6);
}

void bench_table_end(struct bench_table *table, const char *path)
{
    FILE *out = fopen(path, "w");

    fputs(table->text.bytes, stdout);
    if (!out || fputs(table->text.bytes, out) < 0 || fclose(out))
        log_fatal("%s: %s", path, strerror(errno));
    text_free(&table->text);
}
