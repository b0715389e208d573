/* What the rooms of the restless application share. */
#ifndef LIB_RESTLESS_INSIDE_H
#define LIB_RESTLESS_INSIDE_H

#include "lib_restless.h"
#include "text.h"

#include <sqlite3.h>

/* --- what it says (lib_restless_sql.c) ---------------------------------------------------- */

/* Ids are below `range`. `strangers`: other libraries are beside, which visit rows in other
 * orders, so no statement whose effect depends on that. */
void restless_know(int range, bool strangers);
/* Whether `rowid` is something in t, which this library may know or not. */
void restless_know_table(sqlite3 *db);
char *restless_expand(const char *template, uint64_t *random);

/* --- what it does ------------------------------------------------------------------------- */

/* Runs a statement, and adds all that an application can see of it. */
int restless_run(sqlite3 *db, sqlite3_stmt *statement, struct text *seen);
/* Prepares it first; fills in `*kept`, or finalizes it if that is NULL. */
int restless_run_text(sqlite3 *db, const char *sql, sqlite3_stmt **kept, struct text *seen);
_Noreturn void restless_fail(sqlite3 *db, const char *sql, const char *what);
/* Whether these two databases have the same rows in all tables; says which table differs. */
bool restless_same(sqlite3 *one, sqlite3 *two);

/* --- its story (lib_restless_story.c) ----------------------------------------------------- */

/* Within a transaction: what is about to be done, and what came of it. The result code. */
int story_add(sqlite3 *db, const char *sql, bool recursive, int64_t *n);
int story_end(sqlite3 *db, int64_t n, const char *seen);

#endif
