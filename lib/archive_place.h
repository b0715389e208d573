/*
 * Where an archive lies: DIRECTORY/DATABASE/TABLE/year=2025/month=03/. Finds and makes these
 * folders, as the database's owner, one part at a time and never through a symbolic link, and
 * replaces small files in them as a whole.
 *
 * A folder that can't be used is a failure and no refusal: of a task that is skipped every night
 * nobody would be told.
 */
#ifndef ARCHIVE_PLACE_H
#define ARCHIVE_PLACE_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <sys/types.h>

struct archive_place {
    int folder;  /* the table's; -1: it is not there */
    mode_t mode; /* of folders, as the directory's own; files have it without the x */
    char *shown; /* its path, for messages */
};

/* Opens the table's folder (the database's, where `table` is NULL), and makes it where it is
 * missing and `make` says so. The directory itself must be there. STATUS_FAILED: it is not, can't
 * be written, or a part of the path is a link or somebody else's. */
enum status archive_place_open(const char *directory, const char *database, const char *table,
                               bool make, struct archive_place *place,
                               struct error *error) MUST_CHECK;
void archive_place_close(struct archive_place *place); /* safe on one that is all zero */

/* Opens a partition's folder ("year=2025/month=03"; "": the table's own), made where it is missing
 * and `make` says so; the caller's to close. */
enum status archive_place_part(const struct archive_place *place, const char *part, bool make,
                               int *folder, struct error *error) MUST_CHECK;

/* Appends a name as a part of a path: what could lead elsewhere, would be hidden, or is more than
 * letters, digits, '-', '_' and '.', is written as %XX; a long name ends in a digest of itself. */
void archive_place_name(const char *name, struct text *path);

/* Makes what happened to names in a folder last. */
enum status archive_place_sync(int folder, const char *shown, struct error *error) MUST_CHECK;
/* Replaces `name` in `folder` by a file of these bytes, as a whole and for good. */
enum status archive_place_put(int folder, const char *name, mode_t mode, const char *bytes,
                              size_t length, struct error *error) MUST_CHECK;
/* The bytes of a small file, with a NUL behind them, the caller's; NULL where there is none.
 * STATUS_INVALID: it is not a regular file, or larger than 16 MiB. */
enum status archive_place_get(int folder, const char *name, char **bytes, size_t *length,
                              struct error *error) MUST_CHECK;
/* Whether there is anything of that name. */
bool archive_place_has(int folder, const char *name);
/* Renames within a folder, over what is there, for good. */
enum status archive_place_rename(int folder, const char *from, const char *to,
                                 struct error *error) MUST_CHECK;
/* Removes `name` for good; that it isn't there is fine. */
enum status archive_place_remove(int folder, const char *name, struct error *error) MUST_CHECK;

#endif
