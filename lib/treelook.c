/* One b-tree: a visitor of its walk, then a reader of some of its leaves. */
#include "treelook.h"

#include "btreewalk.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void treelook_damaged(const struct treelook *look, const struct error *error)
{
    if (!look->btree->error)
        look->btree->error = memory_copy(error->text);
}

static enum status treelook_on_interior(void *argument, const struct btreepage *page,
                                        struct error *error)
{
    struct treelook *look = argument;
    struct leafsample_leaf found = {0};

    look->btree->interior_pages++;
    if (page->table) /* its cells have keys alone */
        return STATUS_OK;
    enum status status = leafsample_measure(page, look->file->pages, &found, error);
    look->entries += found.entries;
    look->overflow_pages += found.overflow_pages;
    return status;
}

static void treelook_on_first_leaf(struct treelook *look, const struct btreepage *page)
{
    struct error error;

    look->sample.first = page->number;
    if (leafsample_measure(page, look->file->pages, &look->sample.first_leaf, &error))
        treelook_damaged(look, &error);
    else
        look->sample.first_sound = true;
}

static void treelook_on_leaf(void *argument, uint32_t number, const struct btreepage *page)
{
    struct treelook *look = argument;

    if (page)
        treelook_on_first_leaf(look, page);
    if (look->previous && (number < look->previous || number - look->previous > PAGES_FORWARD))
        look->jumps++;
    look->previous = number;
    look->btree->leaf_pages++;
    leafsample_offer(&look->sample, number);
    if (look->watch && look->watch->leaf)
        look->watch->leaf(look->watch->argument, look->place, number);
}

static void treelook_on_restart(void *argument)
{
    struct treelook *look = argument;

    look->btree->interior_pages = look->btree->leaf_pages = 0;
    free(look->btree->error);
    look->btree->error = NULL;
    leafsample_free(&look->sample);
    look->previous = 0;
    look->jumps = look->entries = look->overflow_pages = 0;
    look->changes = look->file->changes;
    if (look->watch && look->watch->restart)
        look->watch->restart(look->watch->argument, look->place);
}

/* What kind of pages the b-tree must have; a table WITHOUT ROWID has an index's. */
static int treelook_kind(const struct pages_btree *btree)
{
    if (!strcmp(btree->type, "index"))
        return 0;
    return btree->root == 1 ? 1 : -1;
}

enum status treelook_walk(struct treelook *look, struct error *error)
{
    struct pages_btree *btree = look->btree;
    const struct btreewalk_visitor visitor = {
        .interior = treelook_on_interior,
        .leaf = treelook_on_leaf,
        .restart = treelook_on_restart,
        .argument = look,
    };

    look->changes = look->file->changes;
    enum status status = btreewalk(look->file, look->taken, btree->root, treelook_kind(btree),
                                   &visitor, &btree->depth, error);
    if (status != STATUS_INVALID)
        return status;
    treelook_damaged(look, error);
    return STATUS_OK;
}

/* Reads one leaf. Damage, where nobody wrote since the walk began, is the b-tree's; else it is what
 * became of the page meanwhile, and the sample has one leaf less. */
static enum status treelook_read(struct treelook *look, uint32_t number, struct error *error)
{
    unsigned char bytes[FILEHEADER_PAGE_MAX];
    struct btreepage page;
    struct leafsample_leaf leaf;
    enum status status = pagefile_read(look->file, number, bytes, error);

    if (!status)
        status = btreepage_parse(bytes, number, look->file->header.usable, &page, error);
    if (!status && !page.leaf)
        status = error_set(error, STATUS_INVALID, "page %" PRIu32 " is no leaf", number);
    if (!status)
        status = leafsample_measure(&page, look->file->pages, &leaf, error);
    if (!status)
        leafsample_add(&look->sample, &leaf);
    if (status == STATUS_INVALID && look->changes == look->file->changes)
        treelook_damaged(look, error);
    return status == STATUS_INVALID ? STATUS_OK : status;
}

enum status treelook_sample(struct treelook *look, int64_t most, struct error *error)
{
    enum status status = STATUS_OK;

    if (!look->sample.offered)
        return STATUS_OK;
    leafsample_choose(&look->sample, most);
    for (int64_t i = 0; i < look->sample.kept && !status; i++) {
        status = pagefile_breathe(look->file, error);
        if (!status)
            status = treelook_read(look, look->sample.leaves[i], error);
    }
    return status;
}

void treelook_conclude(const struct treelook *look)
{
    struct pages_btree *btree = look->btree;
    struct leafsample_estimate estimate;

    leafsample_estimate(&look->sample, look->file->header.page_size, &estimate);
    btree->leaves_read = look->sample.read;
    btree->density = estimate.density;
    btree->entry_bytes = estimate.entry_bytes;
    btree->entries = estimate.entries + look->entries;
    btree->overflow_pages = estimate.overflow_pages + look->overflow_pages;
    btree->overflow_error = estimate.overflow_error;
    if (btree->leaf_pages > 1)
        btree->fragmentation = (double)look->jumps / (double)(btree->leaf_pages - 1);
}

void treelook_free(struct treelook *look)
{
    leafsample_free(&look->sample);
}
