/* Sorts the entries of a new index, in temporary files of SQLite's. */
#ifndef REBUILD_SORT_H
#define REBUILD_SORT_H

#include "rebuild_inside.h"
#include "rowlist.h"

struct sort;

/* Walks over the table to its end and sorts what it gives. */
enum status sort_rows(struct rebuild *rebuild, struct sort **sort, struct error *error) MUST_CHECK;
void sort_close(struct sort *sort);

int64_t sort_entries(const struct sort *sort);
int64_t sort_bytes(const struct sort *sort); /* that they will take in the index, about */

/* Gives the next entries in the order of the index, some thousands or a few megabytes; none at the
 * end. */
enum status sort_next(struct sort *sort, struct rowlist *list, struct error *error) MUST_CHECK;

#endif
