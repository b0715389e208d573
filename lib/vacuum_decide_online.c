/*
 * What forbids mode: online, by what was measured of the file and its surroundings, and how long it
 * takes. Pure. What only a look into the file can tell is vacuum_online_guard's and vacuum_care's.
 */
#include "vacuum.h"

/* Bytes of memory that online compaction takes for each page of the file, the scan's stack and the
 * freelist included; with and without order. */
enum { ONLINE_PAGE_ORDER = 25, ONLINE_PAGE_SHRINK = 17 };

/* It reads each page six times, twice of it for integrity_check, and moves most; the copy writes
 * each page in use, and reads it twice. */
static const double online_page_seconds = 100e-6, online_copy_seconds = 60e-6;

static bool online_convert(const struct vacuum_options *options, const struct vacuum_facts *facts,
                           struct text *why)
{
    (void)facts;
    if (options->convert)
        text_add(why,
                 "mode: online leaves auto_vacuum as it is, so convert: true needs mode: full");
    return options->convert;
}

static bool online_replicator(const struct vacuum_options *options,
                              const struct vacuum_facts *facts, struct text *why)
{
    if (!facts->replicator || options->replicated)
        return false;
    text_addf(why,
              "%s replicates the database, and would have to send every page that moves: set "
              "replicated: true if it may",
              facts->replicator);
    return true;
}

static bool online_folder(const struct vacuum_options *options, const struct vacuum_facts *facts,
                          struct text *why)
{
    if (options->backup != BACKUP_REQUIRED)
        return false;
    text_add(why, facts->space.wrong);
    return facts->space.wrong[0];
}

/* What an earlier run has left goes first; where that is all there is to do, no copy is made. */
static bool online_disk(const struct vacuum_options *options, const struct vacuum_facts *facts,
                        struct text *why)
{
    int64_t copy = vacuum_with_margin(vacuum_new_bytes(facts));
    int64_t room = facts->space.beside + facts->copy_bytes;
    bool none = facts->copy_bytes && !vacuum_worth(options, facts);
    char need[TEXT_SHORT], have[TEXT_SHORT];

    if (options->backup != BACKUP_REQUIRED || none || copy <= room)
        return false;
    text_addf(why,
              "the copy that is made first (backup: required) needs %s beside the database, and %s "
              "are free there",
              text_bytes(need, copy), text_bytes(have, room));
    return true;
}

/* Hints, order and the freelist are kept for each page, and a worker's memory is limited. */
static bool online_memory(const struct vacuum_options *options, const struct vacuum_facts *facts,
                          struct text *why)
{
    int64_t needed = facts->pages * (options->order ? ONLINE_PAGE_ORDER : ONLINE_PAGE_SHRINK);
    char need[TEXT_SHORT], have[TEXT_SHORT];

    if (facts->space.memory < 0 || needed <= facts->space.memory)
        return false;
    text_addf(why, "mode: online needs %s to keep track of so many pages%s, and a worker has %s",
              text_bytes(need, needed), options->order ? " (order: false needs less)" : "",
              text_bytes(have, facts->space.memory));
    return true;
}

bool vacuum_obstacle_online(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *why)
{
    static vacuum_forbids *const all[] = {online_convert, online_replicator, online_folder,
                                          online_disk, online_memory};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i](options, facts, why))
            return true;
    return false;
}

double vacuum_seconds_online(const struct vacuum_options *options, const struct vacuum_facts *facts)
{
    double copied = options->backup == BACKUP_REQUIRED
                        ? (double)(facts->pages - facts->free_pages) * online_copy_seconds
                        : 0;

    return (double)facts->pages * online_page_seconds + copied;
}
