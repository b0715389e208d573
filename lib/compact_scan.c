/*
 * The reading of the whole file, without the lock: every page of every b-tree and every overflow
 * page, depth first, in key order. It gives the hints, and the order. As the audit it is one
 * snapshot, in which each page of the file must turn up exactly once; else it is read in slices of
 * different moments, and what does not fit is left out. Where the leaves alone are wanted
 * (`interior`), interior pages are read, some hundredth of the file, and one leaf below each of the
 * lowest of them: what this names else are leaves as well, for all of a b-tree's are at one depth.
 */
#include "compact_inside.h"

#include "btreewalk.h"
#include "clock.h"
#include "freelist.h"
#include "memory.h"
#include "pagemerge.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A page to be looked at. */
struct scan_page {
    uint32_t page, parent;
    enum pagelink_kind kind;
    bool ordered; /* its b-tree is to be ordered, which the schema's own never is */
};

struct scan {
    struct compact *compact;
    struct pagefile file;
    struct pagefile_pace pace;
    struct pageset taken;
    struct pagelinks links;
    struct scan_page *stack;
    size_t count, room;
    bool audit, order, interior;
    const bool *enough; /* NULL: never */
    int64_t pages;      /* taken so far */
    double begun_ms;
    unsigned char *bytes;
};

/* --- the stack ---------------------------------------------------------------------------- */

static void scan_push(struct scan *scan, const struct scan_page *page)
{
    if (scan->count == scan->room) {
        scan->room = scan->room ? scan->room * 2 : 1024;
        scan->stack = memory_resize(scan->stack, scan->room, sizeof *scan->stack);
    }
    scan->stack[scan->count++] = *page;
}

/* The last one first, so that they come off in key order. */
static void scan_push_links(struct scan *scan, const struct scan_page *from)
{
    for (size_t i = scan->links.count; i-- > 0;)
        scan_push(scan, &(struct scan_page){.page = scan->links.items[i].page,
                                            .parent = from->page,
                                            .kind = scan->links.items[i].kind,
                                            .ordered = from->ordered});
}

/* The other children of a leaf's parent are leaves, too, and need not be read; nor need the
 * overflow pages that it names between them. */
static void scan_pass_siblings(struct scan *scan, uint32_t parent)
{
    while (parent && scan->count > 0 && scan->stack[scan->count - 1].parent == parent) {
        const struct scan_page *page = &scan->stack[--scan->count];
        compact_set_hint(scan->compact, page->page, page->kind, page->parent);
    }
}

static bool scan_chosen(const struct compact *compact, const char *name)
{
    const struct compact_choice *choice = compact->choice;

    for (size_t i = 0; choice && i < choice->count; i++)
        if (name && strcmp(name, choice->names[i]) == 0)
            return true;
    return !choice;
}

/* The roots as SQLite reads them, in this snapshot; the schema's own comes off first. */
static enum status scan_push_roots(struct scan *scan, struct error *error)
{
    struct database *reading = scan->compact->reading;
    sqlite3_stmt *query = NULL;
    bool row = true;
    enum status status = database_prepare(
        reading,
        "SELECT rootpage, name FROM main.sqlite_schema WHERE rootpage > 1 ORDER BY rowid DESC",
        &query, error);

    while (status == STATUS_OK && row) {
        status = database_step(reading, query, &row, error);
        int64_t root = status == STATUS_OK && row ? sqlite3_column_int64(query, 0) : 0;
        if (root > 0)
            scan_push(scan, &(struct scan_page){.page = root <= UINT32_MAX ? (uint32_t)root : 0,
                                                .kind = PAGELINK_CHILD,
                                                .ordered = scan_chosen(
                                                    scan->compact,
                                                    (const char *)sqlite3_column_text(query, 1))});
    }
    sqlite3_finalize(query);
    scan_push(scan, &(struct scan_page){.page = 1, .kind = PAGELINK_CHILD});
    return status;
}

/* --- a page ------------------------------------------------------------------------------- */

static void scan_order(struct scan *scan, const struct scan_page *page)
{
    struct compact *compact = scan->compact;
    bool leaf = page->kind != PAGELINK_CHILD || (scan->links.leaf && page->parent);

    if (!scan->order || !page->ordered || !leaf || page->page > compact->capacity)
        return;
    if (compact->order_count == compact->order_room) {
        compact->order_room = compact->order_room ? compact->order_room * 2 : 4096;
        compact->order = memory_resize(compact->order, compact->order_room, sizeof *compact->order);
    }
    compact->order[compact->order_count++] = page->page;
    compact->rank[page->page] = (uint32_t)compact->order_count;
}

/* For the merging of leaves. */
static void scan_merge(struct scan *scan, const struct scan_page *page)
{
    struct compact *compact = scan->compact;

    if (!scan->audit || !page->ordered || page->kind != PAGELINK_CHILD)
        return;
    if (scan->links.leaf) {
        compact->filled[page->page] =
            pagemerge_filled(scan->bytes, page->page, scan->file.header.usable);
        return;
    }
    if (compact->parent_count == compact->parent_room) {
        compact->parent_room = compact->parent_room ? compact->parent_room * 2 : 256;
        compact->parents =
            memory_resize(compact->parents, compact->parent_room, sizeof *compact->parents);
    }
    compact->parents[compact->parent_count++] = page->page;
}

static enum status scan_visit(struct scan *scan, const struct scan_page *page, struct error *error)
{
    uint32_t usable = scan->file.header.usable;
    enum status status;

    if (page->page > scan->taken.pages) /* the file grew between two slices */
        return error_set(error, STATUS_INVALID, "page %" PRIu32 " is new", page->page);
    if ((status = btreewalk_take(&scan->file, &scan->taken, page->page, error)))
        return status;
    compact_set_hint(scan->compact, page->page, page->kind, page->parent); /* whatever is there */
    if (scan->interior && page->kind != PAGELINK_CHILD)
        return STATUS_OK;
    if ((status = pagefile_read(&scan->file, page->page, scan->bytes, error)) ||
        (status = pagelink_list(scan->bytes, page->page, usable, page->kind, &scan->links, error)))
        return status;
    scan->pages++;
    scan_order(scan, page);
    scan_merge(scan, page);
    if (scan->interior && scan->links.leaf)
        scan_pass_siblings(scan, page->parent);
    else
        scan_push_links(scan, page);
    return STATUS_OK;
}

/* A snapshot in WAL mode blocks nobody, but pins the log: for hints it is given up now and then. */
static enum status scan_breathe(struct scan *scan, struct error *error)
{
    enum status status = pagefile_breathe(&scan->file, error);
    double now = clock_monotonic_ms();

    if (scan->file.schema_change && status == STATUS_BUSY) {
        scan->file.schema_change = false; /* hints alone: what they say is proven or not */
        status = STATUS_OK;
    }
    if (status || !scan->file.wal || scan->audit ||
        now - scan->begun_ms < engine_slice_ms(scan->compact->engine))
        return status;
    pagefile_close(&scan->file);
    scan->begun_ms = now;
    return pagefile_open(&scan->file, database_sql(scan->compact->reading), &scan->pace, error);
}

static enum status scan_pages(struct scan *scan, struct error *error)
{
    int64_t total = scan->file.pages;
    enum status status = STATUS_OK;

    while (scan->count > 0 && !status) {
        struct scan_page page = scan->stack[--scan->count];
        if ((status = scan_breathe(scan, error)))
            break;
        status = scan_visit(scan, &page, error);
        if (status == STATUS_INVALID && !scan->audit)
            status = STATUS_OK;
        if (!scan->interior) /* of which no one knows how many pages they are */
            engine_progress(scan->compact->engine, scan->pages, total);
    }
    return status;
}

/* --- the audit ---------------------------------------------------------------------------- */

/* All that was taken, the freelist, and the lock page make the file. */
static enum status scan_account(struct scan *scan, struct error *error)
{
    const struct fileheader *header = &scan->file.header;
    enum status status = pageedit_refuse(header, error);

    if (status == STATUS_OK)
        status = freelist_check(&scan->file, &scan->taken, INT64_MAX, error);
    if (status)
        return status;
    int64_t known =
        scan->pages + header->free_pages + fileheader_special_pages(header, scan->file.pages);
    if (known != scan->file.pages || header->pages != scan->file.pages)
        return error_set(error, STATUS_REFUSED,
                         "the file has %" PRIu32 " pages, its header counts %" PRIu32
                         ", and %" PRId64 " are in its b-trees or free: run the integrity task",
                         scan->file.pages, header->pages, known);
    return STATUS_OK;
}

/* What is not valid in the file is a refusal. */
static enum status scan_refuse(enum status status, struct error *error)
{
    struct error wrong = *error;

    if (status != STATUS_INVALID)
        return status;
    return error_set(error, STATUS_REFUSED, "the file is damaged: %.300s; run the integrity task",
                     wrong.text);
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool scan_stopped(void *argument)
{
    const struct scan *scan = argument;

    return database_stopped(scan->compact->reading) || (scan->enough && *scan->enough);
}

static enum status scan_begin(struct scan *scan, struct error *error)
{
    struct compact *compact = scan->compact;
    double slice_ms = engine_slice_ms(compact->engine);
    enum status status;

    scan->pace = (struct pagefile_pace){.slice_ms = scan->audit ? INFINITY : slice_ms,
                                        .gap_ms = slice_ms,
                                        .stopped = scan_stopped,
                                        .argument = scan};
    scan->begun_ms = clock_monotonic_ms();
    if ((status = pagefile_open(&scan->file, database_sql(compact->reading), &scan->pace, error)) ||
        (status = compact_grow(compact, scan->file.pages, error)))
        return status;
    if (!scan->interior)
        memset(compact->hints, 0, ((size_t)compact->capacity + 1) * sizeof *compact->hints);
    if (scan->audit) {
        memset(compact->filled, UINT8_MAX, (size_t)compact->capacity + 1);
        compact->parent_count = 0;
    }
    scan->bytes = memory_resize(NULL, scan->file.header.page_size, 1);
    pageset_reset(&scan->taken, scan->file.pages);
    return scan_push_roots(scan, error);
}

static enum status scan_all(struct scan *scan, struct error *error)
{
    if (!scan->interior)
        engine_progress_anew(scan->compact->engine);
    enum status status = scan_begin(scan, error);

    if (status == STATUS_OK)
        status = scan_pages(scan, error);
    if (status == STATUS_OK && scan->audit)
        status = scan_account(scan, error);
    pagefile_close(&scan->file);
    pageset_free(&scan->taken);
    pagelink_free(&scan->links);
    free(scan->stack);
    free(scan->bytes);
    scan->compact->result.scans += !scan->interior;
    scan->compact->result.interior_scans += scan->interior;
    return scan_refuse(status, error);
}

enum status compact_scan(struct compact *compact, bool order, struct error *error)
{
    struct scan scan = {.compact = compact, .order = order};

    return scan_all(&scan, error);
}

enum status compact_scan_interior(struct compact *compact, struct error *error)
{
    struct scan scan = {.compact = compact, .interior = true};

    return scan_all(&scan, error);
}

enum status compact_audit(struct compact *compact, const bool *enough, struct error *error)
{
    struct scan scan = {.compact = compact, .audit = true, .enough = enough};

    return scan_all(&scan, error);
}
