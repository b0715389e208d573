/*
 * A row as one line of JSON: an object with a key for each column, in the table's order, and a
 * newline. Generated columns are among them; so is the rowid, first, where a table has one that no
 * column of it shows.
 */
#ifndef ARCHIVE_ROW_H
#define ARCHIVE_ROW_H

#include "archive_value.h"
#include "database.h"
#include "table.h"

struct archive_column {
    char *name, *type; /* as declared; "rowid" and INTEGER for a rowid that no column shows */
    bool hidden;       /* it is such a rowid */
    bool generated;
    char *json; /* `{"name":` or `,"name":` */
    size_t json_length;
};

struct archive_columns {
    struct archive_column *list;
    size_t count;
    size_t time;                              /* where the time column is, ... */
    size_t key[TABLE_KEY_COLUMNS], key_count; /* ... and those of the key, in its order */
};

/* STATUS_REFUSED: a name that is not UTF-8, or none that JSON could have. */
enum status archive_columns_load(struct database *database, const struct table *table,
                                 struct archive_columns *columns, struct error *error) MUST_CHECK;
/* Adds one column; STATUS_REFUSED as above. */
enum status archive_columns_add(struct archive_columns *columns, const char *name, const char *type,
                                struct error *error) MUST_CHECK;
bool archive_columns_find(const struct archive_columns *columns, const char *name, size_t *found);
void archive_columns_free(struct archive_columns *columns);
/* Whether both are the same names in the same order. */
bool archive_columns_same(const struct archive_columns *one, const struct archive_columns *other);
/* Appends `a`, `b` to SQL. */
void archive_columns_sql(const struct archive_columns *columns, struct text *sql);

struct archive_row {
    struct archive_value *values; /* as many as there are columns */
    size_t count;
    json_t *json;      /* that they were read from; NULL */
    struct text bytes; /* the same, of archive_row_read */
};

void archive_row_init(const struct archive_columns *columns, struct archive_row *row);
void archive_row_free(struct archive_row *row);

/* The row of a statement, its columns from number `first` on. */
void archive_row_of(sqlite3_stmt *statement, int first, struct archive_row *row);
/* Appends the line. */
void archive_row_write(const struct archive_columns *columns, const struct archive_row *row,
                       struct text *line);
/* Reads a line (its newline aside, behind which memory goes on) fast, as long as it is as we write
 * them; else by the parser below. STATUS_INVALID: it is not a row of these columns. */
enum status archive_row_read(const struct archive_columns *columns, const char *line, size_t length,
                             struct archive_row *row, struct error *error) MUST_CHECK;
/* Reads a line by another parser than ours, as anybody does. */
enum status archive_row_parse(const struct archive_columns *columns, const char *line,
                              size_t length, struct archive_row *row,
                              struct error *error) MUST_CHECK;
/* archive_line.c: the fast half of archive_row_read; false: the line is not as we write them. The
 * values may have been changed in either case. */
bool archive_line_parse(const struct archive_columns *columns, const char *line, size_t length,
                        struct archive_row *row);
/* Whether both have the same values, to the bit. */
bool archive_row_same(const struct archive_row *one, const struct archive_row *other);
/* Adds its values to the digest of the rows. */
void archive_row_digest(const struct archive_row *row, struct digest *digest);

#endif
