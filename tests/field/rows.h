/* The rows of the two large tables, logs and worklogs, as a life of years would have left them. */
#ifndef ROWS_H
#define ROWS_H

#include "stamp.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct rows_plan {
    int64_t count;    /* rows that are there in the end */
    int64_t days;     /* they are spread over so many, up to now_us */
    int64_t now_us;   /* when the newest row was written */
    int64_t seed;     /* the same seed, the same rows */
    bool delete_none; /* else half as many again are inserted and then deleted */
};

/* Each fills its table, which must be empty. As everywhere in these programs, the process ends
 * with a message when SQLite fails. */
void rows_logs(sqlite3 *db, const struct rows_plan *plan, const struct stamp_format *format);
void rows_worklogs(sqlite3 *db, const struct rows_plan *plan);

/* Deletes what the plans inserted beyond their counts; not to be called where they have
 * `delete_none`. */
void rows_delete_third(sqlite3 *db, const struct rows_plan *logs, const struct rows_plan *worklogs);

/* The rows that refer to worklogs: of every fifth. */
void rows_classifications(sqlite3 *db);

#endif
