/* How shape.c and shape_table.c, which learn a shape together, ask a schema. */
#ifndef SHAPE_INSIDE_H
#define SHAPE_INSIDE_H

#include "shape.h"

struct shape_loader {
    struct database *database;
    sqlite3 *sql;
    struct shape *shape;
    bool strict; /* the table is */
};

/* Prepares a query about one or two names. */
enum status shape_query(const struct shape_loader *loader, const char *query, const char *one,
                        const char *two, sqlite3_stmt **statement, struct error *error) MUST_CHECK;
enum status shape_step(const struct shape_loader *loader, sqlite3_stmt *statement, bool *row,
                       struct error *error) MUST_CHECK;
/* A text of the row, the caller's to free; NULL for NULL. */
char *shape_text(sqlite3_stmt *row, int column);
/* The quoted name, or an expression in brackets. */
char *shape_value(const char *name, const char *expression);

/* What names a row of the table. */
enum status shape_load_identity(struct shape_loader *loader, struct error *error) MUST_CHECK;
/* The unique keys of the table. */
enum status shape_load_uniques(struct shape_loader *loader, struct error *error) MUST_CHECK;

#endif
