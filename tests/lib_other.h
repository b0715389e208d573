/* Other processes that have "app.db" open, as applications do. */
#ifndef LIB_OTHER_H
#define LIB_OTHER_H

#include <sys/types.h>

struct other;

/* Starts one that opens the database of the current folder, with 5 s of patience. To be called
 * while this process has no connection: SQLite must not be carried over a fork. */
struct other *other_start(void);
/* Has it run SQL; the result code. */
int other_sql(struct other *other, const char *sql);
/* The same in two halves. */
void other_send(struct other *other, const char *sql);
int other_wait(struct other *other);
pid_t other_pid(const struct other *other);
void other_stop(struct other *other);

#endif
