/* Sorts the entries of a new index, in a temporary file of SQLite's. */
#ifndef REBUILD_SORT_H
#define REBUILD_SORT_H

#include "rebuild_inside.h"
#include "rowlist.h"

struct sort;

enum status sort_open(struct rebuild *rebuild, struct sort **sort, struct error *error) MUST_CHECK;
void sort_close(struct sort *sort);

/* Takes an entry, the first values of the row. */
enum status sort_add(struct sort *sort, sqlite3_stmt *row, struct error *error) MUST_CHECK;
/* Of what was taken so far. */
int64_t sort_entries(const struct sort *sort);
int64_t sort_bytes(const struct sort *sort);

/* Gives the next entries in the order of the index, some thousands or a few megabytes; none at the
 * end. The first call sorts. */
enum status sort_next(struct sort *sort, struct rowlist *list, struct error *error) MUST_CHECK;

#endif
