/* Jobs there and back, and every way in which one may be wrong. */
#include "job.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char job_policy_text[] = "databases:\n"
                                      "  - name: many\n"
                                      "    path: /srv/*/app.db\n"
                                      "    max_lock: 7ms\n"
                                      "    sample: { schedule: hourly }\n"
                                      "    retention:\n"
                                      "      - { table: logs, column: at, keep: 90d }\n"
                                      "      - { table: runs, column: at, keep: 30d }\n"
                                      "  - name: other\n"
                                      "    path: /srv/other.db\n"
                                      "    sample: { schedule: daily }\n";

static struct config *job_config(void)
{
    struct config_errors errors = {0};
    struct config *config = NULL;

    enum status status =
        config_parse("test", job_policy_text, strlen(job_policy_text), &config, &errors);
    ck_assert_msg(!status, "%s", errors.count ? errors.lines[0] : "?");
    return config;
}

static struct job_request job_request_of(const struct config *config, size_t task)
{
    return (struct job_request){
        .kind = "run",
        .policy = config,
        .database = &config->databases[0],
        .task = &config->databases[0].tasks[task],
        .name = "/srv/a/app.db",
        .path = "/srv/a/app.db",
        .seen = {.device = UINT64_MAX, .inode = (uint64_t)1 << 63, .owner = 4294967294, .group = 7},
        .force = true,
        .trust_clock = true,
        .at_us = -1,
        .memory = {.newest_us = 17,
                   .boot_offset_us = -1,
                   .was_synchronised = true,
                   .last.writer = {3040001, 3053004, 5, UINT64_MAX}},
    };
}

/* Through a line, as it travels. */
static json_t *job_travel(json_t *job)
{
    struct error error = {0};
    char *line = NULL;

    ck_assert_msg(!job_line(job, 5000, 1 << 20, &line, &error), "%s", error.text);
    ck_assert_ptr_null(strchr(line, '\n'));
    json_decref(job);
    json_t *arrived = json_loads(line, 0, NULL);
    free(line);
    return arrived;
}

START_TEST(job_comes_back)
{
    struct config *config = job_config(), *policy = NULL;
    struct job_request request = job_request_of(config, (size_t)_i);
    struct engine_job job = {0};
    struct error error = {0};
    struct identity seen;
    const char *path;

    json_t *arrived = job_travel(job_engine(&request));
    ck_assert_int_eq(job_time_limit(arrived), 5000);
    ck_assert_msg(!job_file(arrived, &path, &seen, &error), "%s", error.text);
    ck_assert_str_eq(path, "/srv/a/app.db");
    ck_assert_mem_eq(&seen, &request.seen, sizeof seen);
    ck_assert_msg(!job_decode(arrived, &job, &policy, &error), "%s", error.text);
    ck_assert_str_eq(job.database->name, "/srv/a/app.db");
    ck_assert_str_eq(job.database->path, "/srv/a/app.db");
    ck_assert_int_eq(job.database->limits.max_lock.us, 7000);
    ck_assert_ptr_eq(job.task->kind, request.task->kind);
    ck_assert_pstr_eq(job.task->target, request.task->target);
    ck_assert(job.force && !job.outside_window && job.trust_clock);
    ck_assert_int_eq(job.at_us, -1);
    ck_assert_int_eq(job.memory.newest_us, 17);
    ck_assert_int_eq(job.memory.boot_offset_us, -1);
    ck_assert(job.memory.was_synchronised);
    ck_assert_mem_eq(&job.memory.last.writer, &request.memory.last.writer,
                     sizeof job.memory.last.writer);
    ck_assert_mem_eq(&job.seen, &request.seen, sizeof seen);
    json_decref(arrived);
    config_free(policy);
    config_free(config);
}
END_TEST

START_TEST(job_inspects_without_a_policy)
{
    struct job_request request = {.kind = "inspect", .path = "/a.db", .at_us = -1};
    struct config *policy = NULL;
    struct engine_job job = {0};
    struct error error = {0};

    json_t *arrived = job_travel(job_engine(&request));
    ck_assert_msg(!job_decode(arrived, &job, &policy, &error), "%s", error.text);
    ck_assert_ptr_null(policy);
    ck_assert_ptr_null(job.database);
    ck_assert_ptr_null(job.task);
    json_decref(arrived);
}
END_TEST

START_TEST(job_needs_utf8)
{
    struct job_request request = {.kind = "inspect", .path = "/a\xff.db", .at_us = -1};
    struct error error = {0};
    char *line = NULL;

    ck_assert_ptr_null(job_engine(&request));
    ck_assert_ptr_null(job_discover("/a\xff*.db"));
    ck_assert_ptr_null(job_history("/a\xff"));
    ck_assert_int_eq(job_line(NULL, 0, 100, &line, &error), STATUS_INVALID);
    ck_assert_str_eq(error.text, "a path or name is not UTF-8");
}
END_TEST

/* One key of a good job put to another value; "remove" takes it away. */
static const struct {
    const char *key, *value;
} job_wrongs[] = {
    {"path", "remove"},
    {"path", "7"},
    {"path", "\"app.db\""},
    {"path", "\"\""},
    {"seen", "remove"},
    {"seen", "{}"},
    {"seen", "{\"device\":1,\"inode\":1,\"owner\":-1,\"group\":1}"},
    {"seen", "{\"device\":1,\"inode\":1,\"owner\":1,\"group\":4294967295}"},
    {"seen", "{\"device\":1,\"inode\":1,\"owner\":\"1\",\"group\":1}"},
    {"seen", "{\"device\":1,\"inode\":1,\"owner\":1,\"group\":1,\"more\":1}"},
    {"memory", "null"},
    {"memory", "{\"newest_us\":1}"},
    {"policy", "remove"},
    {"policy", "\"databases: {\""},
    {"policy", "\"\""},
    {"task", "remove"},
    {"task", "null"},
    {"task", "\"vacuum\""},
    {"target", "\"nothing\""},
    {"target", "null"},
    {"force", "1"},
    {"force", "remove"},
    {"at_us", "1.5"},
    {"at_us", "null"},
    {"time_limit_ms", "\"1\""},
    {"unknown", "1"},
};

START_TEST(job_refuses)
{
    struct config *config = job_config(), *policy = NULL;
    struct job_request request = job_request_of(config, 1);
    struct engine_job job = {.at_us = 42};
    struct error error = {0};

    json_t *arrived = job_travel(job_engine(&request));
    if (strcmp(job_wrongs[_i].value, "remove") == 0)
        json_object_del(arrived, job_wrongs[_i].key);
    else
        json_object_set_new(arrived, job_wrongs[_i].key,
                            json_loads(job_wrongs[_i].value, JSON_DECODE_ANY, NULL));
    enum status status = job_decode(arrived, &job, &policy, &error);
    ck_assert_msg(status == STATUS_INVALID, "%s %s: %d", job_wrongs[_i].key, job_wrongs[_i].value,
                  status);
    ck_assert_msg(strncmp(error.text, "the job is not valid: ", 22) == 0, "%s", error.text);
    ck_assert_ptr_null(policy);
    ck_assert_int_eq(job.at_us, 42); /* untouched */
    json_decref(arrived);
    config_free(config);
}
END_TEST

static const char *const job_wrong_patterns[] = {
    "{\"job\":\"discover\"}",
    "{\"job\":\"discover\",\"pattern\":7}",
    "{\"job\":\"discover\",\"pattern\":\"a/b\"}",
    "{\"job\":\"discover\",\"pattern\":\"/a\",\"more\":1}",
    "[]",
    "{}",
};

START_TEST(job_refuses_a_pattern)
{
    json_t *job = json_loads(job_wrong_patterns[_i], 0, NULL);
    struct error error = {0};
    const char *path = NULL;

    ck_assert_int_eq(job_pattern(job, &path, &error), STATUS_INVALID);
    ck_assert_int_eq(job_state(job, &path, &error), STATUS_INVALID);
    ck_assert_ptr_null(path);
    json_decref(job);
}
END_TEST

START_TEST(job_names_one_path)
{
    json_t *discover = job_travel(job_discover("/a/*.db")),
           *history = job_travel(job_history("/s"));
    struct error error = {0};
    const char *path = NULL;

    ck_assert_int_eq(job_pattern(discover, &path, &error), STATUS_OK);
    ck_assert_str_eq(path, "/a/*.db");
    ck_assert_int_eq(job_state(history, &path, &error), STATUS_OK);
    ck_assert_str_eq(path, "/s");
    json_decref(discover);
    json_decref(history);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job");
    TCase *test = tcase_create("job");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(test, job_comes_back, 0, 3);
    tcase_add_test(test, job_inspects_without_a_policy);
    tcase_add_test(test, job_needs_utf8);
    tcase_add_loop_test(test, job_refuses, 0, sizeof job_wrongs / sizeof *job_wrongs);
    tcase_add_loop_test(test, job_refuses_a_pattern, 0,
                        sizeof job_wrong_patterns / sizeof *job_wrong_patterns);
    tcase_add_test(test, job_names_one_path);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
