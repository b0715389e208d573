/* A compact list of rows' values, read from one statement and bound to others later. */
#ifndef ROWLIST_H
#define ROWLIST_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. */
struct rowlist {
    bool wide; /* text is kept as UTF-16, as a database of that encoding has it: not all of what it
                  may hold can be said in UTF-8 */
    uint8_t *bytes;
    size_t length, capacity;
    size_t *starts; /* where in `bytes` each row begins */
    size_t count, start_capacity;
};

/* Adds the first `columns` columns of the statement's row. */
void rowlist_add(struct rowlist *list, sqlite3_stmt *row, int columns);
/* Binds values `from` and on of a row to parameters 1 and on of `statement`, as many as
 * `columns`; the list must not change while they are bound. */
void rowlist_bind(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement);
/* Gives one value as that of a function or a column. */
void rowlist_give(const struct rowlist *list, size_t row, int column, sqlite3_context *context);
void rowlist_clear(struct rowlist *list);
void rowlist_free(struct rowlist *list);

#endif
