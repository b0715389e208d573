/* Trees of nodes from YAML: positions, aliases, limits, and what is refused where. */
#include "memory.h"
#include "node.h"
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static struct node *parse(const char *yaml)
{
    struct node *root = NULL;
    struct node_position where;
    struct error error = {0};

    ck_assert_msg(node_parse(yaml, strlen(yaml), &root, &where, &error) == STATUS_OK, "%s",
                  error.text);
    return root;
}

/* The error of a text that is refused; its place is left in `where`. */
static const char *refused(const char *yaml, size_t length, struct node_position *where)
{
    static struct error error;
    struct node *root = NULL;

    ck_assert_int_eq(node_parse(yaml, length, &root, where, &error), STATUS_INVALID);
    ck_assert_ptr_null(root);
    return error.text;
}

START_TEST(test_positions)
{
    struct node *root = parse("a: 1\n\"b\":\n  - x\n  - {c: 'd é', e: f}\n");
    const struct node *list = node_get(root, "b"), *map = list->items[1];

    ck_assert_int_eq(root->kind, NODE_MAP);
    ck_assert_uint_eq(root->count, 2);
    ck_assert(root->keys[1]->line == 2 && root->keys[1]->column == 1 && !root->keys[1]->plain);
    ck_assert(list->kind == NODE_LIST && list->line == 3 && list->column == 3);
    ck_assert(list->items[0]->plain && strcmp(list->items[0]->text, "x") == 0);
    ck_assert(map->kind == NODE_MAP && map->line == 4 && map->column == 5);
    ck_assert_str_eq(node_get(map, "c")->text, "d é");
    ck_assert(node_get(map, "e")->column == 19); /* in characters, not bytes */
    ck_assert_ptr_null(node_get(map, "g"));
    ck_assert_ptr_null(node_get(list, "g"));
    node_free(root);
}
END_TEST

START_TEST(test_empty)
{
    struct node *root = parse("a:\nb: ~\nc: Null\nd: ''\ne: 'null'\nf: {}\n");
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f"};
    static const bool empty[] = {true, true, true, false, false, false};

    for (int i = 0; i < COUNT(keys); i++)
        ck_assert_msg(node_empty(node_get(root, keys[i])) == empty[i], "%s", keys[i]);
    node_free(root);
}
END_TEST

START_TEST(test_aliases)
{
    struct node *root = parse("a: &x {k: [1, 2]}\nb: *x\nc: &x 3\nd: [*x, *x]\n");
    const struct node *copy = node_get(root, "b");

    ck_assert(copy != node_get(root, "a") && copy->line == 1 && copy->column == 4);
    ck_assert_str_eq(node_get(copy, "k")->items[1]->text, "2");
    ck_assert_str_eq(node_get(root, "d")->items[1]->text, "3"); /* the last of that name */
    node_free(root);
}
END_TEST

static const struct {
    const char *yaml;
    size_t length; /* 0: up to the NUL */
    int line, column;
    const char *text;
} bad[] = {
    {"", 0, 0, 0, "has no content; a policy is a mapping"},
    {"\n\n# x\n", 0, 0, 0, "has no content; a policy is a mapping"},
    {"a: 1\nb: 2\na: 3\n", 0, 3, 1, "the key \"a\" is already in line 1"},
    {"a: {b: 1, c: 2, b: 3}\n", 0, 1, 17, "the key \"b\" is already in line 1"},
    {"a:\n\t- b\n", 0, 2, 1, "a tab; indent with spaces"},
    {"é: ö\na:\n\t- b\n", 0, 3, 1, "a tab; indent with spaces"},
    {"a: b\n---\nc: d\n", 0, 3, 1, "a second document; a policy is one alone"},
    {"a: b\n...\n---\n", 0, 4, 1, "a second document; a policy is one alone"},
    {"a: b\0c\n", 7, 1, 5, "a NUL byte; a policy is text"},
    {"a: \"b\\0c\"\n", 0, 1, 4, "a NUL byte; a policy is text"},
    {"é: \x1b[31m\n", 0, 1, 4, "the control character U+001B; a policy is text"},
    {"é: \xC3(\n", 0, 1, 5, "a byte that is not UTF-8; save the file as UTF-8"},
    {"a: \xED\xA0\x80\n", 0, 1, 4, "a byte that is not UTF-8; save the file as UTF-8"},
    {"a: \xF4\x90\x80\x80\n", 0, 1, 4, "a byte that is not UTF-8; save the file as UTF-8"},
    {"a: \xC0\x80\n", 0, 1, 4, "a byte that is not UTF-8; save the file as UTF-8"},
    {"a: b\xC3", 0, 1, 5, "a byte that is not UTF-8; save the file as UTF-8"},
    {"[a]\n", 0, 1, 1, "is a list; a policy is a mapping of keys"},
    {"a: *b\n", 0, 1, 4, "there is no complete value &b before this"},
    {"a: &b [*b]\n", 0, 1, 8, "there is no complete value &b before this"},
    {"a: !!int 1\n", 0, 1, 4, "a tag (\"tag:yaml.org,2002:int\"); leave it out"},
    {"{a: b}: c\n", 0, 1, 1, "a key must be a plain text"},
    {"? [a]\n: c\n", 0, 1, 3, "a key must be a plain text"},
    {"? *a\n: c\n", 0, 1, 3, "a key must be a plain text"},
    {"a: [b\n", 0, 2, 1,
     "not valid YAML: did not find expected ',' or ']' while parsing a flow "
     "sequence"},
};

START_TEST(test_bad)
{
    size_t length = bad[_i].length ? bad[_i].length : strlen(bad[_i].yaml);
    struct node_position where;

    ck_assert_str_eq(refused(bad[_i].yaml, length, &where), bad[_i].text);
    ck_assert_int_eq(where.line, bad[_i].line);
    ck_assert_int_eq(where.column, bad[_i].column);
}
END_TEST

/* "a: " and then `head`, `tail`, so many times each. */
static char *repeated(const char *head, const char *tail, int times)
{
    struct text text = {0};

    text_add(&text, "a: ");
    for (int i = 0; i < times; i++)
        text_add(&text, head);
    for (int i = 0; i < times; i++)
        text_add(&text, tail);
    return text_take(&text);
}

START_TEST(test_depth)
{
    char *fits = repeated("[", "]", NODE_DEPTH - 1), *over = repeated("[", "]", NODE_DEPTH);
    char *far = repeated("[", "", 100000), *maps = repeated("{a: ", "}", 5000);
    struct node_position where;

    node_free(parse(fits));
    ck_assert_str_eq(refused(over, strlen(over), &where), "nested deeper than 32 levels");
    ck_assert_str_eq(refused(far, strlen(far), &where), "nested deeper than 32 levels");
    ck_assert_str_eq(refused(maps, strlen(maps), &where), "nested deeper than 32 levels");
    free(fits);
    free(over);
    free(far);
    free(maps);
}
END_TEST

/* Aliases nest as deep as what they stand for. */
START_TEST(test_alias_depth)
{
    struct text text = {0};
    struct node_position where;

    text_add(&text, "a0: &a0 [x]\n");
    for (int i = 1; i <= NODE_DEPTH; i++)
        text_addf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    ck_assert_str_eq(refused(text.bytes, text.length, &where), "nested deeper than 32 levels");
    text_free(&text);
}
END_TEST

START_TEST(test_explosion)
{
    struct text text = {0};
    struct node_position where;

    text_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 20; i++)
        text_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
    ck_assert_str_eq(refused(text.bytes, text.length, &where),
                     "more than 200000 values, aliases counted in full");
    text_free(&text);
}
END_TEST

START_TEST(test_many)
{
    struct text text = {0};
    struct node_position where;

    text_add(&text, "a:\n");
    for (int i = 0; i < NODE_COUNT; i++)
        text_add(&text, "- b\n");
    ck_assert_str_eq(refused(text.bytes, text.length, &where), "more than 200000 values");
    text_clear(&text);
    for (int i = 0; i <= NODE_KEYS; i++)
        text_addf(&text, "k%d: v\n", i);
    ck_assert_str_eq(refused(text.bytes, text.length, &where), "more than 256 keys in one mapping");
    ck_assert_int_eq(where.line, NODE_KEYS + 1);
    text_clear(&text);
    text_add(&text, "a:\n");
    for (int i = 0; i <= NODE_ANCHORS; i++)
        text_addf(&text, "- &b%d c\n", i);
    ck_assert_str_eq(refused(text.bytes, text.length, &where),
                     "more than 1000 values with a name (&)");
    ck_assert_int_eq(where.line, NODE_ANCHORS + 2);
    text_free(&text);
}
END_TEST

START_TEST(test_large)
{
    char *bytes = memory_zeroed(NODE_BYTES + 2, 1);
    struct node_position where;

    memset(bytes, ' ', NODE_BYTES + 1);
    memcpy(bytes, "a: b", 4);
    ck_assert_str_eq(refused(bytes, NODE_BYTES + 1, &where), "is larger than 4194304 bytes");
    ck_assert_int_eq(where.line, 0);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("node");
    TCase *tests = tcase_create("node");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_positions);
    tcase_add_test(tests, test_empty);
    tcase_add_test(tests, test_aliases);
    tcase_add_loop_test(tests, test_bad, 0, COUNT(bad));
    tcase_add_test(tests, test_depth);
    tcase_add_test(tests, test_alias_depth);
    tcase_add_test(tests, test_explosion);
    tcase_add_test(tests, test_many);
    tcase_add_test(tests, test_large);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
