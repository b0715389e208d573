/*
 * Defragment: puts tables and indexes into key order where there is nothing to shrink, by moving
 * their pages under the lease, while the application writes. This is the kind's row, its options,
 * the run, and what is said of it; defragment.h tells where the rest is. Runs in a worker.
 */
#include "defragment.h"

#include "event_check.h"
#include "memory.h"
#include "task_kinds.h"
#include "vacuum_care.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EFFECT_MOST = 100, EFFECT_NAME = 128 }; /* an event has to fit into a line */

#define FIELD(name) offsetof(struct defragment_options, name)

static const struct option defragment_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "monthly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"fragmentation_above", OPTION_SHARE, 0, FIELD(fragmentation_above), "30%", "0%", "100%", NULL,
     NULL, "put a table or an index in order that is more fragmented than this"},
    {"min_size", OPTION_SIZE, 0, FIELD(min_size), "16MiB", NULL, NULL, NULL, NULL,
     "smaller tables and indexes are left alone"},
    {"backup", OPTION_CHOICE, 0, FIELD(backup), "required", NULL, NULL, vacuum_backups, NULL,
     "whether a verified copy of the file is made first; none is your word that you have one or "
     "need none"},
    {"replicated", OPTION_BOOL, 0, FIELD(replicated), "false", NULL, NULL, NULL, NULL,
     "allow it although a replicator would have to send every page that moves"},
    {.name = NULL}};

struct vacuum_options defragment_as_vacuum(const struct defragment_options *options)
{
    return (struct vacuum_options){.mode = VACUUM_ONLINE,
                                   .order = true,
                                   .backup = options->backup,
                                   .replicated = options->replicated};
}

/* --- the run ------------------------------------------------------------------------------ */

struct defragment {
    struct engine *engine;
    const struct defragment_options *options;
    const struct defragment_facts *facts;
    struct compact_choice choice;
    json_t *effect;
    struct text said;
};

static void defragment_choose(struct defragment *run)
{
    const char **names = memory_zeroed(run->facts->count + 1, sizeof *names);

    run->choice.names = names;
    for (size_t i = 0; i < run->facts->count; i++)
        if (defragment_wants(run->options, &run->facts->btrees[i], run->engine->job->force))
            names[run->choice.count++] = run->facts->btrees[i].name;
}

static enum status defragment_work(struct defragment *run, struct vacuum_care *care,
                                   struct error *error)
{
    enum status status = vacuum_care_before(care, error);

    if (status)
        return status;
    status = compact_order(care->compact, &run->choice, error);
    status = vacuum_care_after(care, status, error);
    run->effect = json_object();
    vacuum_care_tell(care, run->effect, &run->said);
    return status;
}

/* Where nothing is chosen a run that was killed has left its copy. */
static enum status defragment_order(struct defragment *run, struct error *error)
{
    struct vacuum_care care = {.engine = run->engine,
                               .backup = run->options->backup == BACKUP_REQUIRED,
                               .sound_us = run->facts->file.past.sound_us};
    enum status status = vacuum_care_open(&care, error);

    if (status == STATUS_OK)
        status = run->choice.count ? defragment_work(run, &care, error)
                                   : vacuum_care_settle(&care, error);
    vacuum_care_close(&care);
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

static bool defragment_chose(const struct defragment *run, const char *name)
{
    for (size_t i = 0; i < run->choice.count; i++)
        if (strcmp(run->choice.names[i], name) == 0)
            return true;
    return false;
}

static json_t *defragment_share(double share)
{
    return json_real(round(share * 10000) / 10000);
}

static const struct defragment_btree *defragment_find(const struct defragment_facts *facts,
                                                      const char *name)
{
    for (size_t i = 0; i < facts->count; i++)
        if (strcmp(facts->btrees[i].name, name) == 0)
            return &facts->btrees[i];
    return NULL;
}

/* One of the chosen, before and after; the first one is told, too. */
static void defragment_note(struct defragment *run, json_t *list,
                            const struct defragment_btree *before,
                            const struct defragment_btree *after)
{
    if (json_array_size(list) >= EFFECT_MOST)
        return;
    json_t *entry = json_object();
    json_object_set_new(entry, "name",
                        event_check_text(before->name, strlen(before->name), EFFECT_NAME));
    json_object_set_new(entry, "fragmentation_before", defragment_share(before->fragmentation));
    json_object_set_new(entry, "forecast", defragment_share(before->forecast));
    json_object_set_new(entry, "fragmentation", defragment_share(after->fragmentation));
    json_object_set_new(entry, "bytes", json_integer(after->bytes));
    if (!json_array_size(list))
        text_addf(&run->said, "; %s: fragmentation %.1f%%, was %.1f%%",
                  json_string_value(json_object_get(entry, "name")), after->fragmentation * 100,
                  before->fragmentation * 100);
    json_array_append_new(list, entry);
}

static enum status defragment_effect(struct defragment *run, struct error *error)
{
    struct defragment_facts after = {0};
    enum status status = defragment_measure_again(run->engine, &after, error);
    json_t *list = json_array();

    for (size_t i = 0; i < run->facts->count && !status; i++) {
        const struct defragment_btree *before = &run->facts->btrees[i],
                                      *found = defragment_find(&after, before->name);
        if (found && defragment_chose(run, before->name))
            defragment_note(run, list, before, found);
    }
    json_object_set_new(run->effect, "btrees", list);
    defragment_free_btrees(&after);
    return status;
}

static void defragment_report(const struct defragment *run, struct outcome *outcome)
{
    char count[TEXT_SHORT];

    if (!run->choice.count) {
        snprintf(outcome->reason, sizeof outcome->reason,
                 "what an earlier run had left is removed, since the file is sound");
        return;
    }
    snprintf(outcome->reason, sizeof outcome->reason, "%s put in key order%s",
             text_counted(count, (int64_t)run->choice.count, "b-tree"), run->said.bytes);
}

static enum status defragment_run(struct engine *engine, const void *options, void *facts,
                                  struct outcome *outcome, struct error *error)
{
    struct defragment run = {.engine = engine, .options = options, .facts = facts};

    defragment_choose(&run);
    enum status status = defragment_order(&run, error);
    if (status == STATUS_OK && run.effect)
        status = defragment_effect(&run, error);
    if (status == STATUS_OK)
        defragment_report(&run, outcome);
    outcome->effect = run.effect;
    free((void *)(uintptr_t)run.choice.names);
    text_free(&run.said);
    return status;
}

const struct task_kind task_defragment = {
    .name = "defragment",
    .help = "puts tables and indexes into key order",
    .unit = "page",
    .flags = TASK_REMEMBERS,
    .section = {sizeof(struct defragment_options), defragment_options, NULL},
    .measure = defragment_measure,
    .decide = defragment_decide,
    .run = defragment_run,
    .free_facts = defragment_free_facts,
};
