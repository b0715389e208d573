/*
 * What must be known of a table before rows of it may go: the columns that identify a row, the
 * index that gives rows by age, and what else refers to them.
 */
#ifndef TABLE_H
#define TABLE_H

#include "database.h"
#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_KEY_COLUMNS = 16 };

/* The columns of a row's identity: the rowid by a name that no column shadows, else the primary
 * key or a unique index without NULLs. */
struct table_key {
    char *columns[TABLE_KEY_COLUMNS];
    size_t count;
};

struct table {
    char *name, *column; /* as the schema spells them */
    struct table_key key;
    char *index;       /* on the time column alone or first; NULL: none that can be used */
    bool index_by_key; /* it has the rows of one time in the order of their rowids, the key */
    bool triggers;     /* there are some, of whatever kind */
    bool key_is_time;  /* the time column is the key's first: rows come by age without an index */
    char *integer;     /* the INTEGER PRIMARY KEY, which is the rowid; NULL: none */
};

/* STATUS_REFUSED: no such table or column, a view, a virtual table, or no way to name a row. */
enum status table_load(struct database *database, const char *name, const char *column,
                       struct table *table, struct error *error) MUST_CHECK;
void table_free(struct table *table);

/* The key of any ordinary table. */
enum status table_key_load(struct database *database, const char *name, struct table_key *key,
                           struct error *error) MUST_CHECK;
void table_key_free(struct table_key *key);

/* Appends "a", "b" to `sql`, each with `prefix` before it ("p." or ""). */
void table_key_columns(const struct table_key *key, const char *prefix, struct text *sql);
/* Appends "a" = ?N AND "b" = ?N+1, from parameter `first` on. */
void table_key_equals(const struct table_key *key, const char *prefix, int first, struct text *sql);

#endif
