/*
 * Golden policies: each tests/policy/NAME.yaml is refused with exactly the lines of NAME.err;
 * each tests/policy/good/NAME.yaml loads, and its dump loads to the same dump. GOLDEN=1 in the
 * environment writes the .err files anew, for a person to read.
 */
#include "config.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BROKEN_LEAST = 80 };

static glob_t broken, good;

static char *read_all(const char *path)
{
    struct text text = {0};
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "r");

    if (!file)
        return NULL;
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_add_length(&text, bytes, got);
    fclose(file);
    return text_take(&text);
}

static char *joined(const struct config_errors *errors)
{
    struct text text = {0};

    for (size_t i = 0; i < errors->count; i++)
        text_addf(&text, "%s\n", errors->lines[i]);
    return text_take(&text);
}

static void write_golden(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(test_broken)
{
    const char *path = broken.gl_pathv[_i];
    char *golden = memory_format("%.*s.err", (int)strlen(path) - 5, path);
    struct config *config = NULL;
    struct config_errors errors = {0};

    ck_assert_msg(config_load(path, &config, &errors) == STATUS_INVALID, "%s is taken", path);
    ck_assert_ptr_null(config);
    char *lines = joined(&errors);
    if (getenv("GOLDEN"))
        write_golden(golden, lines);
    char *expected = read_all(golden);
    ck_assert_msg(expected != NULL, "there is no %s", golden);
    ck_assert_msg(strcmp(lines, expected) == 0, "%s gives\n%sbut should\n%s", path, lines,
                  expected);
    config_errors_free(&errors);
    free(expected);
    free(lines);
    free(golden);
}
END_TEST

static char *dump_of(const char *path, const char *yaml)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    enum status status = yaml ? config_parse(path, yaml, strlen(yaml), &config, &errors)
                              : config_load(path, &config, &errors);

    ck_assert_msg(status == STATUS_OK, "%s", errors.count ? errors.lines[0] : path);
    char *dump = config_dump(config, NULL);
    config_free(config);
    return dump;
}

START_TEST(test_good)
{
    char *first = dump_of(good.gl_pathv[_i], NULL), *again = dump_of("dump", first);

    ck_assert_str_eq(first, again);
    free(first);
    free(again);
}
END_TEST

START_TEST(test_enough)
{
    ck_assert_uint_ge(broken.gl_pathc, BROKEN_LEAST);
    ck_assert_uint_ge(good.gl_pathc, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tests = tcase_create("policy");
    SRunner *runner = srunner_create(suite);

    if (chdir("tests/policy") != 0 || glob("*.yaml", 0, NULL, &broken) != 0 ||
        glob("good/*.yaml", 0, NULL, &good) != 0) {
        fputs("run this from the repository's root: no tests/policy/ here\n", stderr);
        return 1;
    }
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_broken, 0, (int)broken.gl_pathc);
    tcase_add_loop_test(tests, test_good, 0, (int)good.gl_pathc);
    tcase_add_test(tests, test_enough);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&broken);
    globfree(&good);
    return failed != 0;
}
