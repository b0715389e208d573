/*
 * The segments of one table's archive as they lie in its folder, for those who read them: list,
 * verify, cat, restore. Each has its manifest, or what is wrong with it: one that is damaged keeps
 * nobody from the others. Nothing is written, and no symbolic link is followed. In a process with
 * the rights of the database's owner, like all that touches these folders.
 */
#ifndef ARCHIVE_SHELF_H
#define ARCHIVE_SHELF_H

#include "archive_manifest.h"
#include "archive_place.h"
#include "archive_read.h"

struct shelf_segment {
    char *part;   /* its folder in the table's; "" */
    char *listed; /* the name of what tells of it there: a manifest, _unfinished.json, or, where
                   * neither does, the file itself; or a folder that can't be entered */
    char *file;   /* its file's; NULL: not known */
    bool work;    /* that is _unfinished.json */
    int64_t listed_bytes;
    char listed_sha256[DIGEST_HEX];   /* of that manifest; "" */
    struct archive_manifest manifest; /* all zero where it can't be had */
    struct archive_columns columns;
    struct error problem; /* STATUS_OK: as far as the manifest goes it can be read */
};

struct shelf {
    struct archive_place place;
    struct shelf_segment *segments; /* by the time of their first rows, then by name */
    size_t count;
};

/* Looks at the table's folder; where there is none, the shelf is empty. STATUS_FAILED: the
 * directory can't be used. */
enum status shelf_open(const char *directory, const char *database, const char *table,
                       struct shelf *shelf, struct error *error) MUST_CHECK;
void shelf_close(struct shelf *shelf); /* safe on one that is all zero */

/* "year=2025/part-....jsonl.zst", or of what tells of it; any bytes; the caller's to free. */
char *shelf_name(const struct shelf_segment *segment);
/* Whether all of it has left the database: rows of one that is in work may be in both. */
bool shelf_done(const struct shelf_segment *segment);
/* Whether it has a file, of which this is not yet known to be the right one. */
bool shelf_there(const struct shelf *shelf, const struct shelf_segment *segment);
/* Whether another thing tells of it by now than did when the shelf was opened: somebody works on
 * it, so nothing that was read of it since needs to fit. */
bool shelf_changed(const struct shelf *shelf, const struct shelf_segment *segment);
/* Whether it can have rows from `since_us` on and before `until_us` (-1: any), as far as its
 * manifest says, and by a margin for a zone that the policy has changed since. */
bool shelf_spans(const struct shelf_segment *segment, int64_t since_us, int64_t until_us);

/* Opens a segment's rows; those of one that is settled from the file that is to replace the other.
 * STATUS_INVALID also where it has a problem. archive_read_row's errors at
 * its end are about rows that were given out already: who can't take them back checks before. */
enum status shelf_read(const struct shelf *shelf, const struct shelf_segment *segment,
                       struct archive_read **read, struct error *error) MUST_CHECK;
/* Reads all of it, and gives each row to `each` (NULL: to nobody), whose error ends it.
 * STATUS_INVALID: it is not what its manifest says. */
struct shelf_walk {
    enum status (*each)(void *argument, struct archive_read *read, const struct archive_row *row,
                        struct error *error);
    bool (*stopped)(void *argument); /* asked now and then: STATUS_CANCELLED; NULL: never */
    void *argument;
};

enum status shelf_walk(const struct shelf *shelf, const struct shelf_segment *segment,
                       const struct shelf_walk *walk, struct error *error) MUST_CHECK;
/* The same for what its end tells. */
enum status shelf_check(const struct shelf *shelf, const struct shelf_segment *segment,
                        struct error *error) MUST_CHECK;

#endif
