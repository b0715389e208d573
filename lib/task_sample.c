/*
 * Samples: the sizes, free pages, WAL, fragmentation and density of a database, and what its disk
 * has left, for the history and for alerts. It reads about a hundredth of the pages and changes
 * nothing. Runs in a worker.
 */
#include "task_sample.h"

#include "alert.h"
#include "inspection.h"
#include "memory.h"
#include "pages.h"
#include "task_engine.h"
#include "task_kinds.h"
#include "walindex.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Bytes; -1 where it is not known. */
struct sample_facts {
    struct pages_report report;
    int64_t wal_bytes; /* not yet checkpointed */
    int64_t file_bytes, wal_file_bytes;
    int64_t disk_bytes, disk_total; /* what who is not root may have, as df(1) counts */
};

static void sample_free_facts(void *argument)
{
    struct sample_facts *facts = argument;

    if (facts)
        pages_report_free(&facts->report);
    free(facts);
}

/* The decision needs nothing, so the measuring is left to the run. */
static enum status sample_measure(struct engine *engine, const void *options, void **facts,
                                  struct error *error)
{
    (void)engine;
    (void)options;
    (void)error;
    *facts = memory_new(struct sample_facts);
    return STATUS_OK;
}

static void sample_decide(const void *options, const void *facts, int64_t now_us,
                          struct decision *decision)
{
    (void)options;
    (void)facts;
    (void)now_us;
    decision->act = true;
    snprintf(decision->reason, sizeof decision->reason,
             "sizes, free pages, fragmentation and density go into the history");
}

static int64_t sample_size_of(const char *name)
{
    struct stat about;

    return fstatat(AT_FDCWD, name, &about, AT_SYMLINK_NOFOLLOW) == 0 ? about.st_size : -1;
}

/* The worker is in the file's folder; what the file system keeps for root is not counted. */
static void sample_look_around(const char *file, struct sample_facts *facts)
{
    struct statvfs disk;
    char *wal = memory_format("%s-wal", file);

    facts->file_bytes = sample_size_of(file);
    facts->wal_file_bytes = sample_size_of(wal);
    free(wal);
    facts->disk_bytes = facts->disk_total = -1;
    if (statvfs(".", &disk) < 0 || !disk.f_blocks)
        return;
    int64_t block = (int64_t)disk.f_frsize, used = (int64_t)(disk.f_blocks - disk.f_bfree);
    facts->disk_bytes = (int64_t)disk.f_bavail * block;
    facts->disk_total = used * block + facts->disk_bytes;
}

/* Parts of the file that can't be as they are. What changed while it was read proves nothing. */
static int64_t sample_problems(const struct pages_report *report)
{
    int64_t problems = report->freelist_error != NULL;

    for (size_t i = 0; i < report->btree_count; i++)
        problems += report->btrees[i].error != NULL;
    return report->approximate ? 0 : problems;
}

static void sample_set(json_t *object, const char *name, int64_t number)
{
    if (number >= 0)
        json_object_set_new(object, name, json_integer(number));
}

/* Without the b-trees: a database may have more than fit into an event, so each is one of its own,
 * and the parent puts them in. */
static json_t *sample_effect(const struct sample_facts *facts)
{
    json_t *effect = json_object(), *disk = json_object();

    sample_set(effect, "page_size", facts->report.page_size);
    sample_set(effect, "pages", facts->report.pages);
    sample_set(effect, "free_pages", facts->report.free_pages);
    sample_set(effect, "file_bytes", facts->file_bytes);
    sample_set(effect, "wal_bytes", facts->wal_bytes);
    sample_set(effect, "wal_file_bytes", facts->wal_file_bytes);
    sample_set(disk, "bytes", facts->disk_bytes);
    sample_set(disk, "total", facts->disk_total);
    if (facts->disk_total > 0)
        json_object_set(effect, "disk_free", disk);
    json_decref(disk);
    sample_set(effect, "changes", facts->report.changes);
    sample_set(effect, "schema", facts->report.schema);
    sample_set(effect, "problems", sample_problems(&facts->report));
    sample_set(effect, "pages_read", facts->report.pages_read);
    return effect;
}

static bool sample_has_table(const struct pages_report *report, const char *table)
{
    for (size_t i = 0; i < report->btree_count; i++)
        if (strcasecmp(report->btrees[i].table, table) == 0)
            return true;
    return false;
}

/* An alert on a table that isn't there never comes: most likely its name is mistyped. */
static void sample_tell_missing(const struct option_list *alerts, const struct pages_report *report,
                                char *reason)
{
    const struct alert_options *alert = alerts->items;

    for (size_t i = 0; i < alerts->count; i++) {
        size_t length = strlen(reason);
        if (alert[i].table && !sample_has_table(report, alert[i].table))
            snprintf(reason + length, OUTCOME_REASON - length,
                     "; its alerts watch the table %.64s, which it doesn't have", alert[i].table);
    }
}

static void sample_tell(const struct engine *engine, const struct sample_facts *facts, char *reason)
{
    const struct pages_report *report = &facts->report;
    int64_t page_size = report->page_size, problems = sample_problems(report);
    char size[TEXT_SHORT], free_bytes[TEXT_SHORT], btrees[TEXT_SHORT];

    int length =
        snprintf(reason, OUTCOME_REASON, "%s, %s of it free, %s",
                 text_bytes(size, report->pages * page_size),
                 report->free_pages ? text_bytes(free_bytes, report->free_pages * page_size)
                                    : "none",
                 text_counted(btrees, (int64_t)report->btree_count, "b-tree"));
    if (problems)
        snprintf(reason + length, OUTCOME_REASON - (size_t)length,
                 "; it is damaged in %s, see litekeeper inspect",
                 text_counted(size, problems, "place"));
    sample_tell_missing(&engine->job->database->alerts, report, reason);
}

static enum status sample_run(struct engine *engine, const void *options, void *argument,
                              struct outcome *outcome, struct error *error)
{
    struct sample_facts *facts = argument;
    struct pages_limits limits = {.slice_ms = engine_slice_ms(engine),
                                  .gap_ms = engine_slice_ms(engine) * 2,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct walindex index;
    (void)options;

    enum status status =
        pages_measure(database_sql(engine->database), &limits, &facts->report, error);
    if (status)
        return status;
    if (walindex_read(database_sql(engine->database), &index, NULL) == STATUS_OK &&
        index.max_frame > index.backfilled)
        facts->wal_bytes = (int64_t)(index.max_frame - index.backfilled) * index.page_size;
    sample_look_around(engine->job->file, facts);
    sample_tell(engine, facts, outcome->reason);
    for (size_t i = 0; i < facts->report.btree_count; i++)
        engine->job->host.emit(engine->job->host.argument,
                               inspection_btree(&facts->report.btrees[i]));
    outcome->effect = sample_effect(facts);
    return STATUS_OK;
}

const struct task_kind task_sample = {
    .name = "sample",
    .help = "sizes, free pages, fragmentation and density into the history",
    .flags = TASK_READ_ONLY | TASK_QUIET,
    .section = {.size = sizeof(struct sample_options), .options = sample_options},
    .measure = sample_measure,
    .decide = sample_decide,
    .run = sample_run,
    .free_facts = sample_free_facts,
};
