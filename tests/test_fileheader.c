/* The pages that hold no data; what the header's other fields may be is in test_damage.c. */
#include "fileheader.h"
#include "lib_damage.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void header_of(uint32_t page_size, unsigned char reserved, bool auto_vacuum,
                      struct fileheader *header)
{
    unsigned char bytes[FILEHEADER_SIZE] = "SQLite format 3";

    damage_put_two(bytes + 16, page_size == 65536 ? 1 : page_size);
    memcpy(bytes + 18, "\2\2", 2);
    bytes[20] = reserved;
    memcpy(bytes + 21, "\100\040\040", 3);
    damage_put_four(bytes + 24, 11);
    damage_put_four(bytes + 28, 12);
    damage_put_four(bytes + 32, 13);
    damage_put_four(bytes + 36, 14);
    damage_put_four(bytes + 40, 15);
    damage_put_four(bytes + 52, auto_vacuum ? 16 : 0);
    damage_put_four(bytes + 92, 17);
    damage_put_four(bytes + 96, 3040001);
    ck_assert_int_eq(fileheader_parse(bytes, header, NULL), STATUS_OK);
}

START_TEST(test_fields)
{
    struct fileheader header;

    header_of(65536, 32, true, &header);
    ck_assert_uint_eq(header.page_size, 65536);
    ck_assert_uint_eq(header.usable, 65504);
    ck_assert_uint_eq(header.changes, 11);
    ck_assert_uint_eq(header.pages, 12);
    ck_assert_uint_eq(header.freelist, 13);
    ck_assert_uint_eq(header.free_pages, 14);
    ck_assert_uint_eq(header.schema, 15);
    ck_assert_uint_eq(header.largest_root, 16);
    ck_assert(!header.incremental);
    ck_assert_uint_eq(header.valid_for, 17);
    ck_assert_uint_eq(header.writer, 3040001);
}
END_TEST

/* With pages of 1024 bytes a pointer-map page would fall on the lock page, 1048577. */
static const struct {
    uint32_t page_size;
    unsigned char reserved;
    uint32_t page;
    bool map;
} maps[] = {
    {4096, 0, 1, false},       {4096, 0, 2, true},
    {4096, 0, 3, false},       {4096, 0, 821, false},
    {4096, 0, 822, true},      {4096, 0, 823, false},
    {4096, 6, 821, true},      {512, 0, 105, true},
    {512, 32, 99, true},       {1024, 0, 1048576, false},
    {1024, 0, 1048577, false}, {1024, 0, 1048578, true},
    {1024, 0, 1048579, false}, {1024, 0, 1048577 + 205, true},
};

START_TEST(test_pointer_maps)
{
    struct fileheader header;

    header_of(maps[_i].page_size, maps[_i].reserved, true, &header);
    ck_assert(fileheader_pointer_map(&header, maps[_i].page) == maps[_i].map);
    header_of(maps[_i].page_size, maps[_i].reserved, false, &header);
    ck_assert(!fileheader_pointer_map(&header, maps[_i].page));
}
END_TEST

START_TEST(test_special_pages)
{
    static const uint32_t sizes[] = {512, 1024, 4096, 65536};
    struct fileheader header;

    header_of(sizes[_i], 0, true, &header);
    uint32_t lock = fileheader_lock_page(&header), special = 0;
    ck_assert_uint_eq(lock, 1073741824 / sizes[_i] + 1);
    for (uint32_t page = 1; page < lock + 5000; page++) {
        special += page == lock || fileheader_pointer_map(&header, page);
        if (page != lock && (page < 5000 || page > lock - 5000))
            ck_assert_uint_eq(fileheader_special_pages(&header, page), special);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fileheader");
    TCase *all = tcase_create("fileheader");

    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_fields);
    tcase_add_loop_test(all, test_pointer_maps, 0, sizeof maps / sizeof *maps);
    tcase_add_loop_test(all, test_special_pages, 0, 4);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
