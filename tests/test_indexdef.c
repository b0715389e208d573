/* Definitions of indexes: what is taken, what two ways of writing mean the same, what is made. */
#include "indexdef.h"

#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BAD NULL

static const struct {
    const char *sql, *name, *table, *kept; /* name NULL: the error is `kept` */
    bool unique;
} parse_rows[] = {
    {"CREATE INDEX i ON t(a)", "i", "t", "CREATE INDEX i ON t(a)", false},
    {"  create\n\tunique index if not exists i on t(a) ;; -- done", "i", "t",
     "CREATE UNIQUE INDEX i on t(a)", true},
    {"CREATE INDEX main.i ON t(a)", "i", "t", "CREATE INDEX i ON t(a)", false},
    {"CREATE INDEX \"MAIN\" . [an index] ON `a ``table`(a)", "an index", "a `table",
     "CREATE INDEX [an index] ON `a ``table`(a)", false},
    {"CREATE INDEX 'i' ON 't'('a')", "i", "t", "CREATE INDEX 'i' ON 't'('a')", false},
    {"CREATE /* an */ INDEX i ON t(a) WHERE b > ';'", "i", "t",
     "CREATE INDEX i ON t(a) WHERE b > ';'", false},
    {"", BAD, NULL,
     "must be a statement such as CREATE INDEX name ON table(column), or a mapping with name, "
     "table and columns",
     false},
    {"CREATE INDEX IF EXISTS i ON t(a)", BAD, NULL,
     "must be a statement such as CREATE INDEX name ON table(column), or a mapping with name, "
     "table and columns",
     false},
    {"CREATE INDEX i t(a)", BAD, NULL,
     "must be a statement such as CREATE INDEX name ON table(column), or a mapping with name, "
     "table and columns",
     false},
    {"CREATE INDEX other.i ON t(a)", BAD, NULL,
     "\"other\": only indexes of main can be had, the database itself", false},
    {"CREATE INDEX i ON t(a) WHERE (", BAD, NULL,
     "no SQL that SQLite understands: incomplete input", false},
    {"CREATE INDEX i ON t(a); SELECT 1", BAD, NULL,
     "has more than one statement; list each by itself", false},
    {"CREATE INDEX \"SQLite_x\" ON t(a)", BAD, NULL,
     "\"SQLite_x\": no index can have a name in sqlite_", false},
    {"CREATE INDEX i ON t(a, 'unfinished)", BAD, NULL,
     "no SQL that SQLite understands: unrecognized token: \"'unfinished)\"", false},
};

START_TEST(parsed)
{
    struct indexdef def = {0};
    struct error error = {0};
    enum status status = indexdef_parse(parse_rows[_i].sql, &def, &error);

    ck_assert_msg((status == STATUS_OK) == (parse_rows[_i].name != NULL), "%s: %s",
                  parse_rows[_i].sql, error.text);
    if (status) {
        ck_assert_str_eq(error.text, parse_rows[_i].kept);
        return;
    }
    ck_assert_str_eq(def.name, parse_rows[_i].name);
    ck_assert_str_eq(def.table, parse_rows[_i].table);
    ck_assert_str_eq(def.sql, parse_rows[_i].kept);
    ck_assert_int_eq(def.unique, parse_rows[_i].unique);
    indexdef_free(&def);
}
END_TEST

#define PLAIN "CREATE INDEX i ON t(a, b DESC)"
#define WHERE "CREATE INDEX i ON t(lower(a)) WHERE b = 'X y' AND c > 1"

static const struct {
    const char *wanted, *there;
    bool same;
} same_rows[] = {
    {PLAIN, PLAIN, true},
    {PLAIN, "create index if not exists MAIN.\"I\" on [T] ( `a` asc,\n\t\"B\" /* down */ desc )",
     true},
    {PLAIN, "CREATE INDEX i ON t('a', 'b' DESC)", true},
    {PLAIN, "CREATE INDEX i ON t(a COLLATE BINARY, b DESC)", false},
    {PLAIN, "CREATE INDEX i ON t(a, b)", false},
    {PLAIN, "CREATE INDEX i ON t(b DESC, a)", false},
    {PLAIN, "CREATE INDEX i ON t(a, b DESC, c)", false},
    {PLAIN, "CREATE INDEX i ON s(a, b DESC)", false},
    {PLAIN, "CREATE INDEX j ON t(a, b DESC)", false},
    {PLAIN, "CREATE UNIQUE INDEX i ON t(a, b DESC)", false},
    {PLAIN, "CREATE INDEX i ON t(a, b DESC) WHERE a > 1", false},
    {PLAIN, "", false},
    {PLAIN, "CREATE TABLE i(a)", false},
    {WHERE, "CREATE INDEX i ON t(LOWER( A ))where B='X y'and\"c\">1", true},
    {WHERE, "CREATE INDEX i ON t(lower(a)) WHERE b = 'x y' AND c > 1", false},
    {WHERE, "CREATE INDEX i ON t(lower(a)) WHERE b = \"X y\" AND c > 1", false},
    {WHERE, "CREATE INDEX i ON t(lower(a)) WHERE b = 'X y' AND c > 10", false},
    {WHERE, "CREATE INDEX i ON t(lower('a')) WHERE b = 'X y' AND c > 1", false},
    {"CREATE INDEX i ON t('a' COLLATE NOCASE)", "CREATE INDEX i ON t(a collate \"nocase\")", true},
    {"CREATE INDEX i ON t(a) WHERE asc > 1", "CREATE INDEX i ON t(a) WHERE > 1", false},
    {"CREATE INDEX i ON \"a table\"(\"Ä b\")", "CREATE INDEX i ON [A Table]([ä b])", false},
    {"CREATE INDEX i ON \"a table\"(\"Ä b\")", "CREATE INDEX i ON [A Table]([Ä B])", true},
    {"CREATE INDEX i ON t(\"1\")", "CREATE INDEX i ON t(1)", false},
    {"CREATE INDEX i ON t(a || 'b')", "CREATE INDEX i ON t(a||'b')", true},
};

START_TEST(compared)
{
    struct indexdef def = {0};
    struct error error = {0};

    ck_assert_msg(indexdef_parse(same_rows[_i].wanted, &def, &error) == STATUS_OK, "%s",
                  error.text);
    ck_assert_msg(indexdef_same(&def, same_rows[_i].there) == same_rows[_i].same,
                  "%s is taken for %s%s", same_rows[_i].there,
                  same_rows[_i].same ? "other than " : "", same_rows[_i].wanted);
    indexdef_free(&def);
}
END_TEST

static const struct {
    const char *name, *table, *columns[4], *where;
    bool unique;
    const char *made; /* or the error */
    bool wrong;
} make_rows[] = {
    {"i", "t", {"a"}, NULL, false, "CREATE INDEX `i` ON `t`(`a`)", false},
    {"an i",
     "a`t",
     {"a", "b desc", "order"},
     "a > 1",
     true,
     "CREATE UNIQUE INDEX `an i` ON `a``t`(`a`, `b` desc, `order`) WHERE a > 1",
     false},
    {"i",
     "t",
     {"lower(a) , substr(b, 1, 2) DESC,c COLLATE NOCASE ASC"},
     NULL,
     false,
     "CREATE INDEX `i` ON `t`(lower(a), substr(b, 1, 2) DESC, `c` COLLATE NOCASE ASC)",
     false},
    {"i", "t", {"\"a, b\"", "[c]"}, NULL, false, "CREATE INDEX `i` ON `t`(\"a, b\", [c])", false},
    {"i", "t", {"a + 1", "1"}, NULL, false, "CREATE INDEX `i` ON `t`(a + 1, `1`)", false},
    {"i",
     "t",
     {"a,"},
     NULL,
     false,
     "no SQL that SQLite understands: near \")\": syntax error",
     true},
    {"i", "t", {"a)"}, NULL, false, "\"a)\": brackets do not match", true},
    {"i", "t", {"a"}, "(b", false, "\"(b\": brackets do not match", true},
    {"i", "t", {"a"}, "b; c", false, "\"b; c\": brackets do not match", true},
    {"i", "t", {"a -- "}, NULL, false, "no SQL that SQLite understands: incomplete input", true},
    {"sqlite_i",
     "t",
     {"a"},
     NULL,
     false,
     "\"sqlite_i\": no index can have a name in sqlite_",
     true},
};

START_TEST(made)
{
    char *items[4];
    struct option_texts columns = {.items = items};
    struct indexdef def = {0};
    struct error error = {0};

    for (; columns.count < 4 && make_rows[_i].columns[columns.count]; columns.count++)
        items[columns.count] = memory_copy(make_rows[_i].columns[columns.count]);
    enum status status = indexdef_make(make_rows[_i].name, make_rows[_i].table, &columns,
                                       make_rows[_i].where, make_rows[_i].unique, &def, &error);
    ck_assert_msg((status != STATUS_OK) == make_rows[_i].wrong, "%s: %s", make_rows[_i].made,
                  error.text);
    ck_assert_str_eq(status ? error.text : def.sql, make_rows[_i].made);
    indexdef_free(&def);
    while (columns.count)
        free(items[--columns.count]);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))

int main(void)
{
    Suite *suite = suite_create("indexdef");
    TCase *cases = tcase_create("indexdef");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, parsed, 0, COUNT(parse_rows));
    tcase_add_loop_test(cases, compared, 0, COUNT(same_rows));
    tcase_add_loop_test(cases, made, 0, COUNT(make_rows));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
