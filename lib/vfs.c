/*
 * A shim over SQLite's own unix VFS. A worker stands in the database's folder, which its user may
 * not be able to reach by path, and knows the file by its bare name. So a full pathname is the
 * name itself; the unix VFS would ask lstat about every parent. (That VFS opens every file with
 * O_NOFOLLOW anyway.)
 */
#include "vfs.h"

#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char vfs_name[] = "litekeeper";

static sqlite3_vfs vfs_shim;
static bool vfs_registered;

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
    (void)vfs;
    size_t length = strlen(name);

    if (length >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(full, name, length + 1);
    return SQLITE_OK;
}

enum status vfs_register(struct error *error)
{
    sqlite3_vfs *below = sqlite3_vfs_find("unix");

    if (vfs_registered)
        return STATUS_OK;
    if (!below)
        return error_set(error, STATUS_FAILED, "this SQLite library has no unix VFS");
    vfs_shim = *below;
    vfs_shim.pNext = NULL;
    vfs_shim.zName = vfs_name;
    vfs_shim.xFullPathname = vfs_full_pathname;
    if (sqlite3_vfs_register(&vfs_shim, 0) != SQLITE_OK)
        return error_set(error, STATUS_FAILED, "SQLite does not take litekeeper's VFS");
    vfs_registered = true;
    return STATUS_OK;
}

/* One thread uses a connection, so it needs no mutex. A URI begins with "file:", and where the
 * library was built with SQLITE_USE_URI, as Debian's is, a file of such a name would lead to any
 * other of its owner's. */
int vfs_open(const char *name, sqlite3 **sql)
{
    char *path = memory_format("./%s", name);
    int rc = sqlite3_open_v2(path, sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs_name);

    free(path);
    return rc;
}

/* --- what has failed ---------------------------------------------------------------------- */

int vfs_errno(sqlite3 *sql)
{
    sqlite3_file *beside = NULL;
    int number = 0;

    sqlite3_file_control(sql, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    sqlite3_file_control(sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &beside);
    if (!number && beside && beside->pMethods)
        beside->pMethods->xFileControl(beside, SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

/* SQLite's unixRead() makes SQLITE_IOERR_CORRUPTFS of these, and that is told as SQLITE_CORRUPT. */
bool vfs_read_failed(sqlite3 *sql)
{
    int number = vfs_errno(sql);

    return number == EIO || number == ENXIO || number == ERANGE;
}
