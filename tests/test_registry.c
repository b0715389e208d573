/*
 * The registry over real files, looked for by a real worker: what comes, goes and is replaced, by
 * one policy and after another.
 */
#include "registry.h"

#include "discover.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_launched.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct worker_kind kinds[] = {
    {.name = "search", .serve = discover_search, .keep = (uint64_t)1 << CAP_DAC_READ_SEARCH},
    {0},
};

static uv_loop_t loop;
static struct registry *registry;
static struct config *config;
static struct text told; /* what the host was told, a line each, the folder left out */
static int searches;

static void tell(const char *what, const struct file *file)
{
    const char *name = strrchr(file->path, '/') + 1;

    text_addf(&told, "%s %s%s%s\n", what, name, file->why ? ": " : "", file->why ? file->why : "");
}

static void host_found(void *argument, struct file *file)
{
    (void)argument;
    tell("found", file);
}

static void host_gone(void *argument, struct file *file)
{
    (void)argument;
    tell("gone", file);
}

static void host_replaced(void *argument, struct file *file)
{
    (void)argument;
    tell("replaced", file);
}

static void host_searched(void *argument)
{
    (void)argument;
    searches++;
}

static void policy(const char *yaml)
{
    struct config_errors errors = {0};
    struct config *old = config;
    char *words = expect_words(yaml);

    ck_assert_msg(config_parse("policy", words, strlen(words), &config, &errors) == STATUS_OK, "%s",
                  errors.count ? errors.lines[0] : "");
    free(words);
    registry_policy(registry, config);
    config_free(old);
}

/* The order in which files of a folder are met is theirs, so lines are compared sorted. */
static int line_compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static char *sorted(char *lines)
{
    char *line[64];
    size_t count = 0;
    struct text text = {0};

    for (char *next = strtok(lines, "\n"); next && count < 64; next = strtok(NULL, "\n"))
        line[count++] = next;
    qsort(line, count, sizeof *line, line_compare);
    for (size_t i = 0; i < count; i++)
        text_addf(&text, "%s\n", line[i]);
    return text_take(&text);
}

static void expect_search(const char *expected)
{
    int before = searches;

    text_clear(&told);
    registry_search(registry);
    while (searches == before)
        uv_run(&loop, UV_RUN_ONCE);
    char *lines = text_take(&told), *order = sorted(lines);
    expect_text("what the registry told", order, expected);
    free(order);
    free(lines);
}

static void registry_setup(void)
{
    const struct registry_host host = {host_found, host_gone, host_replaced, host_searched, NULL};

    folder_make();
    folder_write("one.db", "");
    folder_write("two.db", "");
    folder_write("named.db", "");
    uv_loop_init(&loop);
    registry = registry_new(&loop, &host);
    policy("databases:\n"
           "  - { path: \"@/*.db\" }\n"
           "  - { name: named, path: \"@/named.db\" }\n"
           "  - { name: absent, path: \"@/absent.db\" }\n");
}

static void registry_teardown(void)
{
    registry_stop(registry);
    uv_run(&loop, UV_RUN_DEFAULT);
    registry_free(registry);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    config_free(config);
    config = NULL;
    text_free(&told);
    folder_remove();
}

#define FIRST "found named.db\nfound one.db\nfound two.db\ngone absent.db: ~\n"

START_TEST(what_is_there_is_found)
{
    expect_search(FIRST);
    ck_assert_uint_eq(registry_count(registry), 3);
    char *path = folder_path("named.db");
    struct file *file = registry_file(registry, path);
    ck_assert_str_eq(file_name(file), "named"); /* though the glob matches it, too */
    free(path);
    expect_search(""); /* and told once */
}
END_TEST

START_TEST(what_comes_and_goes)
{
    char *one = folder_path("one.db"), *absent = folder_path("absent.db"),
         *named = folder_path("named.db");

    expect_search(FIRST);
    folder_write("three.db", "");
    folder_write("absent.db", "");
    unlink(one);
    unlink(named);
    expect_search("found absent.db\nfound three.db\ngone named.db: ~\n"
                  "gone one.db: there is no such file any more\n");
    ck_assert_ptr_null(registry_file(registry, one));
    ck_assert_ptr_nonnull(registry_file(registry, named)); /* it has a name, so it is missed */
    ck_assert_uint_eq(registry_count(registry), 3);
    folder_write("one.db", "");
    folder_write("named.db", "");
    unlink(absent);
    expect_search("~found named.db\nfound one.db\ngone absent.db: ~\n&");
    free(one);
    free(absent);
    free(named);
}
END_TEST

START_TEST(what_is_replaced)
{
    char *one = folder_path("one.db"), *new = folder_path("new");

    expect_search(FIRST);
    folder_write("new", "");
    ck_assert_int_eq(rename(new, one), 0);
    expect_search("found one.db\nreplaced one.db\n");
    ck_assert_uint_eq(registry_count(registry), 3);
    free(one);
    free(new);
}
END_TEST

START_TEST(what_may_not_be_touched)
{
    char *one = folder_path("one.db"), *link_path = folder_path("link.db");

    ck_assert_int_eq(symlink(one, link_path), 0);
    expect_search(FIRST "gone link.db: ~symbolic link~\n");
    expect_search("");
    free(one);
    free(link_path);
}
END_TEST

START_TEST(another_policy)
{
    expect_search(FIRST);
    text_clear(&told);
    policy("databases:\n"
           "  - { name: named, path: \"@/named.db\" }\n"
           "  - { name: two, path: \"@/two.db\" }\n");
    char *lines = text_take(&told), *order = sorted(lines);
    expect_text("what the registry told", order,
                "gone absent.db: the policy does not name it any more\n"
                "gone one.db: the policy does not name it any more\n"
                "gone two.db: the policy does not name it any more\n");
    free(order);
    free(lines);
    expect_search("found two.db\n");
    ck_assert_uint_eq(registry_count(registry), 2);
}
END_TEST

/* By which pattern a file goes. */
static void expect_pattern(const char *name, const char *pattern)
{
    char *path = folder_path(name), *whole = folder_path(pattern);
    const struct file *file = registry_file(registry, path);

    ck_assert_ptr_nonnull(file);
    ck_assert_str_eq(file->database->path, whole);
    free(whole);
    free(path);
}

START_TEST(a_file_that_several_have)
{
    policy("databases:\n"
           "  - { path: \"@/o*.db\" }\n"
           "  - { path: \"@/*e.db\" }\n"
           "  - { path: \"@/*.db\" }\n");
    expect_search("found named.db\nfound one.db\nfound two.db\n");
    expect_pattern("one.db", "o*.db");
    expect_pattern("named.db", "*.db");
    folder_write("whole.db", ""); /* so that the other globs tell of all that they have */
    expect_search("found whole.db\n");
    expect_pattern("one.db", "o*.db");
    expect_pattern("whole.db", "*e.db");
    policy("databases:\n"
           "  - { path: \"@/n*.db\" }\n"
           "  - { path: \"@/*e.db\" }\n"
           "  - { path: \"@/*.db\" }\n"
           "  - { path: \"@/two.db\", name: two }\n");
    expect_search("found named.db\nfound one.db\nfound two.db\n"
                  "gone named.db: another part of the policy has it now\n"
                  "gone two.db: another part of the policy has it now\n");
    expect_pattern("named.db", "n*.db");
    expect_pattern("one.db", "*e.db");
    expect_pattern("two.db", "two.db");
    ck_assert_uint_eq(registry_count(registry), 4);
}
END_TEST

/* More than a batch, so that there are several. */
START_TEST(many_names)
{
    struct text yaml = {0};

    text_add(&yaml, "databases:\n");
    for (int i = 0; i < 250; i++) {
        char name[32];
        snprintf(name, sizeof name, "many%d.db", i);
        if (i % 5 == 0)
            folder_write(name, "");
        text_addf(&yaml, "  - { name: n%d, path: \"@/%s\" }\n", i, name);
    }
    policy(yaml.bytes);
    text_clear(&told);
    int before = searches;
    registry_search(registry);
    registry_search(registry); /* while one is under way: another one after it */
    while (searches < before + 2)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(registry_count(registry), 50);
    text_free(&yaml);
}
END_TEST

/* A policy that changes while a search is under way. */
START_TEST(a_search_that_is_overtaken)
{
    registry_search(registry);
    uv_run(&loop, UV_RUN_NOWAIT);
    text_clear(&told);
    policy("databases: [{ name: two, path: \"@/two.db\" }]\n");
    expect_search("found two.db\n");
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("registry");
    TCase *tests = tcase_create("registry");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, registry_setup, registry_teardown);
    tcase_add_test(tests, what_is_there_is_found);
    tcase_add_test(tests, what_comes_and_goes);
    tcase_add_test(tests, what_is_replaced);
    tcase_add_test(tests, what_may_not_be_touched);
    tcase_add_test(tests, another_policy);
    tcase_add_test(tests, a_file_that_several_have);
    tcase_add_test(tests, many_names);
    tcase_add_test(tests, a_search_that_is_overtaken);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
