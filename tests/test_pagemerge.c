/*
 * The merging of two leaves, on bytes alone: real pages, of which every pair that fits must keep
 * all cells in their order, and the same pages with anything in them, which it must refuse or bear.
 * SEED and ROUNDS as everywhere.
 */
#include "pagemerge.h"

#include "btreepage.h"
#include "lib_randomdb.h"
#include "lib_sql.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 512, ROUNDS = 20000, HARMS_MOST = 6 };

/* Leaves half empty, in b-trees of both kinds. */
static const char tables[] =
    "PRAGMA page_size = 512; CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE INDEX i ON t(v);"
    "WITH n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 3000)"
    " INSERT INTO t SELECT k, hex(k * 7919 % 104729) || zeroblob(k % 40 + (k % 50 = 0) * 900)"
    " FROM n; DELETE FROM t WHERE id % 5 < 3";

static struct {
    unsigned char *bytes;
    uint32_t pages;
} image;

static void make_image(void)
{
    sqlite3 *db = NULL;
    sqlite3_int64 size = 0;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, tables, NULL, NULL, NULL), SQLITE_OK);
    image.bytes = sqlite3_serialize(db, "main", &size, 0);
    image.pages = (uint32_t)(size / PAGE);
    ck_assert_ptr_nonnull(image.bytes);
    sqlite3_close(db);
}

static const unsigned char *page_at(uint32_t number)
{
    return image.bytes + (size_t)(number - 1) * PAGE;
}

/* --- pairs -------------------------------------------------------------------------------- */

static bool parse(uint32_t number, struct btreepage *page)
{
    struct error error;

    return number > 1 && number <= image.pages &&
           btreepage_parse(page_at(number), number, PAGE, page, &error) == STATUS_OK;
}

/* The pair of that place under that page, if both are leaves. */
static bool pair_at(uint32_t parent, uint32_t child, struct pagemerge *merge)
{
    struct btreepage page, left, right;
    uint32_t a = 0, b = 0;
    struct error error;

    if (!parse(parent, &page) || page.leaf || child >= page.cells ||
        btreepage_child(&page, child, &a, &error) || btreepage_child(&page, child + 1, &b, &error))
        return false;
    *merge = (struct pagemerge){.parent = {page_at(parent), parent},
                                .child = child,
                                .left = {page_at(a), a},
                                .right = {page_at(b), b},
                                .usable = PAGE};
    return parse(a, &left) && parse(b, &right) && left.leaf && right.leaf;
}

/* --- what became of them ------------------------------------------------------------------ */

/* All cells of a page from one on, less the child's number where there is one. */
static size_t gather(const struct btreepage *page, uint32_t from, uint32_t to, unsigned char *into)
{
    struct btreepage_cell cell;
    struct error error;
    size_t length = 0;

    for (uint32_t i = from; i < to; i++) {
        uint32_t child = page->leaf ? 0 : 4;
        ck_assert_int_eq(btreepage_cell(page, i, &cell, &error), STATUS_OK);
        memcpy(into + length, page->bytes + cell.at + child, cell.length - child);
        length += cell.length - child;
    }
    return length;
}

static void check_merged(const struct pagemerge *merge, const unsigned char *parent,
                         const unsigned char *leaf)
{
    struct btreepage p, a, b, new_p, new_a;
    unsigned char before[4 * PAGE], after[4 * PAGE];
    struct error error;
    uint32_t child = 0;

    ck_assert(parse(merge->parent.number, &p) && parse(merge->left.number, &a) &&
              parse(merge->right.number, &b));
    ck_assert_int_eq(btreepage_parse(parent, p.number, PAGE, &new_p, &error), STATUS_OK);
    ck_assert_int_eq(btreepage_parse(leaf, a.number, PAGE, &new_a, &error), STATUS_OK);
    ck_assert_uint_eq(new_p.cells, p.cells - 1);
    ck_assert_uint_ge(new_p.cells, 1);
    ck_assert_uint_eq(new_a.cells, a.cells + b.cells + !p.table);
    size_t length = gather(&a, 0, a.cells, before);
    length += p.table ? 0 : gather(&p, merge->child, merge->child + 1, before + length);
    length += gather(&b, 0, b.cells, before + length);
    ck_assert_uint_eq(gather(&new_a, 0, new_a.cells, after), length);
    ck_assert(!memcmp(before, after, length));
    length = gather(&p, 0, merge->child, before);
    length += gather(&p, merge->child + 1, p.cells, before + length);
    ck_assert_uint_eq(gather(&new_p, 0, new_p.cells, after), length);
    ck_assert(!memcmp(before, after, length));
    for (uint32_t i = 0; i <= new_p.cells; i++) {
        uint32_t was = 0;
        ck_assert_int_eq(btreepage_child(&new_p, i, &child, &error), STATUS_OK);
        ck_assert_int_eq(btreepage_child(&p, i + (i > merge->child), &was, &error), STATUS_OK);
        ck_assert_uint_eq(child, was);
    }
}

START_TEST(every_pair)
{
    unsigned char parent[PAGE], leaf[PAGE];
    struct pagemerge merge;
    struct error error;
    int pairs = 0, merged = 0;
    bool fits = false;

    make_image();
    for (uint32_t page = 2; page <= image.pages; page++)
        for (uint32_t child = 0; pair_at(page, child, &merge); child++) {
            ck_assert_int_eq(pagemerge(&merge, parent, leaf, &fits, &error), STATUS_OK);
            pairs++;
            merged += fits;
            if (fits)
                check_merged(&merge, parent, leaf);
        }
    printf("pagemerge: %d pairs, %d fit\n", pairs, merged);
    ck_assert_int_gt(merged, 50);
    ck_assert_int_gt(pairs, merged);
    sqlite3_free(image.bytes);
}
END_TEST

/* --- anything ----------------------------------------------------------------------------- */

static void harm(unsigned char pages[3][PAGE], uint64_t *random)
{
    for (int64_t i = 1 + randomdb_number(random, HARMS_MOST); i > 0; i--) {
        int64_t at = randomdb_number(random, 2) ? PAGE : 40; /* anywhere, or in the header */
        pages[randomdb_number(random, 3)][randomdb_number(random, at)] =
            (unsigned char)randomdb_number(random, 256);
    }
}

START_TEST(anything)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS, invalid = 0, fit = 0;
    uint64_t random = randomdb_seed("pagemerge");
    unsigned char pages[3][PAGE], parent[PAGE], leaf[PAGE];
    struct pagemerge merge;
    struct error error;

    make_image();
    for (int round = 0; round < rounds;) {
        uint32_t number = (uint32_t)(2 + randomdb_number(&random, image.pages - 1));
        if (!pair_at(number, (uint32_t)randomdb_number(&random, 8), &merge))
            continue;
        struct pagemerge_page *all[] = {&merge.parent, &merge.left, &merge.right};
        for (int i = 0; i < 3; i++) {
            memcpy(pages[i], all[i]->bytes, PAGE);
            all[i]->bytes = pages[i];
        }
        harm(pages, &random);
        bool fits = false;
        enum status status = pagemerge(&merge, parent, leaf, &fits, &error);
        ck_assert(status == STATUS_OK || (status == STATUS_INVALID && !fits));
        invalid += status == STATUS_INVALID;
        fit += status == STATUS_OK && fits;
        round++;
    }
    printf("pagemerge: %d harmed pairs, %d refused, %d fit\n", rounds, invalid, fit);
    ck_assert_int_gt(invalid, rounds / 20);
    sqlite3_free(image.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pagemerge");
    TCase *some = tcase_create("pagemerge");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(some, every_pair);
    tcase_add_test(some, anything);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
