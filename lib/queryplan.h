/*
 * How SQLite would answer a query: the lines of EXPLAIN QUERY PLAN (sqlite.org/eqp.html), and
 * whether one plan is worse than another.
 */
#ifndef QUERYPLAN_H
#define QUERYPLAN_H

#include "database.h"
#include "error.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is kept of a plan; the rest of it is cut off. */
enum { QUERYPLAN_LINES = 24, QUERYPLAN_LINE = 200 /* bytes */ };

struct queryplan {
    char **lines;
    size_t count;
    uint32_t *roots; /* the b-trees of the database that are read, by their first pages */
    size_t root_count;
};

/* Compiles the query, which must be one statement that reads, and never runs it. Whatever is wrong
 * with it is an error: its names may be gone, or the functions that it uses. */
enum status queryplan_ask(struct database *database, const char *sql, struct queryplan *plan,
                          struct error *error) MUST_CHECK;
void queryplan_free(struct queryplan *plan); /* what it holds, not the struct */
bool queryplan_reads(const struct queryplan *plan, uint32_t root);

/* The lines as an array, and back; what is no plan gives an empty one. */
json_t *queryplan_json(const struct queryplan *plan);
void queryplan_load(const json_t *json, struct queryplan *plan);
/* Appends "SCAN t; USE TEMP B-TREE FOR ORDER BY". */
void queryplan_say(const struct queryplan *plan, struct text *text);

/* Pure. Whether `now` is worse than `before`, and then what is. In this order, and the next only if
 * there is no difference: more tables or indexes are read as a whole; an access has become worse
 * and none better: it searches by fewer columns, or has to look into the table besides; more is
 * sorted. An empty plan is neither better nor worse than any. */
bool queryplan_worse(const struct queryplan *before, const struct queryplan *now, struct text *why);

#endif
