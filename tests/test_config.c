/*
 * The policy as others see it: what structs hold, what databases inherit, dumps of one database,
 * and that no text at all, however mutilated, does harm.
 */
#include "config.h"
#include "config_options.h"
#include "memory.h"
#include "nearest.h"
#include "task_retention.h"
#include "text.h"
#include "window.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

enum { MUTATIONS = 4000 };

static const char policy[] =
    "daemon: {state: /var/lib/lk, history: 1y}\n"
    "defaults: {max_lock: 20ms, window: [Sun 02:00-05:00 UTC, 22:00-23:00], observe: true}\n"
    "databases:\n"
    "  - name: worklog\n"
    "    path: /srv/worklog.db\n"
    "    max_lock: 30ms\n"
    "    retention:\n"
    "      - {table: logs, column: at, keep: 90d, max_size: 1GB, keep_min: 30d, zone: UTC}\n"
    "      - {table: other, column: started, keep: 18 months, cascade: delete, format: unix_ms,\n"
    "         max_delete: 5%, when_rows_above: 1000}\n"
    "    sample: {}\n"
    "  - path: /srv/*/x.db\n"
    "    window: []\n"
    "    observe: false\n";

static struct config *load(const char *yaml)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    enum status status = config_parse("p.yaml", yaml, strlen(yaml), &config, &errors);

    ck_assert_msg(status == STATUS_OK, "%s", errors.count ? errors.lines[0] : "no error");
    ck_assert_uint_eq(errors.count, 0);
    return config;
}

START_TEST(test_values)
{
    struct config *config = load(policy);
    const struct config_database *database = &config->databases[0];

    ck_assert_str_eq(config->daemon.state, "/var/lib/lk");
    ck_assert_int_eq(config->daemon.history.months, 12);
    ck_assert_uint_eq(config->database_count, 2);
    ck_assert_str_eq(database->name, "worklog");
    ck_assert_uint_eq(database->task_count, 3);
    ck_assert_str_eq(database->tasks[0].kind->name, "sample"); /* in the order of the table */
    ck_assert_ptr_null(database->tasks[0].target);
    ck_assert_str_eq(database->tasks[1].target, "logs");
    ck_assert_str_eq(database->tasks[2].target, "other");
    const struct retention_options *logs = database->tasks[1].options;
    ck_assert(logs->common.schedule && !logs->common.observe && logs->format == FORMAT_AUTO);
    ck_assert(logs->keep.set && logs->keep.us == INT64_C(90) * 86400000000);
    ck_assert(logs->max_size == 1000000000 && logs->max_rows == -1 && !logs->when_rows_above);
    ck_assert(logs->max_delete == 1 && logs->cascade == CASCADE_REFUSE && !logs->allow_short);
    ck_assert_str_eq(logs->zone, "UTC");
    ck_assert_ptr_null(logs->archive.directory);
    const struct retention_options *other = database->tasks[2].options;
    ck_assert(other->keep.months == 18 && !other->keep_min.set && !other->zone);
    ck_assert(other->format == FORMAT_UNIX_MS && other->cascade == CASCADE_DELETE);
    ck_assert(other->max_delete == 0.05 && other->when_rows_above == 1000);
    config_free(config);
}
END_TEST

START_TEST(test_inherits)
{
    struct config *config = load(policy);
    const struct config_limits *own = &config->databases[0].limits;
    const struct config_limits *glob = &config->databases[1].limits;

    ck_assert_int_eq(own->max_lock.us, 30000);
    ck_assert_int_eq(glob->max_lock.us, 20000);
    ck_assert(own->observe && !glob->observe && config->defaults.observe);
    ck_assert(own->window && own->window->count == 2 && own->window != config->defaults.window);
    ck_assert(!glob->window || glob->window->count == 0);
    ck_assert(own->duty == 0.75 && own->max_wal == 256 << 20);
    ck_assert_int_eq(glob->busy_timeout.us, 5000000);
    ck_assert_int_eq(glob->time_limit.us, INT64_C(6) * 3600000000);
    config_free(config);
}
END_TEST

START_TEST(test_finds)
{
    struct config *config = load(policy);

    ck_assert_ptr_eq(config_database(config, "worklog"), &config->databases[0]);
    ck_assert_ptr_eq(config_database(config, "/srv/worklog.db"), &config->databases[0]);
    ck_assert_ptr_eq(config_database(config, "/srv/*/x.db"), &config->databases[1]);
    ck_assert_ptr_null(config_database(config, "x"));
    ck_assert(!config_is_glob(&config->databases[0]) && config_is_glob(&config->databases[1]));
    config_free(config);
}
END_TEST

/* A worker gets one database, perhaps as the match of a glob, named by its path. */
START_TEST(test_dumps_one)
{
    struct config *config = load(policy), *one = NULL;
    char path[] = "/srv/a/x.db";
    struct config_database match = config->databases[1];

    match.name = match.path = path;
    char *dump = config_dump(config, &match);
    one = load(dump);
    ck_assert_uint_eq(one->database_count, 1);
    ck_assert_str_eq(one->databases[0].path, path);
    ck_assert_str_eq(one->databases[0].name, path);
    ck_assert_int_eq(one->databases[0].limits.max_lock.us, 20000);
    ck_assert_str_eq(one->daemon.state, "/var/lib/lk");
    char *again = config_dump(one, NULL);
    ck_assert_str_eq(dump, again);
    free(dump);
    free(again);
    config_free(one);
    config_free(config);
}
END_TEST

START_TEST(test_errors_add_up)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    struct text yaml = {0};

    ck_assert_int_eq(config_parse("a", "x: 1", 4, &config, &errors), STATUS_INVALID);
    ck_assert_int_eq(config_parse("b", "y: 1", 4, &config, &errors), STATUS_INVALID);
    ck_assert_uint_eq(errors.count, 4);
    config_errors_free(&errors);
    ck_assert_uint_eq(errors.count, 0);
    text_add(&yaml, "databases:\n");
    for (int i = 0; i < 1000; i++)
        text_add(&yaml, "  - x\n");
    ck_assert_int_eq(config_parse("c", yaml.bytes, yaml.length, &config, &errors), STATUS_INVALID);
    ck_assert_uint_eq(errors.count, CONFIG_ERRORS + 1);
    ck_assert_str_eq(errors.lines[CONFIG_ERRORS], "c:202:5: databases[200]: there are more errors "
                                                  "than are shown here");
    config_errors_free(&errors);
    text_free(&yaml);
    ck_assert_ptr_null(config);
}
END_TEST

static const struct {
    const char *typed, *words[4], *found;
} hints[] = {{"kep", {"keep", "keep_min"}, "keep"},
             {"max_wla", {"max_lock", "max_wal"}, "max_wal"},
             {"retension", {"retention"}, "retention"},
             {"colour", {"column", "cascade"}, NULL},
             {"x", {"of", "at"}, NULL},
             {"", {"at"}, NULL},
             {"KEEP", {"keep"}, NULL},
             {"schedul", {"schedule"}, "schedule"},
             {"ta", {"at"}, "at"}};

START_TEST(test_hints)
{
    struct nearest nearest = {0};

    for (int i = 0; hints[_i].words[i]; i++)
        nearest_offer(&nearest, hints[_i].typed, hints[_i].words[i]);
    if (hints[_i].found)
        ck_assert_str_eq(nearest.word, hints[_i].found);
    else
        ck_assert_msg(!nearest.word, "%s gives %s", hints[_i].typed, nearest.word);
}
END_TEST

/* Every row of every table must be fit for the loader and the manual. */
static void check_rows(const struct option *options, const char *where)
{
    for (const struct option *option = options; option->name; option++) {
        ck_assert_msg(option->help && *option->help, "%s.%s has no help", where, option->name);
        ck_assert_msg(option->help[strlen(option->help) - 1] != '.', "%s.%s", where, option->name);
        bool section = option->type == OPTION_SECTION || option->type == OPTION_SECTIONS;
        ck_assert_msg(section == (option->section != NULL), "%s.%s", where, option->name);
        bool choice = option->type == OPTION_CHOICE;
        ck_assert_msg(choice == (option->choices != NULL), "%s.%s", where, option->name);
        ck_assert_msg(!(option->flags & OPTION_REQUIRED) || !option->standard, "%s.%s", where,
                      option->name);
        if (section)
            check_rows(option->section->options, option->name);
    }
}

START_TEST(test_rows)
{
    check_rows(config_file_options, "file");
    check_rows(config_database_options, "databases");
    for (size_t i = 0; tasks[i]; i++) {
        const struct option *rows = tasks[i]->section.options;
        check_rows(rows, tasks[i]->name);
        ck_assert_ptr_eq(task_find(tasks[i]->name), tasks[i]);
        for (; strcmp(rows->name, "schedule") != 0; rows++)
            ck_assert_ptr_nonnull(rows[1].name);
        ck_assert_uint_eq(rows->offset, offsetof(struct task_common, schedule));
        ck_assert_ptr_nonnull(rows->standard);
    }
    ck_assert_ptr_null(task_find("nothing"));
}
END_TEST

/* Changes, repeats, drops or puts in a few bytes. */
static void mutate(struct text *text)
{
    static const char *const pieces[] = {
        ":", "- ", "\n", "  ",           "{",  "}",    "[",  "]", "\"",  "'",  "*a",    "&a ", "!",
        "%", "~",  "0",  "999999999999", "\t", "\xff", "\\", "#", "|\n", "? ", "---\n", "m",   "..",
        "/", ","};
    size_t at = (size_t)random() % text->length, left = text->length - at;
    size_t some = (size_t)random() % 12 % left + (left > 0);
    const char *piece = pieces[random() % COUNT(pieces)];
    struct text made = {0};

    text_add_length(&made, text->bytes, at);
    if (random() % 3 == 0)
        text_add_length(&made, text->bytes + (size_t)random() % text->length, 1);
    if (random() % 2)
        text_add(&made, piece);
    if (random() % 4 == 0)
        text_add_length(&made, text->bytes + at, some);
    if (random() % 2 == 0)
        some = 0;
    text_add_length(&made, text->bytes + at + some, left - some);
    text_free(text);
    *text = made;
}

/* Whatever comes of it: an error, or a policy whose dump loads to the same dump. */
static void survive(const struct text *yaml, unsigned seed)
{
    struct config *config = NULL;
    struct config_errors errors = {0};

    if (config_parse("m.yaml", yaml->bytes, yaml->length, &config, &errors) != STATUS_OK) {
        ck_assert_uint_gt(errors.count, 0);
        for (size_t i = 0; i < errors.count; i++)
            ck_assert_msg(strncmp(errors.lines[i], "m.yaml:", 7) == 0, "SEED=%u", seed);
        config_errors_free(&errors);
        return;
    }
    char *dump = config_dump(config, NULL);
    struct config *again = load(dump);
    char *second = config_dump(again, NULL);
    ck_assert_msg(strcmp(dump, second) == 0, "SEED=%u\n%s\n%s", seed, dump, second);
    free(dump);
    free(second);
    config_free(again);
    config_free(config);
}

START_TEST(test_mutations)
{
    const char *given = getenv("SEED"), *more = getenv("MUTATIONS");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    long count = more ? strtol(more, NULL, 10) : MUTATIONS;

    printf("config: SEED=%u\n", seed);
    fflush(stdout);
    srandom(seed);
    for (long i = 0; i < count; i++) {
        struct text yaml = {0};
        text_add(&yaml, policy);
        for (long changes = 1 + random() % 4; changes > 0 && yaml.length; changes--)
            mutate(&yaml);
        survive(&yaml, seed);
        text_free(&yaml);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_inherits);
    tcase_add_test(tests, test_finds);
    tcase_add_test(tests, test_dumps_one);
    tcase_add_test(tests, test_errors_add_up);
    tcase_add_loop_test(tests, test_hints, 0, COUNT(hints));
    tcase_add_test(tests, test_rows);
    tcase_add_test(tests, test_mutations);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
