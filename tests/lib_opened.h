/* An application's database in a folder of the test's own, and litekeeper's way of opening it. */
#ifndef LIB_OPENED_H
#define LIB_OPENED_H

#include "database.h"

#include <sqlite3.h>

extern struct engine_writer opened_writer; /* the host's */
extern bool opened_stop;                   /* what the host answers when it is asked to go on */
extern void (*opened_asked)(void);         /* called before it does; NULL: nothing */

/* Before and after each test: the folder, in which the test then stands. */
void opened_set_up(void);
void opened_tear_down(void);

/* The application's connection to "app.db", with 5 s of patience; made when first asked for. */
sqlite3 *opened_app(void);
/* Runs SQL as the application; it must not fail. */
void opened_sql(const char *sql);
int64_t opened_value(const char *sql);

/* "app.db" as a worker opens it; opened_tear_down closes it. It must not fail. */
struct database *opened_database(enum database_mode mode);
/* The same as database_open() tells it. */
enum status opened_try(enum database_mode mode, double busy_ms, struct database **database,
                       struct error *error);
void opened_close(void);           /* both connections, before the end of the test */
void opened_make(const char *sql); /* the database by such SQL, and closes it */

#endif
