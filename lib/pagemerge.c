/*
 * The merging of two leaves: a page is built anew from the cells of others, packed at its end in
 * the order in which SQLite itself packs them, with zeros between (btree.c, rebuildPage).
 */
#include "pagemerge.h"

#include "btreepage.h"
#include "bytes.h"

#include <inttypes.h>
#include <string.h>

/* Where the fields of a page's header are, and the least that a cell takes. */
enum { AT_CELLS = 3, AT_CONTENT = 5, AT_LAST_CHILD = 8, CELL_MIN = 4, CHILD_BYTES = 4 };

/* A page under construction. */
struct build {
    unsigned char *bytes;
    uint32_t pointers, cells, content;
};

static void build_two(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void build_begin(struct build *build, unsigned char *bytes, const struct btreepage *like)
{
    memset(bytes, 0, like->usable);
    bytes[0] = like->bytes[0];
    *build = (struct build){.bytes = bytes, .pointers = like->pointers, .content = like->usable};
}

/* False: it does not fit any more. */
static bool build_add(struct build *build, const unsigned char *cell, uint32_t length)
{
    uint32_t takes = length < CELL_MIN ? CELL_MIN : length;

    if (takes + build->pointers + 2 * (build->cells + 1) > build->content)
        return false;
    build->content -= takes;
    memcpy(build->bytes + build->content, cell, length);
    build_two(build->bytes + build->pointers + 2 * build->cells++, build->content);
    return true;
}

static bool build_add_all(struct build *build, const struct btreepage *from, enum status *status,
                          struct error *error)
{
    struct btreepage_cell cell;

    for (uint32_t i = 0; i < from->cells; i++) {
        if ((*status = btreepage_cell(from, i, &cell, error)) ||
            !build_add(build, from->bytes + cell.at, cell.length))
            return false;
    }
    return true;
}

/* A content that begins at 65536 is written as 0. */
static void build_end(struct build *build)
{
    build_two(build->bytes + AT_CELLS, build->cells);
    build_two(build->bytes + AT_CONTENT, build->content);
}

/* --- the three pages ---------------------------------------------------------------------- */

struct merge_pages {
    struct btreepage parent, left, right;
    struct btreepage_cell between; /* of the parent */
};

static enum status merge_wrong(const struct pagemerge *merge, struct error *error)
{
    return error_set(error, STATUS_INVALID,
                     "pages %" PRIu32 " and %" PRIu32 " are no neighbouring leaves under page "
                     "%" PRIu32,
                     merge->left.number, merge->right.number, merge->parent.number);
}

static enum status merge_parse(const struct pagemerge *merge, struct merge_pages *pages,
                               struct error *error)
{
    const struct {
        const struct pagemerge_page *page;
        struct btreepage *parsed;
    } all[] = {{&merge->parent, &pages->parent},
               {&merge->left, &pages->left},
               {&merge->right, &pages->right}};
    uint32_t left = 0, right = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        enum status status = btreepage_parse(all[i].page->bytes, all[i].page->number, merge->usable,
                                             all[i].parsed, error);
        if (status)
            return status;
    }
    if (merge->child >= pages->parent.cells || merge->parent.number == 1)
        return merge_wrong(merge, error);
    enum status status;
    if ((status = btreepage_child(&pages->parent, merge->child, &left, error)) ||
        (status = btreepage_child(&pages->parent, merge->child + 1, &right, error)) ||
        (status = btreepage_cell(&pages->parent, merge->child, &pages->between, error)))
        return status;
    if (left != merge->left.number || right != merge->right.number || left == right ||
        pages->parent.leaf || !pages->left.leaf || !pages->right.leaf ||
        pages->left.table != pages->parent.table || pages->right.table != pages->parent.table)
        return merge_wrong(merge, error);
    return STATUS_OK;
}

/* --- what becomes of them ----------------------------------------------------------------- */

static enum status merge_leaf(const struct merge_pages *pages, unsigned char *leaf, bool *fits,
                              struct error *error)
{
    const struct btreepage_cell *between = &pages->between;
    enum status status = STATUS_OK;
    struct build build;

    build_begin(&build, leaf, &pages->left);
    *fits =
        build_add_all(&build, &pages->left, &status, error) &&
        (pages->parent.table || build_add(&build, pages->parent.bytes + between->at + CHILD_BYTES,
                                          between->length - CHILD_BYTES)) &&
        build_add_all(&build, &pages->right, &status, error);
    build_end(&build);
    return status;
}

/* The cell between the two goes, and what named the right one names the left one. */
static enum status merge_parent(const struct pagemerge *merge, const struct merge_pages *pages,
                                unsigned char *parent, bool *fits, struct error *error)
{
    const struct btreepage *from = &pages->parent;
    struct btreepage_cell cell;
    struct build build;

    build_begin(&build, parent, from);
    bytes_put_four(parent + AT_LAST_CHILD, from->last_child);
    for (uint32_t i = 0; i < from->cells && *fits; i++) {
        enum status status = btreepage_cell(from, i, &cell, error);
        if (status)
            return status;
        if (i == merge->child)
            continue;
        *fits = build_add(&build, from->bytes + cell.at, cell.length);
        if (*fits && i == merge->child + 1)
            bytes_put_four(parent + build.content, merge->left.number);
    }
    if (merge->child + 1 == from->cells)
        bytes_put_four(parent + AT_LAST_CHILD, merge->left.number);
    build_end(&build);
    return STATUS_OK;
}

enum status pagemerge(const struct pagemerge *merge, unsigned char *parent, unsigned char *leaf,
                      bool *fits, struct error *error)
{
    struct merge_pages pages;
    enum status status = merge_parse(merge, &pages, error);

    if (status)
        return status;
    *fits = false;
    if (pages.parent.cells < 2)
        return STATUS_OK;
    status = merge_leaf(&pages, leaf, fits, error);
    if (status == STATUS_OK && *fits)
        status = merge_parent(merge, &pages, parent, fits, error);
    *fits = *fits && status == STATUS_OK;
    return status;
}

uint8_t pagemerge_filled(const unsigned char *bytes, uint32_t number, uint32_t usable)
{
    struct btreepage page;
    struct error ignored;
    uint32_t unused = 0;

    if (btreepage_parse(bytes, number, usable, &page, &ignored) || !page.leaf ||
        btreepage_unused(&page, &unused, &ignored))
        return UINT8_MAX;
    uint32_t room = btreepage_room(&page);
    return (uint8_t)((uint64_t)(room - unused) * UINT8_MAX / room);
}
