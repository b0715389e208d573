/*
 * Which tables of a database have an archive in a directory: by their folders, since a table whose
 * rows went because of what they refer to is in no policy, and one that is gone from a policy keeps
 * its archive. With the rights of the database's owner; writes nothing.
 */
#ifndef ARCHIVE_TABLES_H
#define ARCHIVE_TABLES_H

#include "archive_shelf.h"

struct archive_tables {
    char **names; /* in their order */
    size_t count;
};

/* Where there is no such folder there are none. STATUS_FAILED: the directory can't be used. */
enum status archive_tables_find(const char *directory, const char *database,
                                struct archive_tables *tables, struct error *error) MUST_CHECK;
void archive_tables_free(struct archive_tables *tables);

/* The table because of whose old rows this segment's rows went; "": because of their own age, or
 * that is not known. */
const char *archive_tables_follows(const struct shelf_segment *segment);

#endif
