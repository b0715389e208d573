/* The rows of the two large tables, logs and worklogs, as a life of years would have left them. */
#ifndef ROWS_H
#define ROWS_H

#include "stamp.h"

#include <sqlite3.h>
#include <stdint.h>

/* Which rows have gone again. */
enum rows_loss {
    ROWS_THIRD,    /* two stretches of nine, and every seventh of the others */
    ROWS_NONE,     /* all are there */
    ROWS_STRETCHES /* four stretches of nine: what stays is as it was, and pages are free */
};

struct rows_plan {
    int64_t count;  /* rows that are there in the end */
    int64_t days;   /* they are spread over so many, up to now_us */
    int64_t now_us; /* when the newest row was written */
    int64_t seed;   /* the same seed, the same rows */
    enum rows_loss loss;
};

/* Each fills its table, which must be empty. As everywhere in these programs, the process ends
 * with a message when SQLite fails. */
void rows_logs(sqlite3 *db, const struct rows_plan *plan, const struct stamp_format *format);
void rows_worklogs(sqlite3 *db, const struct rows_plan *plan);

/* Deletes what the plans inserted beyond their counts. */
void rows_lose(sqlite3 *db, const struct rows_plan *logs, const struct rows_plan *worklogs);

/* The rows that refer to worklogs: of every fifth. */
void rows_classifications(sqlite3 *db);

#endif
