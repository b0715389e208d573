/* The shape of an index: what an entry consists of, in which order, and how a row gives it. */
#ifndef SHAPE_H
#define SHAPE_H

#include "database.h"
#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value of an entry. */
struct shape_column {
    char *name;      /* the table's column; NULL: an expression, or the rowid */
    char *sql;       /* how a row gives it: the quoted name, or the expression in brackets */
    char *collation; /* "BINARY" */
    bool descending;
    bool real; /* of REAL affinity: an index holds whole numbers as integers then */
};

/* A column whose value the notes of a changed row must have. */
struct shape_noted {
    char *name, *collation;
    const char *affinity; /* the name of a type that has it */
};

/* A value that names the row; in the order of the primary key. */
struct shape_identity {
    size_t at; /* which of the entry's values it is */
    char *collation;
    bool descending;
};

/* A unique key of the table, by which a new row can replace another. */
struct shape_unique {
    struct shape_column *columns; /* `name` NULL: an expression */
    char **otherwise;             /* what NULL becomes in that column, an expression; or NULL */
    size_t count;
    char *where; /* or NULL */
};

struct shape {
    char *index, *table;
    uint32_t root;
    bool unique;
    bool
        computed; /* it has expressions or a condition: what a row gives can be a matter of taste */
    struct shape_column *columns;
    size_t count, keys;              /* behind the first `keys` comes what names the row */
    char *where;                     /* of a partial index, or NULL */
    char *rowid;                     /* what the rowid is called in SQL; NULL: WITHOUT ROWID */
    struct shape_identity *identity; /* what names the row: the rowid, or the primary key */
    size_t identities;
    struct shape_noted *noted;
    size_t noted_count;
    struct shape_unique *uniques;
    size_t unique_count;
    bool generated; /* a unique key has a generated column */
    char *new_row; /* "SELECT NEW.`a` AS `a`, ..." with all columns, for expressions in a trigger */
};

/* Learns it from the schema of `sql`: the database's own connection, or another one to the like of
 * it. STATUS_REFUSED: there is no such index, or it can't be rebuilt online. */
enum status shape_load(struct database *database, sqlite3 *sql, const char *index,
                       struct shape *shape, struct error *error) MUST_CHECK;
void shape_free(struct shape *shape); /* what it holds, not the struct */

/* The name of a type that has the affinity of a declared one: "TEXT"; `strict`: of such a table. */
const char *shape_affinity(const char *type, bool strict);

/* Appends "sql, sql, sql" of the columns, each from a row of the table. */
void shape_add_values(const struct shape *shape, struct text *sql);
/* Appends " AND (condition)" of a partial index. */
void shape_add_where(const struct shape *shape, struct text *sql);
/* Appends a column of NEW in a trigger, or what its NULL becomes. */
void shape_add_new(const char *name, const char *otherwise, struct text *sql);

#endif
