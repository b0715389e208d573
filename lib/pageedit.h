/*
 * The pages of one write transaction, read and written through SQLite's own pager (the virtual
 * table sqlite_dbpage), so that a change of any of them is as atomic as a commit is. It keeps what
 * was read and changed in this transaction alone; between two it knows nothing.
 *
 * The connection is one that never queries a table of the application's: sqlite_dbpage writes below
 * SQLite's b-tree layer, which must not have looked at these pages.
 */
#ifndef PAGEEDIT_H
#define PAGEEDIT_H

#include "database.h"
#include "error.h"
#include "fileheader.h"

#include <stdbool.h>
#include <stdint.h>

struct pageedit;

/* Whether the linked SQLite can edit and truncate soundly, tried out on a database in memory.
 * STATUS_REFUSED: not, why, and what to do. */
enum status pageedit_available(struct error *error) MUST_CHECK;

/* `database` is for this alone from now on, and outlives it. */
enum status pageedit_open(struct database *database, struct pageedit **edit,
                          struct error *error) MUST_CHECK;
void pageedit_close(struct pageedit *edit);

/* Within a new transaction that holds the write lock: reads page 1. STATUS_REFUSED where the file
 * is not of the kind that can be edited: reserved bytes, auto_vacuum, a size that is not known. */
enum status pageedit_begin(struct pageedit *edit, struct error *error) MUST_CHECK;
const struct fileheader *pageedit_header(const struct pageedit *edit);
/* What pageedit_begin refuses, by the header alone. */
enum status pageedit_refuse(const struct fileheader *header, struct error *error) MUST_CHECK;

/* A page as this transaction has it by now, good until its end. STATUS_INVALID: the file does not
 * have it. */
enum status pageedit_read(struct pageedit *edit, uint32_t page, const unsigned char **bytes,
                          struct error *error) MUST_CHECK;
/* The same, good until the next one is looked at, and not kept: for many pages. */
enum status pageedit_look(struct pageedit *edit, uint32_t page, const unsigned char **bytes,
                          struct error *error) MUST_CHECK;
/* As pageedit_read, to be changed in place. */
enum status pageedit_change(struct pageedit *edit, uint32_t page, unsigned char **bytes,
                            struct error *error) MUST_CHECK;
/* Bytes of the pages changed so far. */
int64_t pageedit_bytes(const struct pageedit *edit);

/* Hands all changes to SQLite, to be committed by the caller: the pages, page 1 last. `pages` is
 * the size that the file is to have, at most what it has: what lies beyond is cut off. With
 * `schema` everybody reads the schema anew; not in a transaction that cuts something off. */
enum status pageedit_store(struct pageedit *edit, uint32_t pages, bool schema,
                           struct error *error) MUST_CHECK;
/* After the transaction, whichever way it ended: forgets all pages, SQLite's own copies too. */
void pageedit_end(struct pageedit *edit);

#endif
