/* Each harm is a few bytes of a sound file, put where they mean something. */
#include "lib_harm.h"

#include "lib_randomdb.h"
#include "pagelink.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

uint32_t harm_trunk(struct damage_image *image)
{
    return damage_four(image->bytes + 32);
}

uint32_t harm_last_page(const struct damage_image *image)
{
    return (uint32_t)(image->size / image->page_size);
}

static void harm_nothing(struct damage_image *image)
{
    (void)image;
}

/* A leaf of t is one of u's, too. */
static void harm_crossed(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->u, 1), damage_first_leaf(image, image->t));
}

/* An interior page is its own child. */
static void harm_cycle(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->u, 1), image->u);
}

/* A leaf in use is on the freelist, too. */
static void harm_free_and_live(struct damage_image *image)
{
    damage_put_four(damage_page(image, harm_trunk(image)) + 8, damage_first_leaf(image, image->t));
}

/* The freelist names a page twice. */
static void harm_free_twice(struct damage_image *image)
{
    unsigned char *trunk = damage_page(image, harm_trunk(image));

    damage_put_four(trunk + 8, damage_four(trunk + 12));
}

static void harm_free_loop(struct damage_image *image)
{
    damage_put_four(damage_page(image, harm_trunk(image)), harm_trunk(image));
}

static void harm_free_count(struct damage_image *image)
{
    damage_put_four(image->bytes + 36, damage_four(image->bytes + 36) - 1);
}

static void harm_trunk_count(struct damage_image *image)
{
    damage_put_four(damage_page(image, harm_trunk(image)) + 4, 70000);
}

static void harm_free_beyond(struct damage_image *image)
{
    damage_put_four(damage_page(image, harm_trunk(image)) + 8, harm_last_page(image) + 5);
}

/* A page that is in nothing. */
static void harm_orphan(struct damage_image *image)
{
    damage_grow(image, 1);
}

static void harm_reserved(struct damage_image *image)
{
    image->bytes[20] = 8;
}

static void harm_valid_for(struct damage_image *image)
{
    damage_put_four(image->bytes + 92, damage_four(image->bytes + 92) - 1);
}

static void harm_cell(struct damage_image *image)
{
    damage_put_two(damage_page(image, damage_first_leaf(image, image->t)) + 8, 3);
}

static void harm_overflow_loop(struct damage_image *image)
{
    uint32_t last = harm_last_page(image);

    for (uint32_t page = 2; page <= last; page++) /* an overflow page: its successor, zeroes */
        if (damage_four(damage_page(image, page)) == page + 1 && !damage_page(image, page)[100]) {
            damage_put_four(damage_page(image, page), page);
            return;
        }
}

/* --- further pages that are named twice --------------------------------------------------- */

/* Where the n-th link of that kind stands, by the pages' order; fails the test if there is none. */
static unsigned char *harm_link(struct damage_image *image, enum pagelink_kind kind, int n)
{
    struct pagelinks links = {0};
    struct error ignored;
    unsigned char *found = NULL;

    for (uint32_t page = 1; page <= harm_last_page(image) && !found; page++) {
        unsigned char *bytes = damage_page(image, page);
        if (pagelink_list(bytes, page, image->page_size, PAGELINK_CHILD, &links, &ignored))
            continue;
        for (size_t i = 0; i < links.count && !found; i++)
            if (links.items[i].kind == kind && n-- == 0)
                found = bytes + links.items[i].at;
    }
    pagelink_free(&links);
    ck_assert_ptr_nonnull(found);
    return found;
}

/* The first leaf of the freelist. */
static unsigned char *harm_free_leaf(struct damage_image *image)
{
    return damage_page(image, harm_trunk(image)) + 8;
}

/* Two rows go on in the same overflow pages. */
static void harm_overflow_shared(struct damage_image *image)
{
    damage_put_four(harm_link(image, PAGELINK_FIRST, 1),
                    damage_four(harm_link(image, PAGELINK_FIRST, 0)));
}

static void harm_overflow_a_leaf(struct damage_image *image)
{
    damage_put_four(harm_link(image, PAGELINK_FIRST, 0), damage_first_leaf(image, image->u));
}

static void harm_overflow_free(struct damage_image *image)
{
    damage_put_four(harm_free_leaf(image), damage_four(harm_link(image, PAGELINK_FIRST, 0)));
}

static void harm_overflow_ends(struct damage_image *image)
{
    damage_put_four(damage_page(image, damage_four(harm_link(image, PAGELINK_FIRST, 0))), 0);
}

static void harm_child_a_root(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->u, 1), image->t);
}

static void harm_child_beyond(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->u, 1), harm_last_page(image) + 7);
}

static void harm_child_free(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->u, 1), damage_four(harm_free_leaf(image)));
}

static void harm_root_free(struct damage_image *image)
{
    damage_put_four(harm_free_leaf(image), image->u);
}

/* --- what the header and the schema say --------------------------------------------------- */

static void harm_trunk_live(struct damage_image *image)
{
    damage_put_four(image->bytes + 32, damage_first_leaf(image, image->t));
}

static void harm_trunk_next(struct damage_image *image)
{
    damage_put_four(damage_page(image, harm_trunk(image)), harm_last_page(image) + 1);
}

static void harm_no_free_count(struct damage_image *image)
{
    damage_put_four(image->bytes + 36, 0);
}

static void harm_no_trunk(struct damage_image *image)
{
    damage_put_four(image->bytes + 32, 0);
}

static void harm_all_free(struct damage_image *image)
{
    damage_put_four(image->bytes + 36, harm_last_page(image));
}

static void harm_size_less(struct damage_image *image)
{
    damage_put_four(image->bytes + 28, harm_last_page(image) - 3);
}

static void harm_size_more(struct damage_image *image)
{
    damage_put_four(image->bytes + 28, harm_last_page(image) + 5);
}

/* SQLite looks at no page beyond the size in the header. */
static void harm_longer(struct damage_image *image)
{
    damage_put_four(image->bytes + 28, damage_grow(image, 2) - 1);
}

static void harm_truncated(struct damage_image *image)
{
    image->size -= (size_t)5 * image->page_size;
}

static void harm_auto_vacuum(struct damage_image *image)
{
    damage_put_four(image->bytes + 52, image->t);
}

/* The number of u's root stands before its statement. */
static void harm_put_root(struct damage_image *image, uint32_t root)
{
    unsigned char *bytes = image->bytes;

    for (size_t i = 100; i + 20 < image->page_size; i++)
        if (!memcmp(bytes + i + 1, "CREATE TABLE u", 14))
            bytes[i] = (unsigned char)root;
}

static void harm_root_twice(struct damage_image *image)
{
    harm_put_root(image, image->t);
}

static void harm_root_a_leaf(struct damage_image *image)
{
    harm_put_root(image, damage_first_leaf(image, image->t));
}

static void harm_root_one(struct damage_image *image)
{
    harm_put_root(image, 1);
}

/* A whole number of one byte, and so a negative one. */
static void harm_root_negative(struct damage_image *image)
{
    harm_put_root(image, 0xFF);
}

const struct harm harms[] = {
    {"nothing", harm_nothing, STEPS_HARMLESS, true},
    {"crossed", harm_crossed, STEPS_BLIND, false},
    {"cycle", harm_cycle, STEPS_HARMLESS, false},
    {"free and live", harm_free_and_live, STEPS_NOTICE, false},
    {"free twice", harm_free_twice, STEPS_NOTICE, false},
    {"free loop", harm_free_loop, STEPS_NOTICE, false},
    {"free count", harm_free_count, STEPS_NOTICE, false},
    {"trunk count", harm_trunk_count, STEPS_NOTICE, false},
    {"free beyond", harm_free_beyond, STEPS_NOTICE, false},
    {"orphan", harm_orphan, STEPS_HARMLESS, false},
    {"root twice", harm_root_twice, STEPS_NOTICE, false},
    {"reserved", harm_reserved, STEPS_NOTICE, false},
    {"valid for", harm_valid_for, STEPS_NOTICE, false},
    {"cell", harm_cell, STEPS_HARMLESS, false},
    {"overflow loop", harm_overflow_loop, STEPS_BLIND, false},
    {"overflow shared", harm_overflow_shared, STEPS_BLIND, false},
    {"overflow a leaf", harm_overflow_a_leaf, STEPS_BLIND, false},
    {"overflow free", harm_overflow_free, STEPS_NOTICE, false},
    {"overflow ends", harm_overflow_ends, STEPS_HARMLESS, false},
    {"child a root", harm_child_a_root, STEPS_BLIND, false},
    {"child beyond", harm_child_beyond, STEPS_HARMLESS, false},
    {"child free", harm_child_free, STEPS_NOTICE, false},
    {"root free", harm_root_free, STEPS_NOTICE, false},
    {"trunk live", harm_trunk_live, STEPS_NOTICE, false},
    {"trunk beyond", harm_trunk_next, STEPS_NOTICE, false},
    {"no free count", harm_no_free_count, STEPS_NOTICE, false},
    {"no trunk", harm_no_trunk, STEPS_NOTICE, false},
    {"all free", harm_all_free, STEPS_NOTICE, false},
    {"size less", harm_size_less, STEPS_NOTICE, false},
    {"size more", harm_size_more, STEPS_NOTICE, false},
    {"longer", harm_longer, STEPS_HARMLESS, true},
    {"truncated", harm_truncated, STEPS_NOTICE, false},
    {"auto vacuum", harm_auto_vacuum, STEPS_NOTICE, false},
    {"root a leaf", harm_root_a_leaf, STEPS_BLIND, false},
    {"root one", harm_root_one, STEPS_NOTICE, false},
    {"root negative", harm_root_negative, STEPS_NOTICE, false},
};

const size_t harm_count = sizeof harms / sizeof *harms;

void harm_make(struct damage_image *image, const struct harm *harm, int page_size, const char *path)
{
    damage_base(image, page_size, 0);
    harm->harm(image);
    damage_write(image, path);
}

/* --- at random ---------------------------------------------------------------------------- */

/* A number that means something, or any. */
static uint32_t harm_number(struct damage_image *image, uint64_t *random)
{
    return randomdb_number(random, 4) ? (uint32_t)randomdb_number(random, harm_last_page(image) + 2)
                                      : (uint32_t)randomdb_number(random, INT64_C(1) << 32);
}

static uint32_t harm_some_page(struct damage_image *image, uint64_t *random)
{
    return 1 + (uint32_t)randomdb_number(random, harm_last_page(image));
}

static void harm_some_child(struct damage_image *image, uint64_t *random)
{
    uint32_t page = harm_some_page(image, random);

    for (int i = 0; i < 50 && damage_page(image, page)[0] != 2 && damage_page(image, page)[0] != 5;
         i++)
        page = harm_some_page(image, random);
    if (damage_page(image, page)[0] == 2 || damage_page(image, page)[0] == 5)
        damage_put_four(damage_child(image, page, (uint32_t)randomdb_number(random, 2)),
                        harm_number(image, random));
}

static void harm_some_trunk(struct damage_image *image, uint64_t *random)
{
    uint32_t trunk = harm_trunk(image);

    if (trunk > 0 && trunk <= harm_last_page(image))
        damage_put_four(damage_page(image, trunk) + 4 * randomdb_number(random, 20),
                        harm_number(image, random));
}

/* An overflow page's successor, a trunk's, or the head of a page of a b-tree. */
static void harm_some_begin(struct damage_image *image, uint64_t *random)
{
    damage_put_four(damage_page(image, harm_some_page(image, random)), harm_number(image, random));
}

static void harm_some_place(struct damage_image *image, uint64_t *random)
{
    damage_put_four(damage_page(image, harm_some_page(image, random)) +
                        randomdb_number(random, image->page_size - 4),
                    harm_number(image, random));
}

/* Sizes, freelist, versions. */
static void harm_some_field(struct damage_image *image, uint64_t *random)
{
    damage_put_four(image->bytes + 16 + 4 * randomdb_number(random, 20),
                    harm_number(image, random));
}

/* A page is another one's copy, and so names all that it names. */
static void harm_some_copy(struct damage_image *image, uint64_t *random)
{
    uint32_t from = harm_some_page(image, random), to = harm_some_page(image, random);

    if (from > 1 && to > 1)
        memmove(damage_page(image, to), damage_page(image, from), image->page_size);
}

/* At the end of a page or anywhere. */
static void harm_some_cut(struct damage_image *image, uint64_t *random)
{
    size_t size = image->size - image->page_size;

    if (randomdb_number(random, 3) == 0)
        image->size -= (size_t)randomdb_number(random, (int64_t)(size < 3000 ? size : 3000));
    else
        image->size -=
            (size_t)randomdb_number(random, 6) % (size / image->page_size + 1) * image->page_size;
}

static void harm_some_growth(struct damage_image *image, uint64_t *random)
{
    damage_grow(image, 1 + (uint32_t)randomdb_number(random, 3));
}

void harm_anything(struct damage_image *image, uint64_t *random)
{
    static void (*const deeds[])(struct damage_image *, uint64_t *) = {
        harm_some_child, harm_some_child, harm_some_trunk, harm_some_begin,  harm_some_place,
        harm_some_field, harm_some_copy,  harm_some_cut,   harm_some_growth,
    };

    deeds[randomdb_number(random, sizeof deeds / sizeof *deeds)](image, random);
}
