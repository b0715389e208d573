/*
 * Files that lie: the page walker neither crashes nor hangs nor takes more than 256 MiB, and says
 * what is wrong. By hand each kind of lie once; at random: test_damage_random.c.
 */
#include "lib_damage.h"
#include "lib_randomdb.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void nothing(struct damage_image *image)
{
    (void)image;
}

static void interior_cycle(struct damage_image *image)
{
    uint32_t child = damage_four(damage_child(image, image->t, 1));
    damage_put_four(damage_child(image, child, 1), image->t);
}

static void self_child(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->t, 0), image->t);
}

static void shared_page(struct damage_image *image)
{
    memcpy(damage_child(image, image->u, 0), damage_child(image, image->t, 0), 4);
}

static void leaf_twice(struct damage_image *image)
{
    uint32_t child = damage_four(damage_child(image, image->t, 0));
    memcpy(damage_child(image, child, 1), damage_child(image, child, 2), 4);
}

static void index_in_table(struct damage_image *image)
{
    memcpy(damage_child(image, image->t, 1), damage_child(image, image->t_a, 0), 4);
}

static unsigned char *trunk(struct damage_image *image)
{
    return damage_page(image, damage_four(image->bytes + 32));
}

static void freelist_loop(struct damage_image *image)
{
    memcpy(trunk(image), image->bytes + 32, 4);
}

static void freelist_long_trunk(struct damage_image *image)
{
    damage_put_four(trunk(image) + 4, 0x7FFFFFFF);
}

static void freelist_outside(struct damage_image *image)
{
    damage_put_four(trunk(image) + 8, 0xFFFFFFF0);
}

static void freelist_head_outside(struct damage_image *image)
{
    damage_put_four(image->bytes + 32, 0x12345678);
}

static void freelist_live_page(struct damage_image *image)
{
    damage_put_four(trunk(image) + 8, damage_first_leaf(image, image->t));
}

static void freelist_count(struct damage_image *image)
{
    damage_put_four(image->bytes + 36, damage_four(image->bytes + 36) - 1);
}

static void freelist_count_huge(struct damage_image *image)
{
    damage_put_four(image->bytes + 36, 0xFFFFFFFF);
}

static unsigned char *first_leaf(struct damage_image *image)
{
    return damage_page(image, damage_first_leaf(image, image->t));
}

static void pointer_outside(struct damage_image *image)
{
    damage_put_two(first_leaf(image) + 8, 0xFFFF);
}

static void pointer_into_header(struct damage_image *image)
{
    damage_put_two(first_leaf(image) + 8, 3);
}

static void interior_pointer_outside(struct damage_image *image)
{
    damage_put_two(damage_page(image, image->t) + 12, image->page_size - 2);
}

static unsigned char *first_cell(struct damage_image *image)
{
    unsigned char *leaf = first_leaf(image);
    return leaf + damage_two(leaf + 8);
}

static void endless_varint(struct damage_image *image)
{
    memset(first_cell(image), 0xFF, 9);
}

static void payload_huge(struct damage_image *image)
{
    unsigned char *leaf = first_leaf(image);
    memcpy(leaf + damage_two(leaf + 5), "\x87\xFF\x99\x07\x01", 5); /* 16,764,039 bytes */
}

static void cells_too_many(struct damage_image *image)
{
    damage_put_two(first_leaf(image) + 3, 0x7FFF);
}

static void free_block_loop(struct damage_image *image)
{
    unsigned char *leaf = first_leaf(image);
    uint32_t at = damage_two(leaf + 5);
    damage_put_two(leaf + 1, at);
    damage_put_two(leaf + at, at);
    damage_put_two(leaf + at + 2, 4);
}

static void child_zero(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->t, 1), 0);
}

static void child_outside(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->t, 1), (uint32_t)(image->size / 512) + 1);
}

/* 25 interior pages without a cell, each with the next one as its only child. */
static void too_deep(struct damage_image *image)
{
    uint32_t first = damage_grow(image, 25), page = image->t;

    for (uint32_t i = 0; i < 25; i++, page = first + i - 1) {
        unsigned char *bytes = damage_page(image, page);
        memset(bytes, 0, 12);
        bytes[0] = 5;
        damage_put_two(bytes + 5, image->page_size);
        damage_put_four(bytes + 8, first + i);
    }
    memcpy(damage_page(image, first + 24), "\x0D\0\0\0\0\x02\0\0", 8);
}

static void leaf_too_high(struct damage_image *image)
{
    uint32_t leaf = damage_grow(image, 1);

    memcpy(damage_page(image, leaf), "\x0D\0\0\0\0\x02\0\0", 8);
    damage_put_four(damage_child(image, image->t, 1), leaf);
}

static void no_btree_page(struct damage_image *image)
{
    damage_page(image, image->t)[0] = 0x77;
}

static void root_of_other_type(struct damage_image *image)
{
    unsigned char *root = damage_page(image, image->t_a);

    memset(root, 0, 12);
    root[0] = 13;
    damage_put_two(root + 5, image->page_size);
}

static void page_one_wrong(struct damage_image *image)
{
    image->bytes[100] = 10;
}

static void cut_in_half(struct damage_image *image)
{
    image->size = image->size / 2 / image->page_size * image->page_size;
}

static void cut_inside_page(struct damage_image *image)
{
    image->size -= image->page_size / 2;
}

static void no_length(struct damage_image *image)
{
    image->size = 0;
}

static void pages_huge(struct damage_image *image)
{
    damage_put_four(image->bytes + 28, 0xFFFFFFFE);
}

static void reserved_most(struct damage_image *image)
{
    image->bytes[20] = 255;
}

static void page_size_wrong(struct damage_image *image)
{
    damage_put_two(image->bytes + 16, 1000);
}

static void magic_wrong(struct damage_image *image)
{
    image->bytes[3] = 'X';
}

static void version_wrong(struct damage_image *image)
{
    image->bytes[19] = 9;
}

static void fractions_wrong(struct damage_image *image)
{
    image->bytes[21] = 63;
}

static const struct {
    void (*damage)(struct damage_image *image);
    const char *said;
} cases[] = {
    {nothing, "ok: \n"},
    {interior_cycle, "t: page 2 is in it twice"},
    {self_child, "t: page 2 is in it twice"},
    {shared_page, "u: page"},
    {leaf_twice, "t: page"},
    {index_in_table, "is an index's, in a table"},
    {freelist_loop, "freelist: page"},
    {freelist_long_trunk, "counts 2147483647 pages, more than it can name"},
    {freelist_outside, "freelist: it names page 4294967280, but the file has"},
    {freelist_head_outside, "freelist: it names page 305419896, but the file has"},
    {freelist_live_page, "is in it twice, or in something else as well"},
    {freelist_count, "pages, but the header counts"},
    {freelist_count_huge, "freelist: the header counts 4294967295 free pages"},
    {pointer_outside, "cell 0 begins at byte 65535, outside the page's content"},
    {pointer_into_header, "cell 0 begins at byte 3, outside the page's content"},
    {interior_pointer_outside, "cell 0 begins at byte 510, outside the page's content"},
    {endless_varint, "cell 0 does not end on the page"},
    {payload_huge, "needs 33000 overflow pages"},
    {cells_too_many, "has 32767 cells"},
    {free_block_loop, "is out of order or outside the content"},
    {child_zero, "t: it names page 0, but the file has"},
    {child_outside, "t: it names page"},
    {too_deep, "t: it is deeper than 20 levels"},
    {leaf_too_high, "lies higher than others"},
    {no_btree_page, "t: page 2 is no page of a b-tree (type 119)"},
    {root_of_other_type, "t_a: page 4 is a table's, in an index"},
    {page_one_wrong, "refused: "},
    {cut_in_half, "refused: its header counts"},
    {cut_inside_page, "ok"},
    {no_length, "ok: \n"},
    {pages_huge, "refused: its header counts 4294967294 pages of 512 bytes, but the file has"},
    {reserved_most, "refused: its header reserves 255 bytes of each page of 512 bytes"},
    {page_size_wrong, "refused: its header has a page size of 1000"},
    {magic_wrong, "refused: it does not begin as a SQLite database does"},
    {version_wrong, "refused: its header asks for version 9 of the format"},
    {fractions_wrong, "refused: its header's payload fractions are not 64, 32, 32"},
};

START_TEST(test_by_hand)
{
    struct damage_image base, image;

    damage_base(&base, 512, 0);
    damage_copy(&image, &base);
    cases[_i].damage(&image);
    damage_write(&image, randomdb_path("damaged"));
    const char *said = damage_look(randomdb_path("damaged"), 60000);
    ck_assert_msg(strstr(said, cases[_i].said), "case %d: \"%s\" is not in:\n%s", _i,
                  cases[_i].said, said);
    damage_free(&image);
    damage_free(&base);
    randomdb_clean();
}
END_TEST

START_TEST(test_pointer_map)
{
    struct damage_image image;

    damage_base(&image, 512, 1);
    damage_put_four(damage_child(&image, image.t, 1), 2);
    damage_write(&image, randomdb_path("damaged"));
    const char *said = damage_look(randomdb_path("damaged"), 60000);
    ck_assert_msg(strstr(said, "t: it names page 2, a pointer-map page"), "%s", said);
    damage_free(&image);
    randomdb_clean();
}
END_TEST

/* A schema that lies, made with SQLite's own writable_schema. */
static const struct {
    const char *sql, *said;
} schemas[] = {
    {"UPDATE sqlite_schema SET rootpage = 0 WHERE name = 'u'", "u: its root page is 0"},
    {"UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'u'", "u: page 2 is in it twice"},
    {"UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'u'", "refused: "},
    {"UPDATE sqlite_schema SET rootpage = 99999999 WHERE name = 'u'", "refused: "},
    {"UPDATE sqlite_schema SET rootpage = -7 WHERE name = 'u'", "invalid rootpage"},
    {"UPDATE sqlite_schema SET rootpage = 'two' WHERE name = 'u'", "invalid rootpage"},
    {"UPDATE sqlite_schema SET sql = 'CREATE TABLE u(' WHERE name = 'u'",
     "refused: SQLite can't read it: malformed database schema (u)"},
    {"UPDATE sqlite_schema SET type = x'00FF' WHERE name = 'u'", ""},
};

START_TEST(test_schema)
{
    struct damage_image image;

    damage_base(&image, 512, 0);
    damage_write(&image, randomdb_path("damaged"));
    sqlite3 *db = randomdb_open(randomdb_path("damaged"));
    randomdb_sql(db, "PRAGMA writable_schema = ON");
    randomdb_sql(db, schemas[_i].sql);
    sqlite3_close(db);
    const char *said = damage_look(randomdb_path("damaged"), 60000);
    ck_assert_msg(strstr(said, schemas[_i].said) && !strstr(said, "killed"),
                  "case %d: \"%s\" is not in:\n%s", _i, schemas[_i].said, said);
    damage_free(&image);
    randomdb_clean();
}
END_TEST

/* Sparse files whose header claims what they could be: 2^31 pages of 512 bytes are too many. */
static const struct {
    int power;
    const char *said;
} sparse[] = {{31, "can be kept track of"}, {30, "ok"}};

START_TEST(test_sparse)
{
    struct damage_image image;

    damage_base(&image, 512, 0);
    damage_put_four(image.bytes + 28, (uint32_t)1 << sparse[_i].power);
    damage_write(&image, randomdb_path("damaged"));
    if (truncate(randomdb_path("damaged"), (off_t)512 << sparse[_i].power) == 0) {
        const char *said = damage_look(randomdb_path("damaged"), 60000);
        ck_assert_msg(strstr(said, sparse[_i].said), "%s", said);
    }
    damage_free(&image);
    randomdb_clean();
}
END_TEST

/* Frames that belong to another generation of the log than the wal-index says. */
START_TEST(test_foreign_frames)
{
    uint64_t random = randomdb_seed("foreign frames");
    const struct randomdb_kind kind = {.page_size = 512, .journal = "wal", .rows = 100};
    static char said[65536];
    char path[600];

    sqlite3 *db = randomdb_make(randomdb_path("live"), &kind, &random);
    snprintf(path, sizeof path, "%s-wal", randomdb_path("live"));
    int descriptor = open(path, O_RDWR);
    for (off_t at = 32; at < lseek(descriptor, 0, SEEK_END); at += 24 + 512)
        ck_assert_int_eq(pwrite(descriptor, "\xA5\xA5", 2, at + 8), 2);
    damage_look_here(randomdb_path("live"), 60000, said, sizeof said);
    ck_assert_msg(strstr(said, "of the log does not hold page 1"), "%s", said);
    close(descriptor);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *all = tcase_create("damage");

    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, test_by_hand, 0, sizeof cases / sizeof *cases);
    tcase_add_test(all, test_pointer_map);
    tcase_add_loop_test(all, test_schema, 0, sizeof schemas / sizeof *schemas);
    tcase_add_loop_test(all, test_sparse, 0, sizeof sparse / sizeof *sparse);
    tcase_add_test(all, test_foreign_frames);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
