/*
 * Vacuum: gives free pages back to the file system, in steps where the file allows it, else by a
 * full VACUUM in the policy's window. This is the kind's row, its options, and what is said and
 * measured when it is done; the work is in vacuum_*.c. Runs in a worker.
 */
#include "vacuum.h"

#include "task_kinds.h"
#include "walindex.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct option_choice modes[] = {{"auto", VACUUM_AUTO, false},
                                             {"incremental", VACUUM_INCREMENTAL, false},
                                             {"full", VACUUM_FULL, false},
                                             {"online", VACUUM_ONLINE, false},
                                             {NULL, 0, false}};

const struct option_choice vacuum_backups[] = {{"required", BACKUP_REQUIRED, false},
                                               {"none", BACKUP_NONE, false},
                                               {NULL, 0, false}};

#define FIELD(name) offsetof(struct vacuum_options, name)

static const struct option vacuum_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "weekly", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"free_above", OPTION_SHARE, 0, FIELD(free_above), "20%", "0%", "100%", NULL, NULL,
     "act when more of the file than this is free pages"},
    {"free_bytes_above", OPTION_SIZE, 0, FIELD(free_bytes_above), "64MiB", NULL, NULL, NULL, NULL,
     "act when they are more bytes than this, too"},
    {"mode", OPTION_CHOICE, 0, FIELD(mode), "auto", NULL, NULL, modes, NULL,
     "how it is done; auto is incremental where the file allows it, else full in the window; "
     "online, which is experimental, moves pages while the application writes"},
    {"convert", OPTION_BOOL, 0, FIELD(convert), "false", NULL, NULL, NULL, NULL,
     "turn a file with auto_vacuum NONE to INCREMENTAL, by one full VACUUM in the window, whatever "
     "is free"},
    {"renumber_rowids", OPTION_BOOL, 0, FIELD(renumber_rowids), "false", NULL, NULL, NULL, NULL,
     "allow a full VACUUM although tables without INTEGER PRIMARY KEY get new rowids"},
    {"order", OPTION_BOOL, 0, FIELD(order), "true", NULL, NULL, NULL, NULL,
     "with mode: online, put tables and indexes into key order, too"},
    {"density_below", OPTION_SHARE, 0, FIELD(density_below), "65%", "0%", "100%", NULL, NULL,
     "with mode: online, merge a leaf that is filled less than this with its neighbour, where both "
     "fit on a page; 0% merges none"},
    {"backup", OPTION_CHOICE, 0, FIELD(backup), "required", NULL, NULL, vacuum_backups, NULL,
     "with mode: online, whether a copy of the file is made and verified first, beside the "
     "database; none is your word that you have one or need none"},
    {"replicated", OPTION_BOOL, 0, FIELD(replicated), "false", NULL, NULL, NULL, NULL,
     "allow mode: online although a replicator such as Litestream has to send every page that "
     "moves"},
    {.name = NULL}};

/* In the effect, and for people. */
static const struct {
    const char *mode, *words;
} ways[] = {[WAY_NONE] = {"none", "nothing"},
            [WAY_STEPS] = {"incremental", "incremental steps"},
            [WAY_WHOLE] = {"full", "a full VACUUM"},
            [WAY_ONLINE] = {"online", "online compaction"}};

/* --- afterwards --------------------------------------------------------------------------- */

static int64_t vacuum_bytes(const struct vacuum_facts *facts)
{
    return facts->pages * facts->page_size;
}

/* The size of the file, as `ls` shows it. */
static int64_t vacuum_file_bytes(struct engine *engine)
{
    struct stat about = {0};

    if (fstatat(AT_FDCWD, database_name(engine->database), &about, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return about.st_size;
}

/* Of the WAL, what is not yet checkpointed. */
static int64_t vacuum_wal_bytes(struct engine *engine)
{
    struct walindex index;

    if (!database_facts(engine->database)->wal ||
        walindex_read(database_sql(engine->database), &index, NULL) ||
        index.backfilled >= index.max_frame)
        return 0;
    return (int64_t)(index.max_frame - index.backfilled) * index.page_size;
}

static void vacuum_effect(struct engine *engine, enum vacuum_way way,
                          const struct vacuum_facts *before, const struct vacuum_facts *after,
                          struct outcome *outcome)
{
    bool whole = way == WAY_WHOLE;

    outcome->effect = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "mode", ways[way].mode, "pages_before",
        (json_int_t)before->pages, "pages", (json_int_t)after->pages, "free_pages_before",
        (json_int_t)before->free_pages, "free_pages", (json_int_t)after->free_pages, "bytes_before",
        (json_int_t)vacuum_bytes(before), "bytes", (json_int_t)vacuum_bytes(after), "file_bytes",
        (json_int_t)vacuum_file_bytes(engine), "wal_bytes", (json_int_t)vacuum_wal_bytes(engine));
    if (whole)
        json_object_set_new(outcome->effect, "written_bytes",
                            json_integer(vacuum_written(vacuum_bytes(after))));
    if (before->kept != after->kept)
        json_object_set_new(outcome->effect, "auto_vacuum",
                            json_string(after->kept == KEPT_INCREMENTAL ? "incremental" : "full"));
    if (before->pages > after->pages)
        outcome->bytes_freed = (before->pages - after->pages) * after->page_size;
}

/* In WAL mode the file is as it was until a checkpoint copies back what was written; else the disk
 * has failed behind the commit (vacuum_came_through), and nothing is given back. */
static void vacuum_say_file(const struct vacuum_facts *after, struct outcome *outcome,
                            struct text *reason)
{
    const json_t *effect = outcome->effect;
    int64_t bytes = json_integer_value(json_object_get(effect, "file_bytes"));
    char size[TEXT_SHORT];

    if (bytes <= vacuum_bytes(after))
        return;
    if (!after->wal) {
        text_addf(reason,
                  "; but the disk has failed to make the file shorter: it still has %s, and the "
                  "next VACUUM that gives pages back cuts them off",
                  text_bytes(size, bytes));
        outcome->bytes_freed = -1;
    } else {
        text_addf(reason,
                  "; the file gets smaller with the application's next checkpoint, till "
                  "then the WAL has %s",
                  text_bytes(size, json_integer_value(json_object_get(effect, "wal_bytes"))));
    }
}

static void vacuum_report(struct engine *engine, enum vacuum_way way,
                          const struct vacuum_facts *before, const struct vacuum_facts *after,
                          const struct text *said, struct outcome *outcome)
{
    char from[TEXT_SHORT], to[TEXT_SHORT], left[TEXT_SHORT];
    struct text reason = {0};

    vacuum_effect(engine, way, before, after, outcome);
    text_addf(&reason, "%s took the file from %s to %s", ways[way].words,
              text_bytes(from, vacuum_bytes(before)), text_bytes(to, vacuum_bytes(after)));
    if (before->kept != after->kept)
        text_add(&reason, " and turned auto_vacuum to INCREMENTAL");
    if (after->free_pages)
        text_addf(&reason, ", %s of it free by now",
                  text_bytes(left, after->free_pages * after->page_size));
    text_add(&reason, said->length ? said->bytes : "");
    vacuum_say_file(after, outcome, &reason);
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    text_free(&reason);
}

/* --- acting ------------------------------------------------------------------------------- */

/* `*found`, `said`: see vacuum_online. */
static enum status vacuum_act(struct engine *engine, const struct vacuum_options *options,
                              const struct vacuum_facts *facts, enum vacuum_way way, json_t **found,
                              struct text *said, struct error *error)
{
    int64_t given = 0;

    if (way == WAY_ONLINE)
        return vacuum_online(engine, options, facts, found, said, error);
    enum status status = database_sync_folder(engine->database, error);
    if (status)
        return status;
    return way == WAY_STEPS ? vacuum_steps(engine, facts->free_pages, &given, error)
                            : vacuum_full(engine, vacuum_converts(options, facts), error);
}

/* A full VACUUM is all or nothing: if the file is smaller, it has come to its end. SQLite reports a
 * disk that was full even where only the temporary file, done with by then, found no more room. */
static bool vacuum_came_through(enum status status, enum vacuum_way way, bool smaller)
{
    return status == STATUS_OK || (status == STATUS_FAILED && way == WAY_WHOLE && smaller);
}

/* The thresholds may have been passed by force; what measuring refuses was refused before. What a
 * run in steps has given back before it failed or was stopped counts, too. */
static enum status vacuum_run(struct engine *engine, const void *argument, void *measured,
                              struct outcome *outcome, struct error *error)
{
    const struct vacuum_options *options = argument;
    const struct vacuum_facts *before = measured;
    struct vacuum_facts after = *before;
    struct error looking;
    struct text said = {0};
    json_t *found = NULL;
    enum vacuum_way way = vacuum_way(options, before);

    enum status status = vacuum_act(engine, options, before, way, &found, &said, error);
    database_deadlines(engine->database, before->busy_s * 1e3, 0);
    enum status looked = vacuum_measure_pages(engine->database, &after, &looking);
    bool smaller = looked == STATUS_OK && after.pages < before->pages;
    if (!vacuum_came_through(status, way, smaller)) {
        if (smaller)
            vacuum_effect(engine, way, before, &after, outcome);
    } else {
        status = looked ? error_set(error, looked, "%s", looking.text) : STATUS_OK;
        if (status == STATUS_OK)
            vacuum_report(engine, way, before, &after, &said, outcome);
    }
    if (found && outcome->effect)
        json_object_update(outcome->effect, found);
    json_decref(found);
    text_free(&said);
    return status;
}

const struct task_kind task_vacuum = {
    .name = "vacuum",
    .help = "gives free pages back to the file system",
    .unit = "page",
    .flags = TASK_REMEMBERS | TASK_STUBBORN,
    .section = {sizeof(struct vacuum_options), vacuum_options, NULL},
    .measure = vacuum_measure,
    .decide = vacuum_decide,
    .run = vacuum_run,
    .free_facts = vacuum_free_facts,
};
