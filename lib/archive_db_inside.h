/* What the parts of archive_db.h share. */
#ifndef ARCHIVE_DB_INSIDE_H
#define ARCHIVE_DB_INSIDE_H

#include "archive_db.h"

struct archive_db {
    sqlite3 *sql;
    char *name;        /* of the file */
    char *table;       /* the archived one's name */
    const char *rowid; /* by which its rows are addressed; NULL: not known yet */
};

/* Opens the manifest's file. To be written it is made where it is missing, with that mode; to be
 * read it must be there (STATUS_INVALID), and nothing of it changes. */
enum status db_open(int folder, const struct archive_manifest *manifest, bool write, mode_t mode,
                    struct archive_db *db, struct error *error) MUST_CHECK;
void db_close(struct archive_db *db);

/* Says what SQLite has to say of this file, and returns it as a status. */
enum status db_failed(const struct archive_db *db, struct error *error);
enum status db_do(const struct archive_db *db, const char *sql, struct error *error) MUST_CHECK;
enum status db_prepare(const struct archive_db *db, const char *sql, sqlite3_stmt **statement,
                       struct error *error) MUST_CHECK;
enum status db_step(const struct archive_db *db, sqlite3_stmt *statement, bool *row,
                    struct error *error) MUST_CHECK;
/* Which of a table's three names for its rowid none of its columns has. */
enum status db_find_rowid(struct archive_db *db, struct error *error) MUST_CHECK;

/* What the file says of a segment. */
struct db_segment {
    bool found;
    int64_t first, last; /* rowids */
    char sha256_rows[DIGEST_HEX];
};
enum status db_find_segment(const struct archive_db *db, const char *name,
                            struct db_segment *segment, struct error *error) MUST_CHECK;
/* A statement with the columns of its rows. */
enum status db_select(const struct archive_db *db, const struct archive_columns *columns,
                      const struct db_segment *segment, sqlite3_stmt **select,
                      struct error *error) MUST_CHECK;

#endif
