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

struct archive_value;

/* Adds the first `columns` columns of the statement's row. */
void rowlist_add(struct rowlist *list, sqlite3_stmt *row, int columns);
/* Adds a row value by value: first this, then each of its values. */
void rowlist_begin(struct rowlist *list);
void rowlist_add_value(struct rowlist *list, const struct archive_value *value);
/* Whether values `from` and on of a row are those of the statement's row, as many as `columns`:
 * types, bits and bytes. */
bool rowlist_same(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement);
/* The same of one value: number `from` + `column` and that column of the statement. */
bool rowlist_same_at(const struct rowlist *list, size_t row, int from, size_t column,
                     sqlite3_stmt *statement);
/* One value of a row; its bytes are the list's, until that changes. */
void rowlist_value_at(const struct rowlist *list, size_t row, int column,
                      struct archive_value *value);
/* Binds values `from` and on of a row to parameters 1 and on of `statement`, as many as
 * `columns`; the list must not change while they are bound. */
void rowlist_bind(const struct rowlist *list, size_t row, int from, int columns,
                  sqlite3_stmt *statement);
/* Gives one value as that of a function or a column. */
void rowlist_give(const struct rowlist *list, size_t row, int column, sqlite3_context *context);
void rowlist_clear(struct rowlist *list);
void rowlist_free(struct rowlist *list);

#endif
