/*
 * Integrity: SQLite's own check of the file, and of the foreign keys. Here its options, and when
 * it may run: a check reads everything in one transaction. Runs in a worker.
 */
#include "task_integrity.h"

#include "memory.h"
#include "task_engine.h"
#include "task_kinds.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_choice levels[] = {{"quick", INTEGRITY_QUICK, false},
                                              {"full", INTEGRITY_FULL, false},
                                              {NULL, 0, false}};

#define FIELD(name) offsetof(struct integrity_options, name)

static const struct option integrity_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "weekly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"level", OPTION_CHOICE, 0, FIELD(level), "quick", NULL, NULL, levels, NULL,
     "how thorough it is; quick does not compare indexes with their tables"},
    {"foreign_keys", OPTION_BOOL, 0, FIELD(foreign_keys), "true", NULL, NULL, NULL, NULL,
     "look for rows that refer to rows that are not there, too"},
    {.name = NULL}};

const char *const integrity_pragmas[] = {
    [INTEGRITY_QUICK] = "quick_check", [INTEGRITY_FULL] = "integrity_check"};

/* For a file that was never checked: what a slow disk and a slow processor would take. */
static const double integrity_read_rate = 100e6; /* bytes a second */
static const double integrity_check_rates[] = {[INTEGRITY_QUICK] = 800e6, [INTEGRITY_FULL] = 150e6};
static const double integrity_caution = 1.5; /* over what it took the last time */

static enum status integrity_measure(struct engine *engine, const void *options, void **result,
                                     struct error *error)
{
    const struct database_facts *database = database_facts(engine->database);
    int64_t pages = 0;
    (void)options;

    enum status status =
        database_integer(engine->database, "PRAGMA main.page_count", 0, &pages, error);
    if (status)
        return status;
    struct integrity_facts *facts = memory_new(struct integrity_facts);
    *facts = (struct integrity_facts){.bytes = pages * database->page_size,
                                      .wal = database->wal,
                                      .max_lock_seconds = engine_max_lock_ms(engine) / 1e3,
                                      .last = engine->job->memory.last};
    *result = facts;
    return STATUS_OK;
}

/* By what the last check of this level took a byte. */
static double integrity_seconds(const struct integrity_options *options,
                                const struct integrity_facts *facts)
{
    const char *level = json_string_value(json_object_get(facts->last.effect, "level"));
    double then = json_number_value(json_object_get(facts->last.effect, "bytes"));

    if (level && strcmp(level, levels[options->level].name) == 0 && then > 0 &&
        facts->last.seconds > 0)
        return facts->last.seconds * (double)facts->bytes / then * integrity_caution;
    return (double)facts->bytes / integrity_read_rate +
           (double)facts->bytes / integrity_check_rates[options->level];
}

static void integrity_decide(const void *options, const void *argument, int64_t now_us,
                             struct decision *decision)
{
    const struct integrity_options *policy = options;
    const struct integrity_facts *facts = argument;
    char bytes[TEXT_SHORT];
    (void)now_us;

    decision->act = true;
    decision->seconds = integrity_seconds(policy, facts);
    decision->needs_window = !facts->wal && decision->seconds > facts->max_lock_seconds;
    snprintf(decision->reason, sizeof decision->reason, "%s of %s%s",
             integrity_pragmas[policy->level], text_bytes(bytes, facts->bytes),
             !decision->needs_window ? "" : ", during which nobody can write, for want of a WAL");
}

const struct task_kind task_integrity = {
    .name = "integrity",
    .help = "checks that the file is sound, foreign keys too",
    .unit = "page",
    .flags = TASK_READ_ONLY | TASK_REMEMBERS,
    .section = {sizeof(struct integrity_options), integrity_options, NULL},
    .measure = integrity_measure,
    .decide = integrity_decide,
    .run = integrity_run,
    .free_facts = free,
};
