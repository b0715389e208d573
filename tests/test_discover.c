/* What a pattern finds: the real discovery in a real worker, as root on files of others. */
#include "discover.h"

#include "identity.h"
#include "lib_launched.h"
#include "lib_owners.h"

#include <check.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ALICE = OWNERS_ALICE, BOB = OWNERS_BOB };

static const struct worker_kind kinds[] = {
    {.name = "discover", .serve = discover_serve, .keep = (uint64_t)1 << CAP_DAC_READ_SEARCH},
    {0},
};

static void discover_scene(void)
{
    owners_folder();
    owners_make_folder("alice", 0700, ALICE, ALICE);
    owners_make_file("alice/a.db", 0640, ALICE, ALICE);
    owners_make_file("alice/a.db-wal", 0640, ALICE, ALICE);
    owners_make_file("alice/a.db-shm", 0640, ALICE, ALICE);
    owners_make_file("alice/a.db-journal", 0640, ALICE, ALICE);
    owners_make_file("alice/.hidden.db", 0640, ALICE, ALICE);
    owners_make_file("alice/bad\nname.db", 0640, ALICE, ALICE);
    owners_make_file("alice/bad\xffname.db", 0640, ALICE, ALICE);
    owners_make_link("alice/link.db", "a.db", ALICE, ALICE);
    owners_make_file("alice/two.db", 0640, ALICE, ALICE);
    ck_assert_int_eq(link(owners_path("alice/two.db"), owners_path("alice/zwei.db")), 0);
    owners_make_folder("bob", 0755, BOB, BOB);
    owners_make_file("bob/[b].db", 0600, BOB, BOB);
    owners_make_node("bob/fifo.db", S_IFIFO | 0600, BOB, BOB);
    owners_make_link("sub", "alice", BOB, BOB);
}

/* What a pattern in the scene gives: "found alice/a.db" or "refused ...", a line each. */
static const struct {
    const char *pattern, *events;
} discover_cases[] = {
    {"*/*.db*", "found alice/a.db\n"
                "refused alice/bad?name.db\n"
                "refused alice/bad?name.db\n"
                "refused alice/link.db\n"
                "refused alice/two.db\n"
                "refused alice/zwei.db\n"
                "found bob/[b].db\n"
                "refused bob/fifo.db\n"
                "refused sub/a.db\n"
                "refused sub/bad?name.db\n"
                "refused sub/bad?name.db\n"
                "refused sub/link.db\n"
                "refused sub/two.db\n"
                "refused sub/zwei.db\n"},
    {"alice/a.*", "found alice/a.db\n"},
    {"alice/[a-b].db", "found alice/a.db\n"},
    {"alice/?.db", "found alice/a.db\n"},
    {"alice/a.db", "found alice/a.db\n"},
    {"bob/[b].db", "found bob/[b].db\n"},
    {"alice", "refused alice\n"},
    {"alice/none.db", "refused alice/none.db\n"},
    {"alice/none*.db", ""},
    {"none/*.db", ""},
};

START_TEST(discover_finds)
{
    struct launched worker;
    char events[2048] = "";
    size_t index;
    json_t *event;

    if (!owners_or_skip())
        return;
    discover_scene();
    const char *pattern = owners_path(discover_cases[_i].pattern);
    size_t skip = strlen(owners_path(""));
    launched_start(&worker, json_pack("{s:s, s:s}", "job", "discover", "pattern", pattern), 0);
    launched_finish(&worker);
    ck_assert_msg(!worker.error.status, "%s", worker.error.text);
    json_array_foreach (worker.events, index, event) {
        const char *path = json_string_value(json_object_get(event, "path"));
        ck_assert_uint_gt(strlen(path), skip);
        size_t length = strlen(events);
        snprintf(events + length, sizeof events - length, "%s %s\n",
                 json_string_value(json_object_get(event, "event")), path + skip);
    }
    ck_assert_str_eq(events, discover_cases[_i].events);
    launched_free(&worker);
}
END_TEST

/* A user's discovery has no more rights than the user. */
START_TEST(discover_tells_of_a_closed_folder)
{
    struct launched worker;

    if (!owners_or_skip())
        return;
    discover_scene();
    ck_assert_int_eq(setgid(BOB), 0);
    ck_assert_int_eq(setuid(BOB), 0);
    launched_start(&worker,
                   json_pack("{s:s, s:s}", "job", "discover", "pattern", owners_path("alice/*.db")),
                   0);
    launched_finish(&worker);
    ck_assert_msg(!worker.error.status, "%s", worker.error.text);
    ck_assert_uint_eq(json_array_size(worker.events), 1);
    json_t *event = json_array_get(worker.events, 0);
    ck_assert_str_eq(json_string_value(json_object_get(event, "reason")),
                     "the folder can't be read: Permission denied");
    launched_free(&worker);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("discover");
    TCase *test = tcase_create("discover");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    owners_begin();
    tcase_set_timeout(test, 120);
    tcase_add_loop_test(test, discover_finds, 0, sizeof discover_cases / sizeof *discover_cases);
    tcase_add_test(test, discover_tells_of_a_closed_folder);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
