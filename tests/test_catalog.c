/*
 * systemd/litekeeper.catalog against the table of entries: each id is explained, none is explained
 * that nobody sends, and no text has a field that its entries lack. And against the metrics.
 */
#include "alert.h"
#include "journal_table.h"
#include "text.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char catalog_path[] = "systemd/litekeeper.catalog";

/* One entry of the catalog: its id, its header lines, its text. */
struct catalog_entry {
    char id[64];
    struct text header, body;
};

enum { CATALOG_MOST = 64 };

static struct catalog_entry catalog[CATALOG_MOST];
static size_t catalog_count;

static void catalog_line(const char *line, bool *in_header)
{
    if (line[0] == '#')
        return;
    if (strncmp(line, "-- ", 3) == 0) {
        ck_assert_uint_lt(catalog_count, CATALOG_MOST);
        ck_assert_int_eq(sscanf(line, "-- %63s", catalog[catalog_count++].id), 1);
        *in_header = true;
    } else if (catalog_count > 0 && *in_header && line[0] == '\n') {
        *in_header = false;
    } else if (catalog_count > 0) {
        struct catalog_entry *entry = &catalog[catalog_count - 1];
        text_add(*in_header ? &entry->header : &entry->body, line);
    }
}

static void catalog_read(void)
{
    FILE *file = fopen(catalog_path, "r");
    bool in_header = false;
    char line[512];

    ck_assert_msg(file != NULL, "no %s; run this from the repository's root", catalog_path);
    while (fgets(line, sizeof line, file))
        catalog_line(line, &in_header);
    fclose(file);
}

static const struct catalog_entry *catalog_find(const char *id)
{
    for (size_t i = 0; i < catalog_count; i++)
        if (strcmp(catalog[i].id, id) == 0)
            return &catalog[i];
    return NULL;
}

static const struct journal_row *catalog_row(const char *id)
{
    for (const struct journal_row *row = journal_table; row->name; row++)
        if (strcmp(row->id, id) == 0)
            return row;
    return NULL;
}

START_TEST(ids_are_ids_and_differ)
{
    for (const struct journal_row *row = journal_table; row->name; row++) {
        ck_assert_msg(strlen(row->id) == 32 && strspn(row->id, "0123456789abcdef") == 32, "%s: %s",
                      row->name, row->id);
        ck_assert_msg(catalog_row(row->id) == row, "%s has the id of another", row->name);
        ck_assert_msg(journal_row(row->name) == row, "%s stands there twice", row->name);
    }
    ck_assert_ptr_null(journal_row("alert_of_nothing"));
}
END_TEST

START_TEST(each_entry_is_explained)
{
    catalog_read();
    for (const struct journal_row *row = journal_table; row->name; row++) {
        const struct catalog_entry *entry = catalog_find(row->id);
        ck_assert_msg(entry != NULL, "%s (%s) is not in %s", row->name, row->id, catalog_path);
        ck_assert_msg(strstr(entry->header.bytes, "Subject: ") != NULL, "%s", row->name);
        ck_assert_msg(strstr(entry->header.bytes, "Defined-By: litekeeper\n") != NULL, "%s",
                      row->name);
        ck_assert_msg(strstr(entry->header.bytes, "Documentation: man:litekeeper") != NULL, "%s",
                      row->name);
        ck_assert_msg(entry->body.length > 100, "%s has no text", row->name);
    }
}
END_TEST

START_TEST(nothing_else_is_explained)
{
    catalog_read();
    for (size_t i = 0; i < catalog_count; i++) {
        ck_assert_msg(catalog_row(catalog[i].id) != NULL, "nobody sends %s", catalog[i].id);
        ck_assert_msg(catalog_find(catalog[i].id) == &catalog[i], "%s stands there twice",
                      catalog[i].id);
    }
}
END_TEST

/* Each metric that there can be an alert of has a kind of its own, and none is left over. */
START_TEST(each_metric_has_its_kind)
{
    char name[64];

    for (const struct alert_metric *metric = alert_metrics; metric->name; metric++) {
        snprintf(name, sizeof name, "alert_%s", metric->name);
        if (!(metric->flags & ALERT_NOT_YET))
            ck_assert_msg(journal_row(name) != NULL, "%s has no row", metric->name);
    }
    for (const struct journal_row *row = journal_table; row->name; row++)
        if (strncmp(row->name, "alert_", 6) == 0 && strcmp(row->name, "alert_cleared") != 0)
            ck_assert_msg(alert_metric(row->name + 6) != NULL, "%s is no metric", row->name);
}
END_TEST

/* The fields that each entry of a kind has, by the beginning of its name; the first that fits. */
static const struct {
    const char *kinds, *fields;
} catalog_fields[] = {
    {"run_", " DATABASE TASK PATH OUTCOME REASON ROWS BYTES SECONDS LOCK_COUNT LOCK_MAX_MS "
             "LOCK_P99_MS "},
    {"alert_history_lost", " ALERT ALERT_CHANGE SEVERITY REASON SINCE "},
    {"alert_clock", " ALERT ALERT_CHANGE SEVERITY REASON SINCE "},
    {"alert_cleared", " ALERT ALERT_CHANGE SEVERITY REASON SINCE "},
    {"alert_", " DATABASE PATH ALERT ALERT_CHANGE SEVERITY REASON SINCE "},
    {"alert", " ALERT ALERT_CHANGE SEVERITY REASON SINCE "},
    {"", ""},
};

static const char *catalog_known(const char *name)
{
    size_t i = 0;

    while (strncmp(name, catalog_fields[i].kinds, strlen(catalog_fields[i].kinds)) != 0)
        i++;
    return catalog_fields[i].fields;
}

START_TEST(fields_are_there)
{
    size_t seen = 0;

    catalog_read();
    for (const struct journal_row *row = journal_table; row->name; row++) {
        const char *at = catalog_find(row->id)->body.bytes;
        while ((at = strchr(at, '@'))) {
            char name[64], word[66];
            ck_assert_int_eq(sscanf(at, "@LITEKEEPER_%60[A-Z0-9_]@", name), 1);
            snprintf(word, sizeof word, " %s ", name);
            ck_assert_msg(strstr(catalog_known(row->name), word) != NULL,
                          "%s: its entries need not have %s", row->name, name);
            at += strlen("@LITEKEEPER_") + strlen(name);
            ck_assert_int_eq(*at++, '@');
            seen++;
        }
    }
    ck_assert_uint_gt(seen, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalog");
    TCase *test = tcase_create("catalog");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(test, ids_are_ids_and_differ);
    tcase_add_test(test, each_entry_is_explained);
    tcase_add_test(test, nothing_else_is_explained);
    tcase_add_test(test, each_metric_has_its_kind);
    tcase_add_test(test, fields_are_there);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
