/*
 * What refers to the rows of a table by foreign keys, and what becomes of it when a row goes:
 * RESTRICT and NO ACTION children keep their parent; CASCADE children go before it, in steps;
 * SET NULL children are cut loose before it, in steps; SET DEFAULT is left to SQLite's own action.
 */
#ifndef REFERRERS_H
#define REFERRERS_H

#include "database.h"
#include "error.h"
#include "table.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

struct referrers;

/* All that refer to `table`, and in turn to what would go with it. STATUS_REFUSED: a cascade
 * that comes back to a table that it began from, or whose columns compare in different ways. */
enum status referrers_load(struct database *database, const char *table,
                           struct referrers **referrers, struct error *error) MUST_CHECK;
void referrers_free(struct referrers *referrers);

/* Names the children that would change or go when rows go ("worklog_notes (CASCADE)"), NULL if
 * there are none; the caller's to free. */
char *referrers_dependents(const struct referrers *referrers);
bool referrers_none(const struct referrers *referrers);
bool referrers_restrict(const struct referrers *referrers); /* any that keep their parents */

/* Names the indexes that children lack, as statements; NULL if none; the caller's to free. */
char *referrers_missing_indexes(const struct referrers *referrers);

/* The same tables, but whatever refers keeps what it refers to; the caller's to free. */
struct referrers *referrers_keepers(const struct referrers *referrers);
/* Whether all that would go or change can be archived: STATUS_REFUSED says what can't. */
enum status referrers_check_archive(const struct referrers *referrers,
                                    struct error *error) MUST_CHECK;
/* Calls `each` with the name of every table that would go or change, however far away, some more
 * than once, till it fails. */
enum status referrers_tables(const struct referrers *referrers,
                             enum status (*each)(void *argument, const char *table,
                                                 struct error *error),
                             void *argument, struct error *error) MUST_CHECK;

/* Appends " AND NOT EXISTS (...)" for every child that keeps the row called `alias`. */
void referrers_unblocked(const struct referrers *referrers, const char *alias, struct text *sql);

/* The statements that clear a row's dependents, deepest first. Each takes the row's key as ?1 to
 * ?n and as the next parameter how many rows it may take. They are the caller's. */
enum status referrers_statements(struct database *database, const struct referrers *referrers,
                                 const struct table *table, sqlite3_stmt ***statements,
                                 size_t *count, struct error *error) MUST_CHECK;

#endif
