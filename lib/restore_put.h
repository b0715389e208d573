/*
 * Puts rows of one segment into a table, one at a time, and says of each what became of it: it was
 * missing, it is there already, another one is in its place, or a constraint or trigger keeps it
 * out. Transactions and locks are the caller's.
 */
#ifndef RESTORE_PUT_H
#define RESTORE_PUT_H

#include "archive_row.h"
#include "database.h"
#include "rowlist.h"

#include <jansson.h>

struct restore_column {
    char *name;
    bool generated, required; /* required: NOT NULL */
    int key; /* its place in the declared primary key, from 1; 0: it is not in it */
};

/* The table as it is now. */
struct restore_target {
    sqlite3 *sql;
    struct database *database; /* whose connection it is; NULL: it is a file of our own */
    const char *table;
    struct restore_column *columns;
    size_t count;
    const char *rowid; /* a name of the rowid that no column has; NULL: none */
    bool refers;       /* it has foreign keys, ... */
    bool refers_self;  /* ... and some to itself */
    bool resolves;     /* it says itself what becomes of conflicts: ON CONFLICT REPLACE */
};

/* STATUS_REFUSED: there is no such table. */
enum status restore_target_load(sqlite3 *sql, struct database *database, const char *table,
                                struct restore_target *target, struct error *error) MUST_CHECK;
void restore_target_free(struct restore_target *target);
const struct restore_column *restore_target_find(const struct restore_target *target,
                                                 const char *name);
/* What SQLite's last error there means. */
enum status restore_target_failed(const struct restore_target *target, struct error *error);

enum restore_fate {
    RESTORE_PUT,
    RESTORE_THERE,   /* the same is there, value by value */
    RESTORE_OTHER,   /* its key is there with other values */
    RESTORE_REFUSED, /* see `refusal` */
    RESTORE_FATES
};

struct restore_put;

/* Rows of these columns, which is borrowed like the target. A row is known by the declared primary
 * key, or else by its rowid, or by the key that the archive has. `left_out` gets the names of
 * columns that the table has no more. STATUS_REFUSED: the table lacks what tells rows apart. */
enum status restore_put_open(const struct restore_target *target,
                             const struct archive_columns *columns, json_t *left_out,
                             struct restore_put **put, struct error *error) MUST_CHECK;
void restore_put_close(struct restore_put *put); /* safe on NULL */

/* Adds a row to a list as restore_put_row wants it. */
void restore_put_add(const struct restore_put *put, const struct archive_row *row,
                     struct rowlist *list);
/* Puts it. `*anew`: its rowid is another row's, so it got a new one; that is only where the row
 * has a declared key. */
enum status restore_put_row(struct restore_put *put, const struct rowlist *list, size_t row,
                            enum restore_fate *fate, bool *anew, struct error *error) MUST_CHECK;
/* Why the last row was refused. */
const char *restore_put_refusal(const struct restore_put *put);
/* The row's key as JSON: 17, ["a",2]; the caller's to free. */
char *restore_put_name(const struct restore_put *put, const struct rowlist *list, size_t row);

/* Looks at a row that was put. `*same`: all of it is what it was; `*computed`: and so is what the
 * table computes itself. */
enum status restore_put_check(struct restore_put *put, const struct rowlist *list, size_t row,
                              bool *same, bool *computed, struct error *error) MUST_CHECK;

#endif
