/*
 * Knows the network file systems by their magic numbers (statfs(2)) and FUSE ones by the type of
 * their mount. Runs in the worker; never opens a file on the file system that it asks about.
 */
#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { FILESYSTEM_NAME = 64, FILESYSTEM_FUSE = 0x65735546 };

/* statfs(2), linux/magic.h, and the source of the file systems outside the kernel. */
static const struct {
    uint32_t magic;
    const char *name;
} filesystem_networks[] = {
    {0x00006969, "NFS"},
    {0x0000517B, "SMB"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},
    {0x0000564C, "NCP"},
    {0x00C36400, "Ceph"},
    {0x01021997, "9p"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},
    {0x0BD00BD0, "Lustre"},
    {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},
    {0x19830326, "BeeGFS"},
    {0x47504653, "GPFS"},
    {0x20030528, "OrangeFS"},
    {0xAAD7AAEA, "PanFS"},
    {0x61636673, "ACFS"},
    {0x013111A8, "IBRIX"},
    {0xBEEFDEAD, "SNFS"},
    {0xBACBACBC, "VMware hgfs"},
    {0x786F4256, "VirtualBox vboxsf"},
    {0x7C7C6673, "Parallels prl_fs"},
    {0x00C0FFEE, "UML hostfs"},
};

const char *filesystem_network(uint32_t magic)
{
    size_t count = sizeof filesystem_networks / sizeof *filesystem_networks;

    for (size_t i = 0; i < count; i++)
        if (filesystem_networks[i].magic == magic)
            return filesystem_networks[i].name;
    return NULL;
}

/* The type in a line of /proc/self/mountinfo (proc(5)): the field after the lone hyphen. */
static void filesystem_type(const char *line, char name[FILESYSTEM_NAME])
{
    const char *type = strstr(line, " - ");

    if (type && sscanf(type + 3, "%63[^ \n]", name) == 1)
        name[FILESYSTEM_NAME - 1] = '\0';
}

/* FUSE's type says which: "fuse.litefs". Asks for no attribute, since only the mount's user would
 * get an answer, and from a server that may hang; the mount's number comes all the same. It stays
 * "FUSE" where the kernel (before 5.8) or /proc can't tell the mount. */
static void filesystem_fuse(int folder, char name[FILESYSTEM_NAME])
{
    struct statx about;
    char line[4096];
    unsigned long long id;

    snprintf(name, FILESYSTEM_NAME, "FUSE");
    if (statx(folder, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &about) < 0 ||
        !(about.stx_mask & STATX_MNT_ID))
        return;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (!mounts)
        return;
    while (fgets(line, sizeof line, mounts))
        if (sscanf(line, "%llu ", &id) == 1 && id == about.stx_mnt_id)
            filesystem_type(line, name);
    fclose(mounts);
}

enum status filesystem_check(int folder, struct error *error)
{
    char name[FILESYSTEM_NAME];
    struct statfs about;

    if (fstatfs(folder, &about) < 0)
        return error_set(error, STATUS_REFUSED, "its file system can't be asked: %s",
                         strerror(errno));
    uint32_t magic = (uint32_t)about.f_type;
    const char *network = filesystem_network(magic);
    if (!network && magic != FILESYSTEM_FUSE)
        return STATUS_OK;
    if (network)
        snprintf(name, sizeof name, "%s", network);
    else
        filesystem_fuse(folder, name);
    return error_set(error, STATUS_REFUSED,
                     "%s is a network or FUSE file system, where SQLite's locks can't be relied "
                     "on; run litekeeper on the host that has the disk",
                     name);
}
