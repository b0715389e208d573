/* Which files are refused, and in which words; as root, on files of others. */
#include "identity.h"

#include "lib_owners.h"
#include "lib_skip.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = OWNERS_ALICE, BOB = OWNERS_BOB, OURS = 0 };

/* A small world, with one of each kind that is refused or taken. */
static void identity_scene(void)
{
    owners_folder();
    owners_make_folder("alice", 0755, ALICE, ALICE);
    owners_make_file("alice/app.db", 0600, ALICE, ALICE);
    owners_make_file("alice/app.db-wal", 0600, ALICE, ALICE);
    owners_make_node("alice/fifo", S_IFIFO | 0600, ALICE, ALICE);
    owners_make_node("alice/socket", S_IFSOCK | 0600, ALICE, ALICE);
    owners_make_node("alice/null", S_IFCHR | 0600, ALICE, ALICE);
    owners_make_node("alice/disk", S_IFBLK | 0600, ALICE, ALICE);
    owners_make_link("alice/link.db", "app.db", OURS, OURS);
    owners_make_link("alice/sub", "../root", ALICE, ALICE);
    owners_make_link("alice/roots-sub", "../root", OURS, OURS);
    owners_make_file("alice/two.db", 0600, ALICE, ALICE);
    ck_assert_int_eq(link(owners_path("alice/two.db"), owners_path("alice/zwei.db")), 0);
    owners_make_file("alice/trap.db", 0600, ALICE, ALICE);
    owners_make_link("alice/trap.db-wal", "/etc/shadow", ALICE, ALICE);
    owners_make_file("alice/pipe.db", 0600, ALICE, ALICE);
    owners_make_node("alice/pipe.db-journal", S_IFIFO | 0600, ALICE, ALICE);
    owners_make_file("alice/roots.db", 0644, OURS, OURS);
    owners_make_file("alice/bobs.db", 0600, BOB, BOB);
    owners_make_folder("root", 0755, OURS, OURS);
    owners_make_file("root/roots.db", 0600, OURS, OURS);
    owners_make_folder("root/shared", 0775, OURS, OWNERS_LEDGER);
    owners_make_file("root/shared/roots.db", 0600, OURS, OURS);
    owners_make_folder("sticky", 01777, OURS, OURS);
    owners_make_file("sticky/roots.db", 0600, OURS, OURS);
    owners_make_link("sticky/ours", "../alice", OURS, OURS);
    owners_make_link("sticky/alices", "../alice", ALICE, ALICE);
    owners_make_link("root/to-alice", "../alice", OURS, OURS);
    ck_assert_int_eq(link(owners_path("root/to-alice"), owners_path("sticky/hard")), 0);
    owners_make_link("root/to-roots", "../root", OURS, OURS);
    owners_make_link("root/loop", "loop", OURS, OURS);
    owners_make_link("root/away", "/nonexistent/anywhere", OURS, OURS);
    owners_make_folder("closed", 0700, OURS, OURS);
    owners_make_folder("closed/alice", 0755, ALICE, ALICE);
    owners_make_file("closed/alice/app.db", 0600, ALICE, ALICE);
}

/* `reason` is how the refusal begins; NULL: the file is taken. */
static const struct {
    const char *path;
    uid_t user; /* who asks */
    const char *reason;
} identity_cases[] = {
    {"alice/app.db", 0, NULL},
    {"alice/../alice//./app.db", 0, NULL},
    {"alice/app.db", ALICE, NULL},
    {"alice/bobs.db", 0, NULL},
    {"root/roots.db", 0, NULL},
    {"closed/alice/app.db", 0, NULL},
    {"root/to-roots/roots.db", 0, NULL},
    {"sticky/hard/app.db", 0,
     "\"hard\" in its path is a symbolic link that another user could have made"},
    {"sticky/ours/app.db", 0, NULL},
    {"sticky/ours/app.db", ALICE, NULL},
    {"sticky/alices/app.db", ALICE, NULL},
    {"sticky/alices/app.db", 0,
     "\"alices\" in its path is a symbolic link that another user could have made"},
    {"sticky/alices/app.db", BOB,
     "\"alices\" in its path is a symbolic link that another user could have made"},
    {"alice/sub/roots.db", 0,
     "\"sub\" in its path is a symbolic link that another user could have made"},
    {"alice/roots-sub/roots.db", 0,
     "\"roots-sub\" in its path is a symbolic link that another user could have made"},
    {"root/loop/app.db", 0, "its path has a symbolic link that leads nowhere"},
    {"root/away/app.db", 0, "there is no folder \"nonexistent\" in its path"},
    {"alice/missing.db", 0, "there is no such file"},
    {"nowhere/app.db", 0, "there is no folder \"nowhere\" in its path"},
    {"alice/app.db/app.db", 0, "\"app.db\" in its path is not a folder"},
    {"closed/alice/app.db", ALICE, "\"alice\" in its path can't be reached: Permission denied"},
    {"alice/app.db-wal", 0,
     "is a file that SQLite or litekeeper keeps beside a database; name the database"},
    {"alice/x-shm", 0,
     "is a file that SQLite or litekeeper keeps beside a database; name the database"},
    {"alice/x-journal", 0,
     "is a file that SQLite or litekeeper keeps beside a database; name the database"},
    {"alice/", 0, "names a folder, not a file"},
    {"alice/.", 0, "names a folder, not a file"},
    {"alice/..", 0, "names a folder, not a file"},
    {"alice", 0, "is a folder, not a file"},
    {"alice/fifo", 0, "is a FIFO, not a file"},
    {"alice/socket", 0, "is a socket, not a file"},
    {"alice/null", 0, "is a character device, not a file"},
    {"alice/disk", 0, "is a block device, not a file"},
    {"alice/link.db", 0, "is a symbolic link; use the path of the file that it points to"},
    {"alice/two.db", 0, "has 2 hard links"},
    {"alice/trap.db", 0, "its -wal is a symbolic link"},
    {"alice/pipe.db", 0, "its -journal is a FIFO, not a file"},
    {"alice/roots.db", 0, "belongs to root in a folder that others can write to"},
    {"root/shared/roots.db", 0, "belongs to root in a folder that others can write to"},
    {"sticky/roots.db", 0, "belongs to root in a folder that others can write to"},
    {"alice/app.db", BOB, "belongs to alice; run litekeeper as root or as alice"},
    {"alice/app.db", OWNERS_CAROL, "belongs to alice; run litekeeper as root or as alice"},
    {"root/roots.db", ALICE, "belongs to root; run litekeeper as root"},
};

enum { IDENTITY_CASES = sizeof identity_cases / sizeof *identity_cases };

static void identity_expect(const char *path, const char *reason)
{
    struct identity identity;
    struct error error = {0};
    const char *name;
    int folder;

    enum status status = identity_find(path, &folder, &name, &identity, &error);
    if (reason) {
        ck_assert_msg(status == STATUS_REFUSED, "%s: status %d", path, status);
        ck_assert_msg(strncmp(error.text, reason, strlen(reason)) == 0, "%s: %s", path, error.text);
        return;
    }
    ck_assert_msg(!status, "%s: %s", path, error.text);
    struct stat about;
    ck_assert_int_eq(fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_uint_eq(about.st_ino, identity.inode);
    ck_assert_uint_eq(about.st_uid, identity.owner);
    ck_assert_int_eq(identity_check(folder, name, &identity, &error), STATUS_OK);
    close(folder);
}

START_TEST(identity_finds_or_refuses)
{
    uid_t user = identity_cases[_i].user;

    if (!owners_or_skip())
        return;
    identity_scene();
    if (user && (setgid(user) < 0 || setuid(user) < 0))
        ck_abort();
    identity_expect(owners_path(identity_cases[_i].path), identity_cases[_i].reason);
}
END_TEST

START_TEST(identity_refuses_relative)
{
    identity_expect("app.db", "not an absolute path");
    identity_expect("", "not an absolute path");
    identity_expect("/", "names a folder, not a file");
}
END_TEST

/* A FUSE mount of another user's: root is not let in, and is told why. No server answers, so this
 * would hang if any attribute were asked for. */
START_TEST(identity_refuses_fuse)
{
    char options[128];

    if (!owners_or_skip())
        return;
    identity_scene();
    int fuse = open("/dev/fuse", O_RDWR);
    owners_make_folder("lite", 0755, ALICE, ALICE);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fuse, ALICE,
             ALICE);
    if (fuse < 0 || mount("litefs", owners_path("lite"), "fuse.litefs", 0, options) < 0) {
        skip("FUSE can't be mounted here");
        return;
    }
    identity_expect(owners_path("lite/app.db"), "fuse.litefs is a network or FUSE file system");
    identity_expect(owners_path("lite/a/b.db"), "fuse.litefs is a network or FUSE file system");
    ck_assert_int_eq(umount2(owners_path("lite"), MNT_DETACH), 0);
}
END_TEST

/* docker run -v FILE:FILE */
START_TEST(identity_refuses_a_mounted_file)
{
    if (!owners_or_skip())
        return;
    identity_scene();
    owners_make_file("alice/mounted.db", 0600, ALICE, ALICE);
    identity_expect(owners_path("alice/mounted.db"), NULL);
    ck_assert_int_eq(mount(owners_path("alice/app.db"), owners_path("alice/mounted.db"), NULL,
                           MS_BIND, NULL),
                     0);
    identity_expect(owners_path("alice/mounted.db"), "is mounted there as a single file");
    ck_assert_int_eq(umount(owners_path("alice/mounted.db")), 0);
}
END_TEST

static const char *const identity_swaps[] = {"two.db", "fifo", "link.db", "missing.db", "app.db"};

START_TEST(identity_sees_a_swap)
{
    struct identity seen;
    struct error error = {0};
    const char *name;
    char other[64];
    int folder;

    if (!owners_or_skip())
        return;
    identity_scene();
    ck_assert_int_eq(identity_find(owners_path("alice/app.db"), &folder, &name, &seen, &error),
                     STATUS_OK);
    snprintf(other, sizeof other, "alice/%s", identity_swaps[_i]);
    rename(owners_path(other), owners_path("alice/app.db"));
    if (strcmp(identity_swaps[_i], "missing.db") == 0)
        unlink(owners_path("alice/app.db"));
    if (strcmp(identity_swaps[_i], "app.db") == 0) /* the same inode, given to another */
        ck_assert_int_eq(chown(owners_path("alice/app.db"), BOB, BOB), 0);
    ck_assert_int_eq(identity_check(folder, name, &seen, &error), STATUS_REFUSED);
    close(folder);
}
END_TEST

struct identity_flipper {
    char *link, *folder, *spare;
    volatile bool stop;
};

static void *identity_flip(void *argument)
{
    struct identity_flipper *flipper = argument;

    while (!flipper->stop) { /* a folder and a link take turns at the same name */
        rename(flipper->folder, flipper->spare);
        rename(flipper->link, flipper->folder);
        rename(flipper->folder, flipper->link);
        rename(flipper->spare, flipper->folder);
    }
    return NULL;
}

/* Whatever turns up under the name while we look, we never come out at root's file. */
START_TEST(identity_is_not_raced)
{
    struct identity_flipper flipper = {0};
    struct stat roots;
    pthread_t thread;
    int taken = 0, refused = 0, looks;

    if (!owners_or_skip())
        return;
    identity_scene();
    owners_make_folder("alice/data", 0755, ALICE, ALICE);
    owners_make_file("alice/data/roots.db", 0600, ALICE, ALICE);
    flipper.link = strdup(owners_path("alice/sub"));
    flipper.folder = strdup(owners_path("alice/data"));
    flipper.spare = strdup(owners_path("alice/spare"));
    ck_assert_int_eq(stat(owners_path("root/roots.db"), &roots), 0);
    pthread_create(&thread, NULL, identity_flip, &flipper);
    for (looks = 0; (taken < 100 || refused < 100) && looks < 1000 * 1000; looks++) {
        struct identity identity;
        struct error error = {0};
        const char *name;
        int folder;

        if (identity_find(owners_path("alice/data/roots.db"), &folder, &name, &identity, &error)) {
            refused++;
            continue;
        }
        taken++;
        ck_assert_uint_ne(identity.inode, roots.st_ino);
        close(folder);
    }
    flipper.stop = true;
    pthread_join(thread, NULL);
    free(flipper.link);
    free(flipper.folder);
    free(flipper.spare);
    printf("identity_is_not_raced: %d looks, %d taken, %d refused\n", looks, taken, refused);
}
END_TEST

static void *identity_commit(void *argument)
{
    struct identity_flipper *application = argument;

    while (!application->stop) {
        int journal = open(application->spare, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(journal);
        unlink(application->spare);
    }
    return NULL;
}

/* In rollback-journal mode each commit removes the journal, which for a moment is still to be found
 * and has no link any more. */
START_TEST(identity_lets_a_journal_go)
{
    struct identity_flipper application = {0};
    pthread_t thread;

    if (!owners_or_skip())
        return;
    identity_scene();
    application.spare = strdup(owners_path("alice/app.db-journal"));
    pthread_create(&thread, NULL, identity_commit, &application);
    for (int looks = 0; looks < 20000; looks++) {
        struct identity identity;
        struct error error = {0};
        const char *name;
        int folder;

        enum status status =
            identity_find(owners_path("alice/app.db"), &folder, &name, &identity, &error);
        ck_assert_msg(status == STATUS_OK, "look %d: %s", looks, error.text);
        close(folder);
    }
    application.stop = true;
    pthread_join(thread, NULL);
    free(application.spare);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *test = tcase_create("identity");
    SRunner *runner = srunner_create(suite);

    owners_begin();
    tcase_add_loop_test(test, identity_finds_or_refuses, 0, IDENTITY_CASES);
    tcase_add_test(test, identity_refuses_relative);
    tcase_add_test(test, identity_refuses_fuse);
    tcase_add_test(test, identity_refuses_a_mounted_file);
    tcase_add_loop_test(test, identity_sees_a_swap, 0,
                        sizeof identity_swaps / sizeof *identity_swaps);
    tcase_add_test(test, identity_is_not_raced);
    tcase_add_test(test, identity_lets_a_journal_go);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
