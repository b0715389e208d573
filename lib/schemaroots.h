/*
 * The root pages of all b-trees, and where in the pages of the schema's table each of their numbers
 * stands (fileformat2.html#storage_of_the_sql_database_schema: the fourth column of sqlite_schema),
 * as one write transaction has them.
 */
#ifndef SCHEMAROOTS_H
#define SCHEMAROOTS_H

#include "error.h"
#include "pageedit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schemaroot {
    uint32_t root;   /* the page */
    uint32_t page;   /* of the schema: its row is there ... */
    uint32_t at;     /* ... and the number at this byte, ... */
    uint32_t length; /* ... big-endian, so many bytes */
};

/* Zero-initialised it is empty, and keeps its memory. */
struct schemaroots {
    struct schemaroot *items; /* by `root` */
    size_t count, room;
};

/* Reads the schema's pages. STATUS_REFUSED: the number of a root can't be reached, since its row
 * goes on in overflow pages before it, or the schema is damaged; and which page it is. */
enum status schemaroots_load(struct schemaroots *roots, struct pageedit *edit,
                             struct error *error) MUST_CHECK;
/* The b-tree that has its root there; NULL: none. */
const struct schemaroot *schemaroots_find(const struct schemaroots *roots, uint32_t root);
/* Whether a row with a root's number is on that page. */
bool schemaroots_on(const struct schemaroots *roots, uint32_t page);
/* Writes another number into the row. It is less than the one that is there, so it fits. */
enum status schemaroots_move(const struct schemaroot *root, struct pageedit *edit, uint32_t to,
                             struct error *error) MUST_CHECK;
void schemaroots_free(struct schemaroots *roots); /* what it holds, not the struct */

#endif
