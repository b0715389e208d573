/*
 * Which way free pages go back to the file system, whether that is worth it, what forbids it, and
 * how long it will take; of mode: online in vacuum_decide_online.c. Pure: values in, values and
 * words out.
 */
#include "vacuum.h"

#include "units.h"

#include <math.h>
#include <stdio.h>

/* What is new in size is written three times (vacuum_written), and read as often. On a quiet disk
 * with a fast fsync a full VACUUM of 687 MB to 1.1 GB wrote 350 MB/s, on a busy shared one 42 MB/s
 * (930 MB in 66 s). The first guess is slower than that; the window must not be overrun. */
static const double vacuum_first_rate = 25e6;        /* bytes written a second */
static const int64_t vacuum_telling = 192 << 20;     /* less tells nothing of a long VACUUM */
static const double vacuum_margin = 2;               /* on what the last one took */
static const double vacuum_first_pages = 1 / 172e-6; /* 62 to 86 us a page, and as long in gaps */

static const int64_t vacuum_spare = 16 << 20; /* left over on the disk, beside a tenth */

/* Bytes: walformat.html. A page of a rollback journal has a header of 8 (fileformat2.html). */
enum { VACUUM_FRAME_HEADER = 24, VACUUM_FRAME_INDEX = 8 };

/* --- the way ------------------------------------------------------------------------------ */

bool vacuum_converts(const struct vacuum_options *options, const struct vacuum_facts *facts)
{
    return options->convert && options->mode != VACUUM_ONLINE && facts->kept == KEPT_NONE &&
           facts->pages > 0;
}

enum vacuum_way vacuum_way(const struct vacuum_options *options, const struct vacuum_facts *facts)
{
    if (options->mode == VACUUM_ONLINE)
        return facts->kept == KEPT_NONE ? WAY_ONLINE : WAY_NONE;
    if (options->mode == VACUUM_FULL || vacuum_converts(options, facts))
        return WAY_WHOLE;
    if (facts->kept == KEPT_INCREMENTAL)
        return WAY_STEPS;
    return options->mode == VACUUM_AUTO && facts->kept == KEPT_NONE ? WAY_WHOLE : WAY_NONE;
}

static int64_t vacuum_free_bytes(const struct vacuum_facts *facts)
{
    return facts->free_pages * facts->page_size;
}

static double vacuum_free_share(const struct vacuum_facts *facts)
{
    return facts->pages > 0 ? (double)facts->free_pages / (double)facts->pages : 0;
}

bool vacuum_worth(const struct vacuum_options *options, const struct vacuum_facts *facts)
{
    bool much = vacuum_free_share(facts) > options->free_above &&
                vacuum_free_bytes(facts) > options->free_bytes_above;

    return much || vacuum_converts(options, facts);
}

int64_t vacuum_new_bytes(const struct vacuum_facts *facts)
{
    return (facts->pages - facts->free_pages) * facts->page_size;
}

int64_t vacuum_written(int64_t new_bytes)
{
    return 3 * new_bytes;
}

/* --- what forbids it ---------------------------------------------------------------------- */

static bool obstacle_mode(const struct vacuum_options *options, const struct vacuum_facts *facts,
                          struct text *why)
{
    if (vacuum_way(options, facts) != WAY_NONE)
        return false;
    if (facts->kept == KEPT_INCREMENTAL)
        text_add(why, "auto_vacuum is INCREMENTAL, for which mode: incremental is there");
    else if (facts->kept == KEPT_FULL)
        text_add(why, "auto_vacuum is FULL, so SQLite itself gives free pages back with each "
                      "commit");
    else
        text_add(why, "auto_vacuum is NONE, so free pages can't be given back in steps: set "
                      "convert: true to have it turned to INCREMENTAL in the window, or mode: auto "
                      "for a full VACUUM there");
    return true;
}

static bool obstacle_replicator(const struct vacuum_options *options,
                                const struct vacuum_facts *facts, struct text *why)
{
    (void)options;
    if (!facts->replicator)
        return false;
    text_addf(why,
              "a full VACUUM rewrites the whole database through %s, which replicates it: "
              "stop the application and %s for it, and make a new snapshot afterwards",
              facts->replicator, facts->replicator);
    return true;
}

static bool obstacle_rowids(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *why)
{
    char count[TEXT_SHORT];

    if (options->renumber_rowids || facts->renumbered == 0)
        return false;
    text_addf(why,
              "a full VACUUM may give new rowids to %s without INTEGER PRIMARY KEY (%s), and "
              "what knows their rows by rowid, such as an FTS table with external content, "
              "would find others: set renumber_rowids: true if nothing does",
              text_counted(count, facts->renumbered, "table"), facts->names.bytes);
    return true;
}

static bool obstacle_folder(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *why)
{
    (void)options;
    text_add(why, facts->space.wrong);
    return facts->space.wrong[0];
}

int64_t vacuum_with_margin(int64_t bytes)
{
    return bytes + bytes / 10 + vacuum_spare;
}

static bool obstacle_disk(const struct vacuum_options *options, const struct vacuum_facts *facts,
                          struct text *why)
{
    const struct vacuum_space *space = &facts->space;
    int64_t pages = facts->pages - facts->free_pages;
    int64_t log = vacuum_with_margin(pages * (facts->page_size + VACUUM_FRAME_HEADER));
    int64_t temp = vacuum_with_margin(vacuum_new_bytes(facts));
    const char *name = facts->wal ? "WAL" : "journal";
    char need[TEXT_SHORT], more[TEXT_SHORT], have[TEXT_SHORT];
    (void)options;

    if (space->same && log + temp > space->beside)
        text_addf(why,
                  "a full VACUUM needs %s for the %s and %s for its temporary file, and %s "
                  "are free on their file system",
                  text_bytes(need, log), name, text_bytes(more, temp),
                  text_bytes(have, space->beside));
    else if (log > space->beside)
        text_addf(why,
                  "a full VACUUM needs %s for the %s beside the database, and %s are free "
                  "there",
                  text_bytes(need, log), name, text_bytes(have, space->beside));
    else if (temp > space->temp)
        text_addf(why,
                  "a full VACUUM needs %s for its temporary file, and %s are free in the "
                  "folder for it (temp)",
                  text_bytes(need, temp), text_bytes(have, space->temp));
    return why->length > 0;
}

/* Every region of the wal-index stays mapped, and a worker's memory is limited. */
static bool obstacle_memory(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *why)
{
    int64_t index = (facts->pages - facts->free_pages) * VACUUM_FRAME_INDEX;
    char need[TEXT_SHORT], have[TEXT_SHORT];
    (void)options;

    if (!facts->wal || facts->space.memory < 0 || index <= facts->space.memory)
        return false;
    text_addf(why,
              "in WAL mode a full VACUUM of so many pages needs %s for the index of the WAL, "
              "and a worker has %s for it: do it by hand while the application is stopped",
              text_bytes(need, index), text_bytes(have, facts->space.memory));
    return true;
}

bool vacuum_obstacle(const struct vacuum_options *options, const struct vacuum_facts *facts,
                     struct text *why)
{
    static vacuum_forbids *const wholes[] = {obstacle_replicator, obstacle_rowids, obstacle_folder,
                                             obstacle_disk, obstacle_memory};
    enum vacuum_way way = vacuum_way(options, facts);

    if (obstacle_mode(options, facts, why))
        return true;
    if (way == WAY_ONLINE)
        return vacuum_obstacle_online(options, facts, why);
    for (size_t i = 0; way == WAY_WHOLE && i < sizeof wholes / sizeof *wholes; i++)
        if (wholes[i](options, facts, why))
            return true;
    return false;
}

/* --- the decision ------------------------------------------------------------------------- */

/* All of it, the wait for the lock included: it must end in the window. */
static double vacuum_seconds(const struct vacuum_options *options, const struct vacuum_facts *facts,
                             enum vacuum_way way)
{
    const struct vacuum_past *past = &facts->past;
    double written = (double)vacuum_written(vacuum_new_bytes(facts));
    double rate = past->write_rate > 0 ? past->write_rate / vacuum_margin : vacuum_first_rate;

    if (way == WAY_ONLINE)
        return vacuum_seconds_online(options, facts);
    if (way != WAY_WHOLE)
        return (double)facts->free_pages /
               (past->pages_rate > 0 ? past->pages_rate / vacuum_margin : vacuum_first_pages);
    if (past->written < vacuum_telling)
        rate = fmin(rate, vacuum_first_rate);
    return facts->busy_s + written / rate;
}

/* "40.0% of the file (free_above 20%) and 120.0 MiB (free_bytes_above 64.0 MiB)" */
static void vacuum_say_free(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *reason)
{
    char bytes[TEXT_SHORT], limit[TEXT_SHORT];

    text_addf(reason, "%.1f%% of the file (free_above ", vacuum_free_share(facts) * 100);
    units_share_text(options->free_above, reason);
    text_addf(reason, ") and %s (free_bytes_above %s)", text_bytes(bytes, vacuum_free_bytes(facts)),
              text_bytes(limit, options->free_bytes_above));
}

static void vacuum_say(const struct vacuum_options *options, const struct vacuum_facts *facts,
                       enum vacuum_way way, bool worth, struct text *reason)
{
    if (vacuum_converts(options, facts)) {
        text_add(reason, "auto_vacuum is NONE, and one full VACUUM turns it to INCREMENTAL "
                         "(convert); free are ");
        vacuum_say_free(options, facts, reason);
    } else if (!worth) {
        text_add(reason, facts->copy_bytes ? "an earlier run has left the file unchecked, so that "
                                             "comes first; not enough is free: "
                                           : "not enough is free: ");
        vacuum_say_free(options, facts, reason);
    } else {
        vacuum_say_free(options, facts, reason);
        text_addf(reason, " are free: %s",
                  way == WAY_STEPS    ? "incremental steps"
                  : way == WAY_ONLINE ? "online compaction"
                                      : "a full VACUUM");
    }
}

/* Where it isn't worth it, what is expected holds for whoever forces it. */
void vacuum_decide(const void *argument, const void *measured, int64_t now_us,
                   struct decision *decision)
{
    const struct vacuum_options *options = argument;
    const struct vacuum_facts *facts = measured;
    enum vacuum_way way = vacuum_way(options, facts);
    struct text reason = {0};
    char expected[TEXT_SHORT], limit[TEXT_SHORT];
    (void)now_us;

    bool worth = vacuum_worth(options, facts);
    decision->act = (worth || facts->copy_bytes) && way != WAY_NONE;
    /* The checks before and after keep writers out where there is no WAL. */
    decision->needs_window = way == WAY_WHOLE || (way == WAY_ONLINE && !facts->wal);
    decision->bytes = vacuum_free_bytes(facts);
    decision->seconds = vacuum_seconds(options, facts, way);
    vacuum_say(options, facts, way, worth && way != WAY_NONE, &reason);
    if (decision->act && way == WAY_WHOLE && facts->limit_s > 0 &&
        decision->seconds > facts->limit_s) {
        text_addf(&reason, ", which would take about %s, and a task may take %s (time_limit)",
                  text_seconds(expected, decision->seconds), text_seconds(limit, facts->limit_s));
        decision->act = false;
    }
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}
