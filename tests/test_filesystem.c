/*
 * Which file systems are refused: network ones by their magic numbers, as statfs(2) and the
 * kernel's linux/magic.h have them; a FUSE mount is in test_identity.c.
 */
#include "filesystem.h"

#include "lib_folder.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    uint32_t magic;
    const char *name;
} known[] = {{0x6969, "NFS"},
             {0x517B, "SMB"},
             {0xFF534D42, "CIFS"},
             {0xFE534D42, "SMB2"},
             {0x00C36400, "Ceph"},
             {0x01021997, "9p"},
             {0x5346414F, "AFS"},
             {0x0BD00BD0, "Lustre"},
             {0x47504653, "GPFS"},
             {0x01161970, "GFS2"},
             {0x7461636F, "OCFS2"},
             {0xEF53, NULL},     /* ext4 */
             {0x58465342, NULL}, /* XFS */
             {0x9123683E, NULL}, /* Btrfs */
             {0x01021994, NULL}, /* tmpfs */
             {0x2FC12FC1, NULL}, /* ZFS */
             {0xF2F52010, NULL}, /* F2FS */
             {0x794C7630, NULL}, /* overlayfs */
             {0, NULL}};

START_TEST(by_number)
{
    if (known[_i].name)
        ck_assert_str_eq(filesystem_network(known[_i].magic), known[_i].name);
    else
        ck_assert_ptr_null(filesystem_network(known[_i].magic));
}
END_TEST

/* This host's own is none of them. */
START_TEST(here)
{
    struct error error = {0};
    int folder = open(folder_make(), O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert_msg(!filesystem_check(folder, &error), "%s", error.text);
    close(folder);
    folder_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filesystem");
    TCase *some = tcase_create("filesystem");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(some, by_number, 0, (int)(sizeof known / sizeof *known));
    tcase_add_test(some, here);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
