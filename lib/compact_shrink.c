/*
 * The end of the file: what is free there is cut off, what is live moves into a free page first. A
 * root moves in a hold of its own, in which nothing is cut off: everybody has to read the schema
 * anew after it, and SQLite itself would do so before it cuts.
 */
#include "compact_inside.h"

#include "clock.h"

#include <inttypes.h>

enum {
    SHRINK_TRIES = 6,    /* at one page, each with new hints */
    SHRINK_LOWER = 4096, /* pages of the first trunk, a hold */
    SHRINK_WAIT_MS = 50  /* the application may be at work there */
};

struct shrink {
    int64_t most;
    uint32_t stuck; /* the page that could not be proven, 0: none */
    bool over;      /* nothing is left to be done */
};

/* Cuts off what is free at the end. */
static enum status shrink_cut(struct compact *compact, int64_t most, struct error *error)
{
    uint32_t lock = fileheader_lock_page(pageedit_header(compact->edit));
    enum status status = STATUS_OK;

    while (compact->end > 1 && !status && compact->result.given < most &&
           freepages_has(&compact->free_pages, compact->end)) {
        status = compact_take(compact, compact->end, error);
        compact->end--;
        compact->result.given++;
        if (compact->end == lock) /* no file ends with it */
            compact->end--;
        if (compact_spent(compact))
            break;
    }
    return status;
}

/* A root goes by itself. It is put off where this hold has done something else before. */
static enum status shrink_root(struct compact *compact, struct error *error)
{
    uint32_t from = compact->end, limit = compact->end - compact->free_pages.total;

    if (compact->changed)
        return STATUS_OK;
    uint32_t to = freepages_any(&compact->free_pages, limit);
    enum status status = compact_take(compact, to, error);
    if (status == STATUS_OK)
        status = compact_move(compact, from, to, error);
    if (status == STATUS_OK)
        freepages_give(&compact->free_pages, from);
    return status;
}

/* The last page is live: it moves to where it may stay. */
static enum status shrink_last(struct compact *compact, struct error *error)
{
    uint32_t from = compact->end, limit = compact->end - compact->free_pages.total;
    uint32_t to = freepages_any(&compact->free_pages, limit);
    enum status status = compact_take(compact, to, error);

    if (status == STATUS_OK)
        status = compact_move(compact, from, to, error);
    compact->end--;
    compact->result.given++;
    if (compact->end == fileheader_lock_page(pageedit_header(compact->edit)))
        compact->end--;
    return status;
}

/* One page less, or the reason why not: `*go` is false at the end of the hold. */
static enum status shrink_one(struct compact *compact, struct shrink *shrink, bool *go,
                              struct error *error)
{
    bool live = false;
    enum status status = shrink_cut(compact, shrink->most, error);

    *go = false;
    if (status || compact->free_pages.total == 0 || compact->result.given >= shrink->most) {
        shrink->over = status == STATUS_OK;
        return status;
    }
    if (freepages_has(&compact->free_pages, compact->end)) /* the time was up */
        return STATUS_OK;
    status = compact_prove(compact, compact->end, &live, error);
    if (status || !live) {
        shrink->stuck = compact->end;
        return status;
    }
    if (compact_is_root(compact, compact->end))
        return shrink_root(compact, error);
    *go = true;
    return shrink_last(compact, error);
}

/* So that the application does not take pages that are about to be cut off; not where a root is to
 * be moved, by itself. */
static void shrink_lower(struct compact *compact)
{
    if (compact->free_pages.total == 0 || compact_is_root(compact, compact->end))
        return;
    freepages_lower_first(&compact->free_pages, compact->end - compact->free_pages.total,
                          SHRINK_LOWER);
    compact->changed |= compact->free_pages.changed > 0;
}

static enum status shrink_work(struct compact *compact, void *argument, struct error *error)
{
    struct shrink *shrink = argument;
    enum status status = STATUS_OK;
    bool go = true;

    shrink->stuck = 0;
    shrink->over = false;
    shrink_lower(compact);
    while (status == STATUS_OK && go) {
        status = shrink_one(compact, shrink, &go, error);
        go = go && !compact_spent(compact);
    }
    return status;
}

/* The hint for the last page is wrong, since the application has changed what names it: hints are
 * made anew, those of leaves first, then all. */
static enum status shrink_stuck(struct compact *compact, uint32_t page, int tries,
                                struct error *error)
{
    if (tries == SHRINK_TRIES)
        return error_set(error, STATUS_BUSY,
                         "page %" PRIu32 ", the last one, can't be proven to be in use: it belongs "
                         "to a row of more overflow pages than a step can follow (raise max_lock), "
                         "or the application changes it all the time",
                         page);
    if (tries == 1)
        return compact_scan_interior(compact, error);
    if (tries > 2)
        clock_sleep_ms(SHRINK_WAIT_MS);
    return compact_scan(compact, false, error);
}

enum status compact_shrink(struct compact *compact, int64_t most, struct error *error)
{
    struct shrink shrink = {.most = most};
    enum status status = database_sync_folder(compact->engine->database, error);
    uint32_t page = 0;
    bool done = false;
    int tries = 0;

    engine_progress_anew(compact->engine);
    while (status == STATUS_OK && !(done && shrink.over)) {
        status = compact_hold(compact, shrink_work, &shrink, &done, error);
        engine_progress(compact->engine, compact->result.given, most);
        if (status || !done || !shrink.stuck)
            continue;
        tries = shrink.stuck == page ? tries + 1 : 1;
        page = shrink.stuck;
        status = shrink_stuck(compact, page, tries, error);
    }
    return status;
}
