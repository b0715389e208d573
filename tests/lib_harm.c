/* Each harm is a few bytes of a sound file, put where they mean something. */
#include "lib_harm.h"

#include "lib_randomdb.h"

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

/* u's row of the schema has the root of t: its number stands before its statement. */
static void harm_root_twice(struct damage_image *image)
{
    unsigned char *bytes = image->bytes;

    for (size_t i = 100; i + 20 < image->page_size; i++)
        if (!memcmp(bytes + i + 1, "CREATE TABLE u", 14))
            bytes[i] = (unsigned char)image->t;
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
    {"overflow loop", harm_overflow_loop, STEPS_HARMLESS, false},
};

const size_t harm_count = sizeof harms / sizeof *harms;

void harm_make(struct damage_image *image, const struct harm *harm, int page_size, const char *path)
{
    damage_base(image, page_size, 0);
    harm->harm(image);
    damage_write(image, path);
}

/* A number that means something, or any, somewhere in a page of some kind. */
void harm_anything(struct damage_image *image, uint64_t *random)
{
    uint32_t page = 1 + (uint32_t)randomdb_number(random, harm_last_page(image));
    uint32_t value = randomdb_number(random, 4)
                         ? (uint32_t)randomdb_number(random, harm_last_page(image) + 2)
                         : (uint32_t)randomdb_number(random, INT64_C(1) << 32);
    unsigned char *bytes = damage_page(image, page);
    int64_t deed = randomdb_number(random, 4);

    if (deed == 0 && (bytes[0] == 2 || bytes[0] == 5))
        damage_put_four(damage_child(image, page, (uint32_t)randomdb_number(random, 2)), value);
    else if (deed == 1)
        damage_put_four(damage_page(image, harm_trunk(image)) + 4 * randomdb_number(random, 20),
                        value);
    else if (deed == 2)
        damage_put_four(bytes, value);
    else
        damage_put_four(bytes + randomdb_number(random, image->page_size - 4), value);
}
