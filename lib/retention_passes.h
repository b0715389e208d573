/*
 * The passes of a retention with an archive: one for each way by which a table refers to the one
 * whose rows are old, the farthest first, and at last that one itself. Each pass lets rows go
 * that nothing refers to any more; so what is referred to when its turn comes, by whatever was
 * inserted or has stayed meanwhile, stays, too.
 */
#ifndef RETENTION_PASSES_H
#define RETENTION_PASSES_H

#include "retention.h"

enum { PASS_DEPTH = 10 }; /* tables on one way: referrers.c follows fewer */

struct referrer;

struct pass {
    struct retention_facts facts;           /* of its table; what refers to it keeps its rows */
    const struct retention_facts *root;     /* of the table whose rows are old; borrowed */
    const struct referrer *way[PASS_DEPTH]; /* from the root down; borrowed */
    size_t depth;                           /* 0: it is the root itself */
    char *condition; /* on a row `p`: what it refers to is to go; NULL at the root */
};

struct passes {
    struct pass *list;
    size_t count;
};

/* The passes for these facts, which must outlive them, as must their referrers. With `follow` false
 * there is one, of the table itself, and its referrers are what they are. */
enum status passes_load(struct engine *engine, const struct retention_facts *facts, bool follow,
                        struct passes *passes, struct error *error) MUST_CHECK;
void passes_free(struct passes *passes); /* safe on one that is all zero */

/* Makes what a condition asks for known to the connection: litekeeper_goes(time). The facts must be
 * there as long as statements use it. */
void passes_offer(struct engine *engine, const struct retention_facts *facts);

struct source;
/* The rows of a pass, whose rows refer to others, that are to go: `columns` (SQL) of each, in the
 * order of the age of what they refer to. retention_follow.c has it. */
enum status source_by_reference(struct engine *engine, const struct pass *pass, int partition,
                                const char *columns, struct source **source,
                                struct error *error) MUST_CHECK;

#endif
