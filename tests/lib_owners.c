#include "lib_owners.h"

#include "lib_skip.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char owners_mount[] = "/mnt";
static char owners_root[64];
static char owners_missing[128]; /* why there are no users; "" if there are */

static void owners_must(int result, const char *what, const char *name)
{
    if (result >= 0)
        return;
    fprintf(stderr, "tests: can't %s %s: %s\n", what, name, strerror(errno));
    abort();
}

/* Puts a file with `text` over `path`, in this mount namespace. */
static bool owners_cover(const char *path, const char *text)
{
    char cover[] = "/tmp/litekeeper-users-XXXXXX";
    int fd = mkstemp(cover);

    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, 0644) == 0 &&
                mount(cover, path, NULL, MS_BIND, NULL) == 0;
    close(fd);
    unlink(cover);
    return done;
}

/* Whether the mount with this number is in no peer group, as process 1 sees it: from inside a
 * chroot our own list doesn't show what "/" lies on. */
static bool owners_unshared(uint64_t id)
{
    FILE *mounts = fopen("/proc/1/mountinfo", "re");
    unsigned long long number;
    bool unshared = false;
    char line[4096];

    while (mounts && fgets(line, sizeof line, mounts))
        if (sscanf(line, "%llu ", &number) == 1 && number == id)
            unshared = !strstr(line, " shared:");
    if (mounts)
        fclose(mounts);
    return unshared;
}

/* A namespace from which no mount gets out. In a chroot "/" is no mount point, so that it can't be
 * made private; then it must be so already. */
static bool owners_unshare(void)
{
    struct statx root = {0};

    statx(AT_FDCWD, "/", 0, 0, &root);
    bool unshared = owners_unshared(root.stx_mnt_id);
    if (unshare(CLONE_NEWNS) < 0)
        return false;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 || unshared;
}

static bool owners_make(void)
{
    return owners_unshare() &&
           owners_cover("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                                       "alice:x:61001:61001::/nonexistent:/bin/false\n"
                                       "bob:x:61002:61002::/nonexistent:/bin/false\n"
                                       "nobody:x:65534:65534::/nonexistent:/bin/false\n") &&
           owners_cover("/etc/group", "root:x:0:\n"
                                      "alice:x:61001:\n"
                                      "bob:x:61002:\n"
                                      "ledger:x:61010:alice,bob\n"
                                      "nogroup:x:65534:\n") &&
           mount("owners", owners_mount, "tmpfs", MS_NOSUID, "mode=755") == 0;
}

void owners_begin(void)
{
    if (geteuid() != 0)
        snprintf(owners_missing, sizeof owners_missing, "needs root");
    else if (!owners_make())
        snprintf(owners_missing, sizeof owners_missing, "needs a mount namespace: %s",
                 strerror(errno));
}

bool owners_or_skip(void)
{
    if (owners_missing[0])
        skip(owners_missing);
    return !owners_missing[0];
}

const char *owners_folder(void)
{
    snprintf(owners_root, sizeof owners_root, "%s/owners-XXXXXX", owners_mount);
    if (!mkdtemp(owners_root))
        owners_must(-1, "make", owners_root);
    owners_must(chmod(owners_root, 0755), "chmod", owners_root);
    return owners_root;
}

const char *owners_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", owners_root, name);
    return path;
}

static void owners_give(const char *path, mode_t mode, uid_t user, gid_t group)
{
    owners_must(lchown(path, user, group), "chown", path);
    owners_must(chmod(path, mode & 07777), "chmod", path);
}

void owners_make_folder(const char *name, mode_t mode, uid_t user, gid_t group)
{
    const char *path = owners_path(name);

    owners_must(mkdir(path, 0700), "make", path);
    owners_give(path, mode, user, group);
}

void owners_make_node(const char *name, mode_t mode, uid_t user, gid_t group)
{
    const char *path = owners_path(name);

    owners_must(mknod(path, mode, makedev(1, 3)), "make", path);
    owners_give(path, mode, user, group);
}

void owners_make_file(const char *name, mode_t mode, uid_t user, gid_t group)
{
    owners_make_node(name, S_IFREG | mode, user, group);
}

void owners_make_link(const char *name, const char *target, uid_t user, gid_t group)
{
    const char *path = owners_path(name);

    owners_must(symlink(target, path), "link", path);
    owners_must(lchown(path, user, group), "chown", path);
}
