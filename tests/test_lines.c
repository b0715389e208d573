/* Lines cut from any pieces, by a model; and what is too long. */
#include "lines.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES_LIMIT = 100, LINES_ROUNDS = 2000, LINES_STREAM = 4096 };

/* Feeds a random stream in random pieces; what comes out, joined by newlines, is what went in, up
 * to the first line that is too long. */
static void lines_round(unsigned *seed)
{
    char in[LINES_STREAM], out[LINES_STREAM + 1], *line;
    size_t length = 0, expected = 0, fed = 0, start = 0, size;
    struct lines lines;
    bool over = false;

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = rand_r(seed) % 40 ? (char)rand_r(seed) : '\n';
    for (size_t i = 0; i < sizeof in && i - start <= LINES_LIMIT; i++)
        if (in[i] == '\n')
            expected = start = i + 1;
    lines_init(&lines, LINES_LIMIT);
    while (fed < sizeof in && !over) {
        size_t piece = (size_t)rand_r(seed) % 300;
        enum lines_found found;
        piece = piece < sizeof in - fed ? piece : sizeof in - fed;
        lines_add(&lines, in + fed, piece);
        fed += piece;
        while ((found = lines_next(&lines, &line, &size)) == LINES_ONE) {
            ck_assert_uint_le(size, LINES_LIMIT);
            memcpy(out + length, line, size);
            length += size;
            out[length++] = '\n';
        }
        over = found == LINES_TOO_LONG;
    }
    ck_assert_uint_eq(length, expected);
    ck_assert_int_eq(memcmp(in, out, length), 0);
    if (!over)
        ck_assert_uint_eq(lines_left(&lines), sizeof in - expected);
    lines_free(&lines);
}

START_TEST(lines_are_cut)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    printf("lines_are_cut: SEED=%u\n", seed);
    for (int i = 0; i < LINES_ROUNDS; i++)
        lines_round(&seed);
}
END_TEST

START_TEST(lines_have_a_limit)
{
    char bytes[LINES_LIMIT + 2], *line;
    struct lines lines;
    size_t size;

    memset(bytes, 'x', sizeof bytes);
    lines_init(&lines, LINES_LIMIT);
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_NONE);
    lines_add(&lines, bytes, LINES_LIMIT);
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_NONE);
    lines_add(&lines, "\n", 1);
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_ONE);
    ck_assert_uint_eq(size, LINES_LIMIT);
    lines_add(&lines, bytes, LINES_LIMIT + 1);
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_TOO_LONG);
    lines_free(&lines);
    lines_add(&lines, "a\n\nb", 4); /* a freed buffer begins anew */
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_ONE);
    ck_assert_str_eq(line, "a");
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_ONE);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(lines_next(&lines, &line, &size), LINES_NONE);
    ck_assert_uint_eq(lines_left(&lines), 1);
    lines_add(&lines, "c\nd", 3);
    ck_assert_uint_eq(lines_take(&lines, bytes, 2), 2);
    ck_assert_mem_eq(bytes, "bc", 2);
    ck_assert_uint_eq(lines_take(&lines, bytes, 100), 2);
    ck_assert_mem_eq(bytes, "\nd", 2);
    ck_assert_uint_eq(lines_take(&lines, bytes, 100), 0);
    lines_free(&lines);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *test = tcase_create("lines");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(test, lines_are_cut);
    tcase_add_test(test, lines_have_a_limit);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
