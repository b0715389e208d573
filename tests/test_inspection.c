/* The JSON of `inspect`: every key that it promises, and valid UTF-8 whatever the file names. */
#include "event.h"
#include "inspection.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void has(const json_t *object, const char *key, json_type type)
{
    const json_t *value = json_object_get(object, key);

    ck_assert_msg(value != NULL, "no %s", key);
    ck_assert_msg(json_typeof(value) == type ||
                      (type == JSON_TRUE && json_typeof(value) == JSON_FALSE),
                  "%s has type %d", key, (int)json_typeof(value));
}

struct promise {
    const char *key;
    json_type type;
};

static const struct promise btree_keys[] = {
    {"event", JSON_STRING},
    {"name", JSON_STRING},
    {"type", JSON_STRING},
    {"table", JSON_STRING},
    {"root", JSON_INTEGER},
    {"depth", JSON_INTEGER},
    {"interior_pages", JSON_INTEGER},
    {"leaf_pages", JSON_INTEGER},
    {"overflow_pages", JSON_INTEGER},
    {"overflow_error", JSON_INTEGER},
    {"bytes", JSON_INTEGER},
    {"fragmentation", JSON_REAL},
    {"density", JSON_REAL},
    {"entries", JSON_INTEGER},
    {"entry_bytes", JSON_REAL},
    {"leaves_read", JSON_INTEGER},
    {"error", JSON_NULL},
};

static const struct promise summary_keys[] = {
    {"event", JSON_STRING},        {"path", JSON_STRING},        {"page_size", JSON_INTEGER},
    {"pages", JSON_INTEGER},       {"free_pages", JSON_INTEGER}, {"wal_bytes", JSON_INTEGER},
    {"journal_mode", JSON_STRING}, {"auto_vacuum", JSON_STRING}, {"sqlite", JSON_OBJECT},
    {"pages_read", JSON_INTEGER},  {"approximate", JSON_TRUE},   {"freelist_error", JSON_NULL},
};

static const struct promise sqlite_keys[] = {
    {"version", JSON_STRING},
    {"wal_reset_bug", JSON_TRUE},
    {"last_writer_version", JSON_STRING},
    {"last_writer_wal_reset_bug", JSON_TRUE},
};

#define HAS_ALL(object, promises)                                   \
    for (size_t k = 0; k < sizeof promises / sizeof *promises; k++) \
    has(object, promises[k].key, promises[k].type)

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

START_TEST(test_database)
{
    static const char *const modes[] = {"none", "full", "incremental"};
    uint64_t random = randomdb_seed("inspection");
    const struct randomdb_kind kind = {
        .page_size = 4096, .auto_vacuum = _i, .journal = _i ? "delete" : "wal", .rows = 100};
    const struct pages_limits limits = {.slice_ms = 1000};
    struct pages_report report;
    struct inspection look = {.path = "/srv/\xff.db", .pages = &report};
    struct error error;

    sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
    ck_assert_int_eq(pages_measure(db, &limits, &report, &error), STATUS_OK);
    ck_assert_int_eq(inspection_look(db, &look, &error), STATUS_OK);
    for (size_t i = 0; i < report.btree_count; i++) {
        json_t *event = inspection_btree(&report.btrees[i]);
        HAS_ALL(event, btree_keys);
        json_decref(event);
    }
    json_t *event = inspection_summary(&look);
    HAS_ALL(event, summary_keys);
    HAS_ALL(json_object_get(event, "sqlite"), sqlite_keys);
    ck_assert_str_eq(text_of(event, "path"), "/srv/?.db");
    ck_assert_str_eq(text_of(event, "journal_mode"), kind.journal);
    ck_assert_str_eq(text_of(event, "auto_vacuum"), modes[_i]);
    ck_assert_str_eq(text_of(json_object_get(event, "sqlite"), "version"), sqlite3_libversion());
    ck_assert_str_eq(text_of(json_object_get(event, "sqlite"), "last_writer_version"),
                     sqlite3_libversion());
    ck_assert_int_eq(json_integer_value(json_object_get(event, "wal_bytes")) > 0, _i == 0);
    json_decref(event);
    pages_report_free(&report);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* Names as a hostile file may have them, and what becomes of them. */
static const struct {
    const char *name, *shown;
} names[] = {
    {"plain", "plain"},
    {"\xff\xfe", "??"},
    {"cut \xe2\x82", "cut ??"},
    {"\x1b[31mred\n", "?[31mred?"},
    {"\xed\xa0\x80", "???"},
    {"\"quoted\" \\ \xc3\xa9", "\"quoted\" \\ \xc3\xa9"},
    {"", ""},
};

START_TEST(test_names)
{
    struct pages_btree btree = {.name = memory_copy(names[_i].name),
                                .table = NULL,
                                .type = "index"};
    json_t *event = inspection_btree(&btree);
    char *line = json_dumps(event, JSON_COMPACT);

    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(text_of(event, "name"), names[_i].shown);
    free(line);
    free(btree.name);
    json_decref(event);
}
END_TEST

/* The longest name that SQLite takes must not make a line that the parent refuses. */
START_TEST(test_long_name)
{
    struct pages_btree btree = {.type = "table"};

    btree.name = btree.table = malloc(1000001);
    memset(btree.name, '"', 1000000);
    btree.name[1000000] = '\0';
    json_t *event = inspection_btree(&btree);
    char *line = json_dumps(event, JSON_COMPACT);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_lt(strlen(line), EVENT_LINE);
    free(line);
    free(btree.name);
    json_decref(event);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inspection");
    TCase *all = tcase_create("inspection");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, test_database, 0, 3);
    tcase_add_loop_test(all, test_names, 0, sizeof names / sizeof *names);
    tcase_add_test(all, test_long_name);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
