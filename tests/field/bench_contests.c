/* What the bench compares, as data: today's way first, then litekeeper's. */
#include "bench.h"

#define FIGURE(name) offsetof(struct bench_figures, name)
#define NEW_INDEX    "CREATE INDEX bench ON logs(user_email, timestamp)"

/* --- who is beside ------------------------------------------------------------------------ */

static const struct bench_beside anybody[] = {{"nobody", 0, false},
                                              {"idle", 1, true},
                                              {"1 writer", 1, false},
                                              {"4 writers", 4, false},
                                              {NULL, 0, false}};
static const struct bench_beside archive_beside[] = {{"nobody", 0, false},
                                                     {"1 writer", 1, false},
                                                     {NULL, 0, false}};
static const struct bench_beside online_beside[] = {
    {"nobody", 0, false}, {"1 writer", 1, false}, {"4 writers", 4, false}, {NULL, 0, false}};
static const struct bench_beside writers[] = {{"1 writer", 1, false},
                                              {"4 writers", 4, false},
                                              {NULL, 0, false}};

/* --- retention: half of the rows go ------------------------------------------------------- */

static const char retention[] = "retention: [{ table: logs, column: timestamp, zone: UTC, "
                                "keep: 200d }]";

static const struct bench_contest retention_contests[] = {
    {.by = "(alone)", .writers_least = 1},
    {.by = "DELETE",
     .sql = "DELETE FROM logs WHERE timestamp < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-200 days')",
     .base = true},
    {"10 ms", NULL, "retention", "logs", retention, 10, 0, 0, false, NULL, false, NULL},
    {"30 ms", NULL, "retention", "logs", retention, 30, 4, 0, false, NULL, false, NULL},
    {.by = NULL}};

static const struct bench_column retention_columns[] = {{"    s", FIGURE(seconds), 1},
                                                        {" rows/s", FIGURE(rate), 0},
                                                        {"   %", FIGURE(rate_share), 0},
                                                        {"hold p99", FIGURE(hold_p99_ms), 1},
                                                        {"  max", FIGURE(hold_max_ms), 0},
                                                        {"write p50", FIGURE(p50_ms), 2},
                                                        {"  p99", FIGURE(p99_ms), 1},
                                                        {"p99.9", FIGURE(p999_ms), 0},
                                                        {"   max", FIGURE(max_ms), 0},
                                                        {"   %", FIGURE(max_share), 1},
                                                        {"errors", FIGURE(errors), 0},
                                                        {"WAL MB", FIGURE(wal_mb), 0},
                                                        {NULL, 0, 0}};

/* --- the archive: the same half of the rows goes, and is kept ------------------------------ */

static const char archive[] = "retention: [{ table: logs, column: timestamp, zone: UTC, keep: 200d,"
                              " archive: { directory: $, partition: month } }]";

static const struct bench_contest archive_contests[] = {
    {.by = "(alone)", .writers_least = 1},
    {"retention", NULL, "retention", "logs", retention, 10, 0, 0, true, NULL, false, NULL},
    {"archive", NULL, "retention", "logs", archive, 10, 0, 0, false, NULL, false, NULL},
    {.by = "sqlite3|zstd",
     .sql = "SELECT * FROM logs WHERE timestamp < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', "
            "'-200 days') ORDER BY timestamp",
     .pipe = true},
    {.by = NULL}};

static const struct bench_column archive_columns[] = {{"    s", FIGURE(seconds), 1},
                                                      {"   %", FIGURE(seconds_share), 0},
                                                      {"export/s", FIGURE(export_rate), 0},
                                                      {"archive MB", FIGURE(archive_mb), 1},
                                                      {"% of freed", FIGURE(archive_share), 1},
                                                      {"memory MB", FIGURE(memory_mb), 0},
                                                      {"hold p99", FIGURE(hold_p99_ms), 1},
                                                      {"  max", FIGURE(hold_max_ms), 0},
                                                      {"write p50", FIGURE(p50_ms), 2},
                                                      {"  p99", FIGURE(p99_ms), 1},
                                                      {"p99.9", FIGURE(p999_ms), 0},
                                                      {"   max", FIGURE(max_ms), 0},
                                                      {"   %", FIGURE(max_share), 1},
                                                      {"errors", FIGURE(errors), 0},
                                                      {"WAL MB", FIGURE(wal_mb), 0},
                                                      {NULL, 0, 0}};

/* --- indexes ------------------------------------------------------------------------------ */

/* Of this index alone: "@" is a size that no other one of the table has. */
static const char reindex[] = "reindex: { mode: online, fragmentation_above: 1%, min_size: @ }";
static const char indexes[] = "indexes: { ensure: ['" NEW_INDEX "'] }";
static const char rebuilt[] = "idx_logs_timestamp";

static const struct bench_contest index_contests[] = {
    {.by = "(alone)"},
    {.by = "REINDEX", .sql = "REINDEX idx_logs_timestamp", .base = true, .btree = rebuilt},
    {"rebuild 10ms", NULL, "reindex", NULL, reindex, 10, 0, 1, false, rebuilt, false, NULL},
    {"rebuild 30ms", NULL, "reindex", NULL, reindex, 30, 4, 0, false, rebuilt, false, NULL},
    {.by = "CREATE INDEX", .sql = NEW_INDEX, .base = true, .btree = "bench"},
    {"build 10ms", NULL, "indexes", NULL, indexes, 10, 0, 1, false, "bench", false, NULL},
    {"build 30ms", NULL, "indexes", NULL, indexes, 30, 4, 0, false, "bench", false, NULL},
    {.by = NULL}};

static const struct bench_column care_columns[] = {
    {"   s", FIGURE(seconds), 1},         {"   %", FIGURE(seconds_share), 0},
    {"hold p99", FIGURE(hold_p99_ms), 1}, {"  max", FIGURE(hold_max_ms), 1},
    {"write p50", FIGURE(p50_ms), 2},     {"  p99", FIGURE(p99_ms), 1},
    {"p99.9", FIGURE(p999_ms), 0},        {"   max", FIGURE(max_ms), 0},
    {"    %", FIGURE(max_share), 1},      {"errors", FIGURE(errors), 0},
    {"WAL MB", FIGURE(wal_mb), 0},        {"fragm. %", FIGURE(fragmented_before), 1},
    {"after", FIGURE(fragmented), 1},     {"filled %", FIGURE(filled_before), 1},
    {"after", FIGURE(filled), 1},         {NULL, 0, 0}};

/* --- vacuum: a third of the rows is gone --------------------------------------------------- */

static const char vacuum[] =
    "vacuum: { mode: incremental, free_above: 1%, free_bytes_above: 1MiB }";

static const struct bench_contest vacuum_contests[] = {
    {.by = "VACUUM", .sql = "VACUUM", .base = true, .btree = "logs"},
    {.by = "incremental", .sql = "PRAGMA incremental_vacuum", .btree = "logs"},
    {"vacuum 10ms", NULL, "vacuum", NULL, vacuum, 10, 0, 1, false, "logs", false, NULL},
    {"vacuum 30ms", NULL, "vacuum", NULL, vacuum, 30, 4, 0, false, "logs", false, NULL},
    {.by = NULL}};

/* --- vacuum without downtime: two fifths of the pages are free ------------------------------ */

static const char online[] = "vacuum: { mode: online, backup: none, free_above: 1%, "
                             "free_bytes_above: 1MiB }";

static const struct bench_contest online_contests[] = {
    {.by = "(alone)", .writers_least = 1},
    {.by = "VACUUM", .sql = "VACUUM", .base = true, .btree = ""},
    {"online 10ms", NULL, "vacuum", NULL, online, 10, 0, 1, false, "", false, "256MiB"},
    {"online 30ms", NULL, "vacuum", NULL, online, 30, 4, 0, false, "", false, "256MiB"},
    {.by = NULL}};

static const struct bench_column online_columns[] = {{"   s", FIGURE(seconds), 1},
                                                     {"   %", FIGURE(seconds_share), 0},
                                                     {"hold p99", FIGURE(hold_p99_ms), 1},
                                                     {"  max", FIGURE(hold_max_ms), 1},
                                                     {"write p50", FIGURE(p50_ms), 2},
                                                     {"  p99", FIGURE(p99_ms), 1},
                                                     {"p99.9", FIGURE(p999_ms), 0},
                                                     {"   max", FIGURE(max_ms), 0},
                                                     {"    %", FIGURE(max_share), 1},
                                                     {"errors", FIGURE(errors), 0},
                                                     {"WAL MB", FIGURE(wal_mb), 0},
                                                     {"size MB", FIGURE(size_mb), 0},
                                                     {"    %", FIGURE(size_share), 1},
                                                     {"fragm. %", FIGURE(fragmented_before), 1},
                                                     {"after", FIGURE(fragmented), 1},
                                                     {"filled %", FIGURE(filled), 1},
                                                     {NULL, 0, 0}};

/* --- all of them -------------------------------------------------------------------------- */

static const char *const seed_holes[] = {NULL};
static const char *const seed_full[] = {"--delete-none", NULL};
static const char *const seed_stretches[] = {"--delete-stretches", NULL};
static const char *const seed_incremental[] = {"--auto-vacuum", "incremental", NULL};

const struct bench_section bench_sections[] = {
    {"retention", "Deleting half of the rows; %: of the DELETE", 1000000, seed_holes, anybody,
     retention_contests, retention_columns},
    {"archive", "Archiving half of the rows; %: of retention alone", 1200000, seed_holes,
     archive_beside, archive_contests, archive_columns},
    {"indexes", "Rebuilding an index, and building one; %: of REINDEX and CREATE INDEX", 2000000,
     seed_full, writers, index_contests, care_columns},
    {"vacuum", "Giving free pages back; %: of VACUUM; order and filling of the largest table",
     2000000, seed_incremental, writers, vacuum_contests, care_columns},
    {"online", "Giving free pages back where auto_vacuum is NONE; %: of VACUUM", 360000,
     seed_stretches, online_beside, online_contests, online_columns},
    {.name = NULL}};
