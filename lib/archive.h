/*
 * The archive of one table while a task adds to it. Rows go into one segment after the other, and
 * each is in one of these states, which _unfinished.json in the table's folder tells:
 *
 *   writing    rows are being written, to a hidden file
 *   written    the file is verified and has its name; nothing was deleted
 *   deleting   the catalogue knows it, and rows of it are being deleted; the ledger in the
 *              database (archive_ledger.h) says which were
 *   settled    what was not deleted is no longer in it, or in the file that is about to replace it
 *   done       its manifest is beside it, and _unfinished.json is gone
 *
 * Whatever ends a run in between, the next one takes back what is before `deleting`, and brings to
 * its end what is not, by the ledger alone: it deletes no further row for that. Runs in a worker,
 * as the database's owner.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "archive_ledger.h"
#include "archive_manifest.h"
#include "archive_place.h"
#include "archive_segment.h"

struct archive {
    struct engine *engine;
    const char *directory;
    struct archive_place place;
    struct archive_columns columns;   /* of the segment */
    struct archive_manifest manifest; /* of the segment in work */
    struct archive_ledger ledger;     /* its */
    int part;                         /* its folder; -1 */
    bool open;                        /* there is one in work */
    bool told;                        /* the catalogue may know it */
};

/* Opens the table's folder, made where it is missing. */
enum status archive_open(struct engine *engine, const char *directory, const char *table,
                         struct archive *archive, struct error *error) MUST_CHECK;
void archive_close(struct archive *archive); /* safe on one that is all zero */
/* Whether a run has left something to be brought to its end. STATUS_FAILED: the directory can't be
 * used. */
enum status archive_unfinished(struct engine *engine, const char *directory, const char *table,
                               bool *unfinished, struct error *error) MUST_CHECK;

/* Begins a segment for such a partition; `about` (taken over) is of the manifest, and so are the
 * archive's columns. */
enum status archive_begin(struct archive *archive, const char *part, json_t *about,
                          struct error *error) MUST_CHECK;
/* Goes over to a state, on the disk. */
enum status archive_enter(struct archive *archive, enum manifest_state state,
                          struct error *error) MUST_CHECK;
/* Forgets the segment, of which nothing is left to do. */
enum status archive_leave(struct archive *archive, struct error *error) MUST_CHECK;

/* The names of the segment's files, the caller's to free: hidden while it is written; and of the
 * one that is to replace it. */
char *archive_name_writing(const struct archive *archive);
char *archive_name_settled(const struct archive *archive);
/* What messages call it, the caller's to free. */
char *archive_shown(const struct archive *archive);

/* Reads a file of the segment in work to its end, and compares it with what its manifest says.
 * STATUS_INVALID: it differs. */
enum status archive_verify(struct archive *archive, const char *name,
                           struct error *error) MUST_CHECK;

/* Tells the catalogue ("written", "done", "undone"); `manifest_sha256` may be NULL. */
enum status archive_tell(struct archive *archive, const char *state, const char *manifest_sha256,
                         struct error *error) MUST_CHECK;

/* archive_settle.c: brings a segment of which rows were deleted to its end. Afterwards there is no
 * segment in work; the manifest is that of the one that is done, with no rows if nothing of it is
 * left. */
enum status archive_settle(struct archive *archive, struct error *error) MUST_CHECK;
/* Takes a segment back of which nothing was deleted; STATUS_FAILED where that isn't so. Where none
 * is in work there is nothing to do. */
enum status archive_undo(struct archive *archive, struct error *error) MUST_CHECK;
/* Does for what a run has left what is to be done. */
enum status archive_recover(struct archive *archive, struct error *error) MUST_CHECK;

#endif
