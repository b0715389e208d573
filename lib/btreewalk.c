/*
 * The walk keeps the path from the root to where it is: a page and the index of its next child on
 * each level. In rollback-journal mode others may write between two slices; then the path is read
 * again, and if it is not what it was, the walk of this b-tree begins anew.
 */
#include "btreewalk.h"

#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LEVELS = 20 /* as SQLite's BTCURSOR_MAX_DEPTH */, RESTARTS = 3 };

struct btreewalk_level {
    struct btreepage page;
    uint32_t next;  /* the child to take next */
    uint32_t child; /* the one that was taken last */
    unsigned char *bytes;
};

struct btreewalk {
    struct pagefile *file;
    struct pageset *taken;
    const struct btreewalk_visitor *visitor;
    struct btreewalk_level levels[LEVELS]; /* interior pages, from the root */
    int depth;                             /* of them in use */
    int leaf_depth;                        /* how many lie above a leaf; -1: not known yet */
    int table;                             /* as btreewalk's; known after the root */
    int64_t pages;                         /* of this b-tree so far */
    int64_t changes;                       /* the file's, when the path was last known to hold */
    bool moved;                            /* the file changed since the walk was begun */
};

enum status btreewalk_take(const struct pagefile *file, struct pageset *taken, uint32_t page,
                           struct error *error)
{
    if (page < 1 || page > file->pages)
        return error_set(error, STATUS_INVALID,
                         "it names page %" PRIu32 ", but the file has %" PRIu32, page, file->pages);
    if (page == fileheader_lock_page(&file->header))
        return error_set(error, STATUS_INVALID, "it names page %" PRIu32 ", the lock-byte page",
                         page);
    if (fileheader_pointer_map(&file->header, page))
        return error_set(error, STATUS_INVALID, "it names page %" PRIu32 ", a pointer-map page",
                         page);
    if (!pageset_add(taken, page))
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 " is in it twice, or in something else as well", page);
    return STATUS_OK;
}

/* Reads and parses a page into the level below the path's end. */
static enum status btreewalk_read(struct btreewalk *walk, uint32_t number,
                                  struct btreewalk_level **level, struct error *error)
{
    if (walk->depth == LEVELS)
        return error_set(error, STATUS_INVALID, "it is deeper than %d levels", LEVELS);
    struct btreewalk_level *found = &walk->levels[walk->depth];
    if (!found->bytes)
        found->bytes = memory_zeroed(walk->file->header.page_size, 1);
    enum status status = pagefile_read(walk->file, number, found->bytes, error);
    if (!status)
        status =
            btreepage_parse(found->bytes, number, walk->file->header.usable, &found->page, error);
    if (status)
        return status;
    if (walk->table >= 0 && found->page.table != walk->table)
        return error_set(error, STATUS_INVALID, "page %" PRIu32 " is %s's, in %s", number,
                         found->page.table ? "a table" : "an index",
                         walk->table ? "a table" : "an index");
    walk->table = found->page.table;
    *level = found;
    return STATUS_OK;
}

static enum status btreewalk_take_page(struct btreewalk *walk, uint32_t number, struct error *error)
{
    /* Where others write meanwhile `taken` begins anew, so it alone does not bound the walk. */
    if (++walk->pages > walk->file->pages)
        return error_set(error, STATUS_INVALID, "it has more pages than the file");
    return btreewalk_take(walk->file, walk->taken, number, error);
}

/* Goes down to a page that has to be read: an interior one, or the first leaf. */
static enum status btreewalk_descend(struct btreewalk *walk, uint32_t number, struct error *error)
{
    struct btreewalk_level *level = NULL;
    enum status status = btreewalk_take_page(walk, number, error);

    if (!status)
        status = btreewalk_read(walk, number, &level, error);
    if (status)
        return status;
    if (level->page.leaf) {
        if (walk->leaf_depth >= 0)
            return error_set(error, STATUS_INVALID, "its leaf %" PRIu32 " lies higher than others",
                             number);
        walk->leaf_depth = walk->depth;
        walk->visitor->leaf(walk->visitor->argument, number, &level->page);
        return STATUS_OK;
    }
    level->next = 0;
    walk->depth++;
    return walk->visitor->interior(walk->visitor->argument, &level->page, error);
}

/* One step: the next child of the lowest page of the path, or one level up behind the last. */
static enum status btreewalk_step(struct btreewalk *walk, struct error *error)
{
    struct btreewalk_level *level = &walk->levels[walk->depth - 1];

    if (level->next > level->page.cells) {
        walk->depth--;
        return STATUS_OK;
    }
    enum status status = btreepage_child(&level->page, level->next, &level->child, error);
    if (status)
        return status;
    level->next++;
    if (walk->leaf_depth != walk->depth)
        return btreewalk_descend(walk, level->child, error);
    status = btreewalk_take_page(walk, level->child, error);
    if (!status)
        walk->visitor->leaf(walk->visitor->argument, level->child, NULL);
    return status;
}

/* Whether `page`, read again, still leads where the path goes on. */
static bool btreewalk_same(const struct btreewalk_level *level, const struct btreepage *page)
{
    uint32_t child = 0;

    if (page->leaf || page->table != level->page.table || page->cells + 1 < level->next)
        return false;
    return !level->next ||
           (!btreepage_child(page, level->next - 1, &child, NULL) && child == level->child);
}

/* Reads the path's pages again; `*holds` is false where one is no longer what it was. */
static enum status btreewalk_check_path(struct btreewalk *walk, bool *holds, struct error *error)
{
    uint32_t usable = walk->file->header.usable;
    enum status status = STATUS_OK;

    for (int i = 0; i < walk->depth && *holds && !status; i++) {
        struct btreewalk_level *level = &walk->levels[i];
        struct btreepage page;
        status = pagefile_read(walk->file, level->page.number, level->bytes, error);
        *holds = !status &&
                 !btreepage_parse(level->bytes, level->page.number, usable, &page, NULL) &&
                 btreewalk_same(level, &page);
        if (*holds)
            level->page = page;
    }
    return status == STATUS_INVALID ? STATUS_OK : status;
}

/* Lets writers in where it is time; after one wrote the path must still hold. */
static enum status btreewalk_breathe(struct btreewalk *walk, bool *holds, struct error *error)
{
    enum status status = pagefile_breathe(walk->file, error);

    *holds = true;
    if (status || walk->changes == walk->file->changes)
        return status;
    walk->changes = walk->file->changes;
    walk->moved = true;
    pageset_reset(walk->taken, walk->file->pages);
    return btreewalk_check_path(walk, holds, error);
}

/* Once from the root to the last leaf, or until the path does not hold. */
static enum status btreewalk_once(struct btreewalk *walk, uint32_t root, bool *holds,
                                  struct error *error)
{
    enum status status = btreewalk_descend(walk, root, error);

    while (!status && *holds && walk->depth > 0) {
        struct btreewalk_level *level = &walk->levels[walk->depth - 1];
        bool reads = walk->leaf_depth != walk->depth && level->next <= level->page.cells;
        if (reads)
            status = btreewalk_breathe(walk, holds, error);
        if (!status && *holds)
            status = btreewalk_step(walk, error);
    }
    return status;
}

static void btreewalk_begin(struct btreewalk *walk, int table)
{
    walk->depth = 0;
    walk->leaf_depth = -1;
    walk->table = table;
    walk->pages = 0;
    walk->changes = walk->file->changes;
    walk->moved = false;
}

enum status btreewalk(struct pagefile *file, struct pageset *taken, uint32_t root, int table,
                      const struct btreewalk_visitor *visitor, int *depth, struct error *error)
{
    struct btreewalk walk = {.file = file, .taken = taken, .visitor = visitor};
    enum status status = STATUS_OK;
    bool done = false;

    for (int i = 0; i <= RESTARTS && !done && !status; i++) {
        if (i) {
            pageset_reset(taken, file->pages);
            visitor->restart(visitor->argument);
        }
        btreewalk_begin(&walk, table);
        done = true;
        status = btreewalk_once(&walk, root, &done, error);
        if (status == STATUS_INVALID && walk.moved && i < RESTARTS) {
            status = STATUS_OK; /* a count from before may not fit what is there now */
            done = false;
        }
    }
    if (!status && !done)
        status = error_set(error, STATUS_INVALID, "it kept changing while it was measured");
    if (!status)
        *depth = walk.leaf_depth + 1;
    for (int i = 0; i < LEVELS; i++)
        free(walk.levels[i].bytes);
    return status;
}
