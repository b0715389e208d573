/*
 * What is written about options: the manual's page is what docs/options.c makes of the rows now,
 * and the sample policy has every option, loads as it is, and does what its comments say.
 */
int options_main(void);
#define main options_main
#include "../docs/options.c"
#undef main

#include "config.h"
#include "text.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>

static char *read_all(const char *path)
{
    struct text text = {0};
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "no %s; run this from the repository's root", path);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_add_length(&text, bytes, got);
    fclose(file);
    return text_take(&text);
}

START_TEST(test_page_is_fresh)
{
    char *made = NULL, *page = read_all("docs/litekeeper.yaml.5");
    size_t length;
    FILE *frame = fopen("docs/litekeeper.yaml.5.in", "r"), *out = open_memstream(&made, &length);

    ck_assert(frame && out);
    print_page(frame, out);
    fclose(frame);
    fclose(out);
    ck_assert_msg(strcmp(made, page) == 0, "docs/litekeeper.yaml.5 is stale: run make man");
    free(made);
    free(page);
}
END_TEST

/* Each name must stand behind `before` and before `after` somewhere in the text. */
static void has_names(const char *text, const struct option *options, const char *before,
                      const char *after)
{
    struct text name = {0};

    for (const struct option *option = options; option->name; option++) {
        text_clear(&name);
        text_addf(&name, "%s%s%s", before, option->name, after);
        ck_assert_msg(strstr(text, name.bytes) != NULL, "%s is not in it", option->name);
        if (option->section)
            has_names(text, option->section->options, before, after);
    }
    text_free(&name);
}

static void has_all_names(const char *text, const char *before, const char *after)
{
    has_names(text, config_file_options, before, after);
    has_names(text, config_database_options, before, after);
    for (size_t i = 0; tasks[i]; i++)
        has_names(text, tasks[i]->section.options, before, after);
}

START_TEST(test_page_has_every_option)
{
    char *page = read_all("docs/litekeeper.yaml.5");

    has_all_names(page, ".It Ic ", "\n");
    free(page);
}
END_TEST

START_TEST(test_sample_has_every_option)
{
    char *sample = read_all("config/litekeeper.yaml");

    has_all_names(sample, "", ":");
    for (size_t i = 0; tasks[i]; i++)
        ck_assert_msg(strstr(sample, tasks[i]->name) != NULL, "%s is not in it", tasks[i]->name);
    free(sample);
}
END_TEST

/* Takes the # off examples, and off what is not supported yet if `all`. */
static char *uncommented(const char *sample, bool all)
{
    struct text text = {0};

    for (const char *line = sample; *line; line += strcspn(line, "\n") + 1) {
        bool not_yet = line[0] == '#' && line[1] == '#';
        bool example =
            line[0] == '#' && (islower((unsigned char)line[1]) || strncmp(line + 1, "  ", 2) == 0);
        size_t skip = not_yet && all ? 2 : example;
        text_add_length(&text, line + skip, strcspn(line + skip, "\n") + 1);
    }
    return text_take(&text);
}

static enum status load(const char *yaml, struct config **config, struct config_errors *errors)
{
    /* As if it stood in a folder with a conf.d that has two databases. */
    return config_parse("tests/policy/good/litekeeper.yaml", yaml, strlen(yaml), config, errors);
}

/* The kinds of task that are there. */
static size_t kinds(void)
{
    size_t count = 0;

    for (const struct task_kind *const *kind = tasks; *kind; kind++)
        count += !((*kind)->flags & TASK_NOT_YET);
    return count;
}

START_TEST(test_sample_loads)
{
    char *sample = read_all("config/litekeeper.yaml"), *examples = uncommented(sample, false);
    struct config *config = NULL;
    struct config_errors errors = {0};

    ck_assert_msg(load(sample, &config, &errors) == STATUS_OK, "%s", errors.lines[0]);
    ck_assert_uint_eq(config->database_count, 0);
    char *dump = config_dump(config, NULL);
    config_free(config);
    config = NULL;
    ck_assert_int_eq(load("databases: []", &config, &errors), STATUS_OK);
    char *defaults = config_dump(config, NULL);
    ck_assert_str_eq(dump, defaults); /* what it says are the defaults */
    config_free(config);
    config = NULL;
    ck_assert_msg(load(examples, &config, &errors) == STATUS_OK, "%s", errors.lines[0]);
    ck_assert_uint_eq(config->database_count, 3);
    ck_assert_uint_eq(config->databases[0].task_count, kinds());
    config_free(config);
    free(sample);
    free(examples);
    free(dump);
    free(defaults);
}
END_TEST

/* With all of it, nothing is wrong but what is not supported yet. */
START_TEST(test_sample_not_yet)
{
    char *sample = read_all("config/litekeeper.yaml"), *all = uncommented(sample, true);
    struct config *config = NULL;
    struct config_errors errors = {0};

    ck_assert_int_eq(load(all, &config, &errors), STATUS_INVALID);
    for (size_t i = 0; i < errors.count; i++)
        ck_assert_msg(strstr(errors.lines[i], "not supported yet") != NULL, "%s", errors.lines[i]);
    config_errors_free(&errors);
    free(sample);
    free(all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("manual");
    TCase *tests = tcase_create("manual");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_page_is_fresh);
    tcase_add_test(tests, test_page_has_every_option);
    tcase_add_test(tests, test_sample_has_every_option);
    tcase_add_test(tests, test_sample_loads);
    tcase_add_test(tests, test_sample_not_yet);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
