/* Each deed is something that a disk, or a program with a fault, might do to a file. */
#include "lib_harm.h"

#include "lib_randomdb.h"

#include <string.h>

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
