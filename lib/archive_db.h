/*
 * `to: database`: rows that have left lie in SQLite files, DIRECTORY/DATABASE/TABLE/year=2025/
 * TABLE.db, for programs that ATTACH them. A segment comes here once it is settled, in one
 * transaction that is on the disk before the file of lines goes.
 *
 * The file has the table with its columns and declared types, but without its constraints, since
 * what left years apart may have had the same key; an index on its key and one on its time; and
 * _litekeeper_segment, which tells which rows came with which segment, so that nothing comes twice.
 * Who adds a column adds it here with the next segment. In a worker, as the database's owner.
 */
#ifndef ARCHIVE_DB_H
#define ARCHIVE_DB_H

#include "archive_manifest.h"

#include <sys/types.h>

/* What a table's SQLite files are called, for a manifest's `store`; the caller's to free. */
char *archive_db_name(const char *table);
/* Puts the rows of `lines`, a file in `folder`, into the SQLite file there, made with that mode if
 * it is missing, unless they are in it already, and says in the manifest where. They are read back
 * within the transaction; that they are on the disk is for archive_read_check to see. STATUS_BUSY:
 * somebody else is using the file. */
enum status archive_db_load(int folder, const char *lines, mode_t mode,
                            struct archive_manifest *manifest,
                            const struct archive_columns *columns, struct error *error) MUST_CHECK;
/* Removes a segment's rows, and the file with the last of them; that they aren't there is fine. */
enum status archive_db_remove(int folder, const struct archive_manifest *manifest,
                              struct error *error) MUST_CHECK;

/* Whether the file has rows of that segment. */
bool archive_db_has(int folder, const struct archive_manifest *manifest);

struct archive_db_rows;

/* Opens a segment's rows, in their order. STATUS_INVALID: the file has none of that segment. */
enum status archive_db_open(int folder, const struct archive_manifest *manifest,
                            const struct archive_columns *columns, struct archive_db_rows **rows,
                            struct error *error) MUST_CHECK;
/* The next row's values, good until the next call; `*found` is false at the end. */
enum status archive_db_next(struct archive_db_rows *rows, struct archive_row *row, bool *found,
                            struct error *error) MUST_CHECK;
void archive_db_close(struct archive_db_rows *rows); /* safe on NULL */

#endif
