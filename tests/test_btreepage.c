/* One page of a b-tree: fields read as fileformat2.html says, and never a byte outside the page. */
#include "btreepage.h"
#include "lib_damage.h"
#include "lib_randomdb.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A page of 512 bytes with the header at `start` and its parts; the rest is zero. */
static unsigned char *page_of(size_t start, const char *header, size_t length)
{
    unsigned char *bytes = calloc(1, 512);

    memcpy(bytes + start, header, length);
    return bytes;
}

static const struct {
    const char *header;
    bool leaf, table;
    uint32_t pointers;
} kinds[] = {
    {"\x02\0\0\0\0\x02\0\0\0\0\0\x09", false, false, 12},
    {"\x05\0\0\0\0\x02\0\0\0\0\0\x09", false, true, 12},
    {"\x0A\0\0\0\0\x02\0\0\0\0\0\0", true, false, 8},
    {"\x0D\0\0\0\0\x02\0\0\0\0\0\0", true, true, 8},
};

START_TEST(test_kinds)
{
    for (uint32_t number = 1; number <= 2; number++) {
        uint32_t start = number == 1 ? 100 : 0, unused = 0;
        unsigned char *bytes = page_of(start, kinds[_i].header, 12);
        struct btreepage page;

        ck_assert_int_eq(btreepage_parse(bytes, number, 512, &page, NULL), STATUS_OK);
        ck_assert(page.leaf == kinds[_i].leaf && page.table == kinds[_i].table);
        ck_assert_uint_eq(page.pointers, start + kinds[_i].pointers);
        ck_assert_uint_eq(page.last_child, kinds[_i].leaf ? 0 : 9);
        ck_assert_uint_eq(btreepage_room(&page), 512 - page.pointers);
        ck_assert_int_eq(btreepage_unused(&page, &unused, NULL), STATUS_OK);
        ck_assert_uint_eq(unused, btreepage_room(&page)); /* it is empty */
        free(bytes);
    }
}
END_TEST

/* Types that don't exist. */
START_TEST(test_no_kind)
{
    struct btreepage page = {.number = 77};
    struct error error = {0};
    unsigned char *bytes = page_of(0, "\0\0\0\0\0\x02\0\0", 8);

    bytes[0] = (unsigned char)_i;
    enum status status = btreepage_parse(bytes, 3, 512, &page, &error);
    bool known = _i == 2 || _i == 5 || _i == 10 || _i == 13;
    ck_assert_int_eq(status, known ? STATUS_OK : STATUS_INVALID);
    ck_assert_uint_eq(page.number, known ? 3 : 77);
    free(bytes);
}
END_TEST

/* What stays on the page: fileformat2.html#cell_payload, worked out by hand. */
static const struct {
    uint32_t usable, payload, local, overflow_pages;
    bool table;
} payloads[] = {
    {4096, 0, 0, 0, true},          {4096, 4061, 4061, 0, true},   {4096, 4062, 489, 1, true},
    {4096, 5000, 908, 1, true},     {4096, 10000, 1816, 2, true},  {4096, 1002, 1002, 0, false},
    {4096, 1003, 489, 1, false},    {512, 477, 477, 0, true},      {512, 478, 39, 1, true},
    {512, 547, 39, 1, true},        {512, 548, 40, 1, true},       {512, 102, 102, 0, false},
    {512, 103, 39, 1, false},       {480, 445, 445, 0, true},      {480, 446, 35, 1, true},
    {65536, 65501, 65501, 0, true}, {65536, 65502, 8199, 1, true},
};

/* A varint of up to four bytes. */
static uint32_t put_varint(unsigned char *at, uint32_t value)
{
    uint32_t length = value < 1U << 7 ? 1 : value < 1U << 14 ? 2 : value < 1U << 21 ? 3 : 4;

    for (uint32_t i = 0; i < length; i++)
        at[i] =
            (unsigned char)((value >> 7 * (length - 1 - i) & 0x7F) | (i + 1 < length ? 0x80 : 0));
    return length;
}

START_TEST(test_payload)
{
    uint32_t usable = payloads[_i].usable, local = payloads[_i].local;
    unsigned char *bytes = calloc(1, usable);
    struct btreepage page;
    struct btreepage_cell cell = {0};
    bool overflows = payloads[_i].overflow_pages > 0;

    bytes[0] = payloads[_i].table ? 13 : 10;
    damage_put_two(bytes + 3, 1);
    damage_put_two(bytes + 5, 10);
    damage_put_two(bytes + 8, 10);
    uint32_t end = 10 + put_varint(bytes + 10, payloads[_i].payload);
    if (payloads[_i].table)
        end += put_varint(bytes + end, 300);
    ck_assert_uint_le(end + local + 4, usable + (overflows ? 0 : 4));
    if (overflows)
        damage_put_four(bytes + end + local, 4711);

    ck_assert_int_eq(btreepage_parse(bytes, 2, usable, &page, NULL), STATUS_OK);
    ck_assert_int_eq(btreepage_cell(&page, 0, &cell, NULL), STATUS_OK);
    ck_assert(cell.has_payload);
    ck_assert_int_eq(cell.rowid, payloads[_i].table ? 300 : 0);
    ck_assert_uint_eq(cell.payload, payloads[_i].payload);
    ck_assert_uint_eq(cell.local, local);
    ck_assert_uint_eq(cell.local_at, end);
    ck_assert_uint_eq(cell.overflow, overflows ? 4711 : 0);
    ck_assert_uint_eq(cell.overflow_pages, payloads[_i].overflow_pages);
    uint32_t length = end - 10 + local + (overflows ? 4 : 0);
    ck_assert_uint_eq(cell.length, length < 4 ? 4 : length);
    free(bytes);
}
END_TEST

/* An interior page of a table with two cells: children 7, 8 and, at last, 9. */
START_TEST(test_children)
{
    unsigned char *bytes = page_of(0, "\x05\0\0\0\x02\x01\xF6\0\0\0\0\x09\x01\xF6\x01\xFB", 16);
    struct btreepage page;
    struct btreepage_cell cell;

    memcpy(bytes + 502, "\0\0\0\x07\x05\0\0\0\x08\x0A", 10);
    ck_assert_int_eq(btreepage_parse(bytes, 2, 512, &page, NULL), STATUS_OK);
    for (uint32_t i = 0; i <= 2; i++) {
        uint32_t child = 0;
        ck_assert_int_eq(btreepage_child(&page, i, &child, NULL), STATUS_OK);
        ck_assert_uint_eq(child, 7 + i);
    }
    ck_assert_int_eq(btreepage_cell(&page, 1, &cell, NULL), STATUS_OK);
    ck_assert_int_eq(cell.rowid, 10);
    ck_assert_uint_eq(cell.child, 8);
    ck_assert_uint_eq(cell.length, 5);
    ck_assert(!cell.has_payload);
    free(bytes);
}
END_TEST

/* The rowid's varint of nine bytes. */
START_TEST(test_rowid)
{
    unsigned char *bytes = page_of(0, "\x0D\0\0\0\x01\x01\xF0\0\x01\xF0", 10);
    struct btreepage page;
    struct btreepage_cell cell;

    memcpy(bytes + 0x1F0, "\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", 10);
    ck_assert_int_eq(btreepage_parse(bytes, 2, 512, &page, NULL), STATUS_OK);
    ck_assert_int_eq(btreepage_cell(&page, 0, &cell, NULL), STATUS_OK);
    ck_assert_int_eq(cell.rowid, -2);
    free(bytes);
}
END_TEST

/* Free bytes: gap, blocks and fragments; and blocks that can't be. */
static const struct {
    const char *page; /* its first bytes; free blocks are at 400 and 450 */
    uint32_t second;  /* where the first block says that the next one is */
    uint32_t size;    /* of the second block */
    int64_t unused;   /* -1: invalid */
} blocks[] = {
    {"\x0D\0\0\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 0, 0, 300 - 12 + 3},
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 0, 0, 300 - 12 + 3 + 20},
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 450, 12, 300 - 12 + 3 + 20 + 12},
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 450, 62, 300 - 12 + 3 + 20 + 62},
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 450, 63, -1}, /* beyond the page */
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 450, 3, -1},  /* too small */
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 400, 20, -1}, /* a loop */
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 410, 20, -1}, /* overlap */
    {"\x0D\x01\x90\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 509, 20, -1}, /* no room for its header */
    {"\x0D\x00\x10\0\x02\x01\x2C\x03\x01\x2C\x01\x36", 0, 0, -1},    /* before the content */
};

START_TEST(test_unused)
{
    unsigned char *bytes = page_of(0, blocks[_i].page, 12);
    struct btreepage page;
    uint32_t unused = 4711;

    damage_put_two(bytes + 402, 20);
    damage_put_two(bytes + 450 + 2, blocks[_i].size);
    damage_put_two(bytes + 400, blocks[_i].second);
    ck_assert_int_eq(btreepage_parse(bytes, 2, 512, &page, NULL), STATUS_OK);
    enum status status = btreepage_unused(&page, &unused, NULL);
    ck_assert_int_eq(status, blocks[_i].unused < 0 ? STATUS_INVALID : STATUS_OK);
    ck_assert_uint_eq(unused, blocks[_i].unused < 0 ? 4711 : (uint32_t)blocks[_i].unused);
    free(bytes);
}
END_TEST

/* An empty page of 65536 bytes has its content at 65536, written as 0. */
START_TEST(test_largest)
{
    unsigned char *bytes = calloc(1, 65536);
    struct btreepage page;
    uint32_t unused;

    bytes[0] = 13;
    ck_assert_int_eq(btreepage_parse(bytes, 2, 65536, &page, NULL), STATUS_OK);
    ck_assert_uint_eq(page.content, 65536);
    ck_assert_int_eq(btreepage_unused(&page, &unused, NULL), STATUS_OK);
    ck_assert_uint_eq(unused, 65528);
    ck_assert_int_eq(btreepage_parse(bytes, 2, 65504, &page, NULL), STATUS_INVALID);
    free(bytes);
}
END_TEST

static void use_all(const struct btreepage *page)
{
    struct btreepage_cell cell = {0};
    uint32_t number = 0, unused = 0;

    for (uint32_t i = 0; i < page->cells; i++)
        if (!btreepage_cell(page, i, &cell, NULL))
            ck_assert_uint_le(cell.at + cell.length, page->usable);
    for (uint32_t i = 0; i <= page->cells && !page->leaf; i++)
        (void)!btreepage_child(page, i, &number, NULL);
    if (!btreepage_unused(page, &unused, NULL))
        ck_assert_uint_le(unused, btreepage_room(page));
}

/* Any bytes: the sanitizers see to it that nothing outside the page is read. */
START_TEST(test_random)
{
    uint64_t random = randomdb_seed("random pages");
    int parsed = 0;

    for (int i = 0; i < 20000; i++) {
        uint32_t size = 512U << randomdb_number(&random, 4);
        uint32_t usable = size - (uint32_t)randomdb_number(&random, 33);
        uint32_t number = 1 + (uint32_t)randomdb_number(&random, 2);
        unsigned char *bytes = malloc(usable), *header = bytes + (number == 1 ? 100 : 0);
        struct btreepage page;
        for (uint32_t k = 0; k < usable; k++)
            bytes[k] = (unsigned char)randomdb_number(&random, 256);
        header[0] = (unsigned char)kinds[randomdb_number(&random, 4)].header[0];
        damage_put_two(header + 3, (uint32_t)randomdb_number(&random, 40));
        damage_put_two(header + 5, (uint32_t)randomdb_number(&random, (int64_t)size + 8));
        if (!btreepage_parse(bytes, number, usable, &page, NULL)) {
            parsed++;
            use_all(&page);
        }
        free(bytes);
    }
    ck_assert_int_gt(parsed, 10000);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("btreepage");
    TCase *all = tcase_create("btreepage");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, test_kinds, 0, COUNT(kinds));
    tcase_add_loop_test(all, test_no_kind, 0, 256);
    tcase_add_loop_test(all, test_payload, 0, COUNT(payloads));
    tcase_add_test(all, test_children);
    tcase_add_test(all, test_rowid);
    tcase_add_loop_test(all, test_unused, 0, COUNT(blocks));
    tcase_add_test(all, test_largest);
    tcase_add_test(all, test_random);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
