/*
 * The files of the copy: their names beside the database, whose they are, and what becomes of them;
 * and the mark, which is there instead where there is none.
 * It never touches a file that it does not know for litekeeper's own: by its name, by its owner,
 * and by a header as VACUUM INTO leaves it, which the first commit of anybody would have changed.
 * The files are opened by hand here, which must not be done with a database that SQLite has open in
 * this process (howtocorrupt.html, 2.2): so each of these functions is called while it has not.
 */
#include "vacuum_care.h"

#include "bytes.h"
#include "fileheader.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What may lie there. */
enum copy_found { FOUND_NOTHING, FOUND_OURS, FOUND_OTHER };

static char *copy_name(const struct engine *engine, const char *ending)
{
    return memory_format("%s%s", engine->job->file, ending);
}

/* --- whose it is -------------------------------------------------------------------------- */

/* The header that VACUUM INTO writes (fileformat2.html#the_database_header): no WAL, one commit,
 * nothing free, and as many pages as there are. */
static bool copy_fresh(const unsigned char *bytes, size_t length, int64_t size)
{
    struct fileheader header;

    return length == FILEHEADER_SIZE && !fileheader_parse(bytes, &header, NULL) && bytes[18] == 1 &&
           bytes[19] == 1 && header.changes == 1 && header.valid_for == 1 &&
           header.free_pages == 0 && (int64_t)header.pages * header.page_size == size;
}

/* It may be of any length, and its first page not yet written. */
static bool copy_begun(const unsigned char *bytes, size_t length, int64_t size)
{
    static const unsigned char nothing[FILEHEADER_SIZE];
    static const char magic[] = "SQLite format 3"; /* and its NUL: 16 bytes */

    (void)size;
    return length == 0 || memcmp(bytes, nothing, length) == 0 ||
           (length == FILEHEADER_SIZE && memcmp(bytes, magic, sizeof magic) == 0);
}

static bool copy_empty(const unsigned char *bytes, size_t length, int64_t size)
{
    (void)bytes;
    return length == 0 && size == 0;
}

/* What each name's file must be, by its first FILEHEADER_SIZE bytes, or as many as it has. */
static const struct copy_file {
    const char *ending;
    bool (*is)(const unsigned char *bytes, size_t length, int64_t size);
    bool kept;
} copy_files[] = {{IDENTITY_COPY, copy_fresh, false},
                  {IDENTITY_PART, copy_begun, false},
                  {IDENTITY_MARK, copy_empty, false},
                  {IDENTITY_KEPT, copy_fresh, true}};

enum { COPY_FILES = sizeof copy_files / sizeof *copy_files };

static bool copy_ours(const char *name, const struct stat *about, const struct copy_file *kind)
{
    unsigned char bytes[FILEHEADER_SIZE];
    bool plain = S_ISREG(about->st_mode) && about->st_nlink == 1 && about->st_uid == geteuid() &&
                 (about->st_mode & S_IRWXO) == 0;
    int file = plain ? open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;

    if (file < 0)
        return false;
    ssize_t length = read(file, bytes, sizeof bytes);
    close(file);
    return length >= 0 && kind->is(bytes, (size_t)length, about->st_size);
}

static enum copy_found copy_look(const char *name, const struct copy_file *kind)
{
    struct stat about;

    if (fstatat(AT_FDCWD, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? FOUND_NOTHING : FOUND_OTHER;
    return copy_ours(name, &about, kind) ? FOUND_OURS : FOUND_OTHER;
}

/* --- before ------------------------------------------------------------------------------- */

enum status vacuum_copy_guard(const struct engine *engine, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < COPY_FILES && !status; i++) {
        char *name = copy_name(engine, copy_files[i].ending);
        enum copy_found found = copy_look(name, &copy_files[i]);
        if (found != FOUND_NOTHING && copy_files[i].kept)
            status = error_set(error, STATUS_REFUSED,
                               "a run that ended in doubt has kept a copy, %s%s: compare the "
                               "database with it, then go back to it or remove it",
                               engine->job->path, copy_files[i].ending);
        else if (found == FOUND_OTHER)
            status = error_set(error, STATUS_REFUSED,
                               "%s%s is in the way, and is not a copy that litekeeper has made: "
                               "move it elsewhere",
                               engine->job->path, copy_files[i].ending);
        free(name);
    }
    return status;
}

int64_t vacuum_copy_left(const struct engine *engine)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < COPY_FILES; i++) {
        char *name = copy_name(engine, copy_files[i].ending);
        struct stat about = {0};
        if (!copy_files[i].kept && copy_look(name, &copy_files[i]) == FOUND_OURS &&
            fstatat(AT_FDCWD, name, &about, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += about.st_size > 0 ? about.st_size : 1;
        free(name);
    }
    return bytes;
}

static bool copy_remove(const struct engine *engine, const char *ending)
{
    char *name = copy_name(engine, ending);
    bool removed = unlink(name) == 0;

    free(name);
    return removed;
}

/* The part, and the journal that SQLite keeps for it. */
void vacuum_copy_remove_part(const struct engine *engine)
{
    char *part = copy_name(engine, IDENTITY_PART), *journal = memory_format("%s-journal", part);

    unlink(part);
    unlink(journal);
    free(journal);
    free(part);
}

enum status vacuum_copy_clear(const struct engine *engine, struct error *error)
{
    enum status status = vacuum_copy_guard(engine, error); /* once more: time has passed */

    if (status)
        return status;
    copy_remove(engine, IDENTITY_COPY);
    copy_remove(engine, IDENTITY_MARK);
    vacuum_copy_remove_part(engine);
    return STATUS_OK;
}

/* --- making it ---------------------------------------------------------------------------- */

static enum status copy_failed(const struct engine *engine, const char *what, struct error *error)
{
    return error_set(error, STATUS_FAILED,
                     "the copy beside %s can't be %s: %s; nothing was changed", engine->job->path,
                     what, strerror(errno));
}

enum status vacuum_copy_create(const struct engine *engine, struct error *error)
{
    char *name = copy_name(engine, IDENTITY_PART);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

    free(name);
    if (file < 0)
        return copy_failed(engine, "made", error);
    close(file);
    return STATUS_OK;
}

enum status vacuum_copy_identity(const struct engine *engine, struct identity *identity,
                                 struct error *error)
{
    char *name = copy_name(engine, IDENTITY_PART);
    struct stat about;
    enum status status = fstatat(AT_FDCWD, name, &about, AT_SYMLINK_NOFOLLOW) < 0
                             ? copy_failed(engine, "read", error)
                             : STATUS_OK;

    free(name);
    if (status == STATUS_OK)
        *identity = (struct identity){.device = about.st_dev,
                                      .inode = about.st_ino,
                                      .owner = about.st_uid,
                                      .group = about.st_gid};
    return status;
}

/* The group may be one that the owner can't give a file to; then it gets nothing. */
static int copy_rights(int file, const char *database)
{
    mode_t owners = S_IRUSR | S_IWUSR, groups = S_IRGRP | S_IWGRP;
    struct stat about;

    if (fstatat(AT_FDCWD, database, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (fchown(file, (uid_t)-1, about.st_gid) < 0)
        groups = 0;
    return fchmod(file, about.st_mode & (owners | groups));
}

static int copy_sync_folder(void)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = -1;

    if (folder >= 0) {
        failed = fsync(folder);
        close(folder);
    }
    return failed;
}

/* Not over another file. Not every file system knows the flag. */
static int copy_rename(const char *from, const char *to)
{
    struct stat about;
    int failed = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    if (failed && (errno == EINVAL || errno == ENOSYS) &&
        fstatat(AT_FDCWD, to, &about, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        failed = rename(from, to);
    return failed;
}

enum status vacuum_copy_name(const struct engine *engine, int64_t *bytes, struct error *error)
{
    char *part = copy_name(engine, IDENTITY_PART), *name = copy_name(engine, IDENTITY_COPY);
    int file = open(part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat about = {0};
    enum status status = STATUS_OK;

    if (file < 0 || copy_rights(file, engine->job->file) < 0 || fsync(file) < 0 ||
        fstat(file, &about) < 0 || copy_rename(part, name) < 0 || copy_sync_folder() < 0)
        status = copy_failed(engine, "completed", error);
    else
        *bytes = about.st_size;
    if (file >= 0)
        close(file);
    free(name);
    free(part);
    return status;
}

/* --- where there is none ------------------------------------------------------------------ */

/* One that is there already has not been removable; it says the same. */
enum status vacuum_copy_mark(struct vacuum_care *care, struct error *error)
{
    char *name = copy_name(care->engine, IDENTITY_MARK);
    int file = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool failed = file < 0 || fsync(file) < 0 || copy_sync_folder() < 0;
    enum status status = STATUS_OK;

    if (failed)
        status = error_set(error, STATUS_FAILED, "%s%s can't be made: %s; nothing was changed",
                           care->engine->job->path, IDENTITY_MARK, strerror(errno));
    care->marked = file >= 0;
    if (failed)
        vacuum_copy_remove(care);
    if (file >= 0)
        close(file);
    free(name);
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

void vacuum_copy_remove(struct vacuum_care *care)
{
    char *name = copy_name(care->engine, IDENTITY_COPY);

    if (care->marked && copy_remove(care->engine, IDENTITY_MARK))
        care->marked = false; /* should a power cut bring it back, the file is checked once more */
    if (care->copy == COPY_MADE && copy_look(name, &copy_files[0]) == FOUND_OURS &&
        unlink(name) == 0) {
        care->copy = COPY_REMOVED;
        copy_sync_folder();
    }
    free(name);
}

void vacuum_copy_keep(struct vacuum_care *care)
{
    char *name = copy_name(care->engine, IDENTITY_COPY),
         *kept = copy_name(care->engine, IDENTITY_KEPT);

    if (care->copy == COPY_MADE && copy_rename(name, kept) == 0) {
        care->copy = COPY_KEPT;
        copy_sync_folder();
    }
    free(kept);
    free(name);
}

char *vacuum_copy_path(const struct vacuum_care *care)
{
    return memory_format("%s%s", care->engine->job->path,
                         care->copy == COPY_KEPT ? IDENTITY_KEPT : IDENTITY_COPY);
}
