/* Requests of the control socket: what is taken, what is refused and why, and the way there and
 * back. */
#include "memory.h"
#include "request.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 20000 };

#define V "{\"litekeeper\":1,\"request\":"

/* What the daemon understands; the missing is null, and null is missing. */
static const struct {
    const char *line;
    enum request_kind kind;
    const char *database, *task, *target;
    int64_t for_us, since_us, limit;
} good[] = {
    {V "\"status\"}", REQUEST_STATUS, NULL, NULL, NULL, -1, -1, 50},
    {V "\"status\",\"database\":null,\"task\":null}", REQUEST_STATUS, NULL, NULL, NULL, -1, -1, 50},
    {V "\"status\",\"database\":\"a\",\"task\":\"retention\",\"target\":\"logs\"}", REQUEST_STATUS,
     "a", "retention", "logs", -1, -1, 50},
    {" { \"request\" : \"alerts\", \"database\":\"\\u00e9\", \"litekeeper\" : 1 } ", REQUEST_ALERTS,
     "é", NULL, NULL, -1, -1, 50},
    {V "\"history\",\"since_us\":0,\"limit\":10000}", REQUEST_HISTORY, NULL, NULL, NULL, -1, 0,
     10000},
    {V "\"reload\"}", REQUEST_RELOAD, NULL, NULL, NULL, -1, -1, 50},
    {V "\"cancel\",\"database\":\"/srv/a b.db\"}", REQUEST_CANCEL, "/srv/a b.db", NULL, NULL, -1,
     -1, 50},
    {V "\"pause\"}", REQUEST_PAUSE, NULL, NULL, NULL, -1, -1, 50},
    {V "\"pause\",\"database\":\"a\",\"task\":\"vacuum\",\"for_us\":1}", REQUEST_PAUSE, "a",
     "vacuum", NULL, 1, -1, 50},
    {V "\"resume\",\"database\":\"a\"}", REQUEST_RESUME, "a", NULL, NULL, -1, -1, 50},
};

static void same_text(const char *one, const char *other)
{
    if (one && other)
        ck_assert_str_eq(one, other);
    else
        ck_assert(!one && !other);
}

static void same(const struct request *one, const struct request *other)
{
    ck_assert_int_eq(one->kind, other->kind);
    same_text(one->database, other->database);
    same_text(one->task, other->task);
    same_text(one->target, other->target);
    ck_assert_int_eq(one->for_us, other->for_us);
    ck_assert_int_eq(one->since_us, other->since_us);
    ck_assert_int_eq(one->limit, other->limit);
}

START_TEST(good_ones_are_taken)
{
    struct request request, again,
        wanted = {good[_i].kind,
                  (char *)(uintptr_t)good[_i].database,
                  (char *)(uintptr_t)good[_i].task,
                  (char *)(uintptr_t)good[_i].target,
                  good[_i].for_us,
                  good[_i].since_us,
                  good[_i].limit};
    struct error error = {0};

    ck_assert_msg(!request_parse(good[_i].line, strlen(good[_i].line), &request, &error), "%s",
                  error.text);
    same(&request, &wanted);
    char *line = request_line(&request);
    ck_assert_msg(!request_parse(line, strlen(line), &again, &error), "%s: %s", line, error.text);
    same(&again, &wanted);
    free(line);
    request_free(&request);
    request_free(&again);
}
END_TEST

static const struct {
    const char *line, *error;
} broken[] = {
    {"", "no JSON object in UTF-8"},
    {"status", "no JSON object in UTF-8"},
    {"[]", "no JSON object"},
    {"[{\"litekeeper\":1}]", "no JSON object"},
    {"{", "no JSON object in UTF-8"},
    {V "\"status\"} {}", "no JSON object in UTF-8"},
    {V "\"status\",\"request\":\"reload\"}", "no JSON object in UTF-8"},
    {V "\"status\",\"database\":\"\xff\"}", "no JSON object in UTF-8"},
    {V "\"status\",\"database\":\"\\ud800\"}", "no JSON object in UTF-8"},
    {V "\"status\",\"database\":\"a\\u0000b\"}", "no JSON object in UTF-8"},
    {"{}", "no request of litekeeper's: it has no version"},
    {"{\"request\":\"status\"}", "no request of litekeeper's: it has no version"},
    {"{\"litekeeper\":\"1\",\"request\":\"status\"}",
     "no request of litekeeper's: it has no version"},
    {"{\"litekeeper\":1.0,\"request\":\"status\"}",
     "no request of litekeeper's: it has no version"},
    {"{\"litekeeper\":2,\"request\":\"status\",\"new\":1}",
     "a request of version 2, where this daemon speaks version 1; restart the daemon after an "
     "upgrade"},
    {"{\"litekeeper\":1}", "no known request"},
    {V "\"stop\"}", "no known request"},
    {V "null}", "no known request"},
    {V "7}", "no known request"},
    {V "\"status\",\"colour\":1}", "\"colour\" does not go with status"},
    {V "\"status\",\"\":null}", "\"\" does not go with status"},
    {V "\"status\",\"\\u001b[2J\":1}", "\"?[2J\" does not go with status"},
    {V "\"status\",\"limit\":1}", "\"limit\" does not go with status"},
    {V "\"alerts\",\"task\":\"a\"}", "\"task\" does not go with alerts"},
    {V "\"reload\",\"database\":\"a\"}", "\"database\" does not go with reload"},
    {V "\"pause\",\"database\":\"a\",\"task\":\"b\",\"target\":\"c\"}",
     "\"target\" does not go with pause"},
    {V "\"status\",\"database\":\"\"}", "its database is no name"},
    {V "\"status\",\"database\":7}", "its database is no name"},
    {V "\"status\",\"database\":[\"a\"]}", "its database is no name"},
    {V "\"status\",\"database\":\"a\\nb\"}", "its database has characters that can't be shown"},
    {V "\"status\",\"database\":\"\\u202ea\"}", "its database has characters that can't be shown"},
    {V "\"status\",\"task\":\"retention\"}", "it names no database"},
    {V "\"status\",\"target\":\"logs\",\"database\":\"a\"}", "it names no task"},
    {V "\"cancel\"}", "it names no database"},
    {V "\"cancel\",\"database\":null}", "it names no database"},
    {V "\"pause\",\"for_us\":0}", "its for_us is no whole number from 1 to 3155760000000000"},
    {V "\"pause\",\"for_us\":-5}", "its for_us is no whole number from 1 to 3155760000000000"},
    {V "\"pause\",\"for_us\":1e3}", "its for_us is no whole number from 1 to 3155760000000000"},
    {V "\"pause\",\"for_us\":3155760000000001}",
     "its for_us is no whole number from 1 to 3155760000000000"},
    {V "\"pause\",\"for_us\":9223372036854775808}", "no JSON object in UTF-8"},
    {V "\"history\",\"since_us\":-1}",
     "its since_us is no whole number from 0 to 253402300800000000"},
    {V "\"history\",\"limit\":0}", "its limit is no whole number from 1 to 10000"},
    {V "\"history\",\"limit\":10001}", "its limit is no whole number from 1 to 10000"},
    {V "\"history\",\"limit\":true}", "its limit is no whole number from 1 to 10000"},
};

START_TEST(broken_ones_are_refused)
{
    struct request request = {.limit = 77};
    struct error error = {0};

    ck_assert_int_eq(request_parse(broken[_i].line, strlen(broken[_i].line), &request, &error),
                     STATUS_INVALID);
    ck_assert_str_eq(error.text, broken[_i].error);
    ck_assert_int_eq(request.limit, 77); /* untouched */
}
END_TEST

START_TEST(the_length_has_a_limit)
{
    char *longest =
        memory_format("%s\"status\",\"database\":\"%*s\"}", V,
                      REQUEST_LINE - (int)strlen(V "\"status\",\"database\":\"\"}"), "a");
    struct request request;
    struct error error = {0};

    ck_assert_uint_eq(strlen(longest), REQUEST_LINE);
    ck_assert_int_eq(request_parse(longest, REQUEST_LINE, &request, &error), STATUS_OK);
    request_free(&request);
    char *longer = memory_format("%s ", longest);
    ck_assert_int_eq(request_parse(longer, REQUEST_LINE + 1, &request, &error), STATUS_INVALID);
    ck_assert_str_eq(error.text, "longer than 8192 bytes");
    free(longer);
    free(longest);
}
END_TEST

START_TEST(kinds_are_told_apart)
{
    static const bool commands[REQUEST_KINDS] = {[REQUEST_RELOAD] = true,
                                                 [REQUEST_CANCEL] = true,
                                                 [REQUEST_PAUSE] = true,
                                                 [REQUEST_RESUME] = true};

    for (int kind = 0; kind < REQUEST_KINDS; kind++)
        ck_assert_int_eq(request_commands((enum request_kind)kind), commands[kind]);
    ck_assert_str_eq(request_name(REQUEST_PAUSE), "pause");
}
END_TEST

START_TEST(a_name_that_is_no_utf8_makes_no_request)
{
    struct request request;

    request_init(&request, REQUEST_STATUS);
    request.database = (char[]){"a\xff"};
    ck_assert_ptr_null(request_line(&request));
}
END_TEST

/* Good lines with a few bytes changed: taken or refused, and what is taken comes back the same. */
static void changed(unsigned *seed)
{
    const size_t count = sizeof good / sizeof *good;
    char *line = memory_copy(good[(size_t)rand_r(seed) % count].line);
    size_t length = strlen(line);
    struct request request, again;
    struct error error = {0};

    for (int i = rand_r(seed) % 4; i >= 0; i--)
        line[(size_t)rand_r(seed) % length] = (char)rand_r(seed);
    if (request_parse(line, length, &request, &error) == STATUS_OK) {
        char *back = request_line(&request);
        ck_assert_msg(!request_parse(back, strlen(back), &again, &error), "%s", back);
        same(&request, &again);
        free(back);
        request_free(&request);
        request_free(&again);
    } else {
        ck_assert_uint_gt(strlen(error.text), 0);
    }
    free(line);
}

START_TEST(changed_ones_do_no_harm)
{
    const char *given = getenv("SEED"), *rounds = getenv("ROUNDS");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    printf("changed_ones_do_no_harm: SEED=%u\n", seed);
    for (int i = rounds ? atoi(rounds) : ROUNDS; i > 0; i--)
        changed(&seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("request");
    TCase *cases = tcase_create("request");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, good_ones_are_taken, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(cases, broken_ones_are_refused, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_test(cases, the_length_has_a_limit);
    tcase_add_test(cases, kinds_are_told_apart);
    tcase_add_test(cases, a_name_that_is_no_utf8_makes_no_request);
    tcase_add_test(cases, changed_ones_do_no_harm);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
