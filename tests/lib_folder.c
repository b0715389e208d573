/* One temporary folder a test, under $TMPDIR or /tmp. */
#include "lib_folder.h"

#include "memory.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[PATH_MAX];

const char *folder_make(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/litekeeper-test-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static int folder_drop(const char *path, const struct stat *seen, int type, struct FTW *where)
{
    (void)seen;
    (void)type;
    (void)where;
    return remove(path);
}

void folder_remove(void)
{
    nftw(folder, folder_drop, 16, FTW_DEPTH | FTW_PHYS);
}

char *folder_path(const char *name)
{
    return memory_format("%s/%s", folder, name);
}

void folder_write(const char *name, const char *text)
{
    char *path = folder_path(name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}
