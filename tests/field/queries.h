/* The queries that a policy's task indexes watches: how they are answered, and how fast. */
#ifndef QUERIES_H
#define QUERIES_H

#include "option.h"

#include <stdbool.h>

/* What its owners' plan says of each (sections 5.1 and 9 of it), in the policy's order. */
struct query_promise {
    const char *name, *before, *after;
    const char *index; /* by which it is to be answered; NULL: as before */
};

enum { QUERIES = 5 };
extern const struct query_promise query_promises[QUERIES];

struct query_figures {
    char *plan; /* the lines of EXPLAIN QUERY PLAN, with "; " between them; the caller's */
    double ms;  /* the median of a few runs, once the cache is warm */
};

/* The policy's queries; ends the process if they are not the QUERIES that it knows of. They stay
 * for as long as the process. */
const struct option_texts *queries_load(const char *policy);
void queries_measure(const char *database, const struct option_texts *queries,
                     struct query_figures figures[QUERIES]);
void queries_print(const struct query_figures before[QUERIES],
                   const struct query_figures after[QUERIES]);
/* Whether each is answered by the index that it was promised. */
bool queries_kept(const struct query_figures after[QUERIES]);

#endif
