/* The rooms of the lease: its steps (lease.c) and the gaps between them (lease_gap.c). */
#ifndef LEASE_INSIDE_H
#define LEASE_INSIDE_H

#include "lease.h"
#include "lease_holds.h"
#include "pace.h"

struct lease {
    struct database *database;
    struct lease_limits limits;
    struct neighbours *neighbours;
    struct backlog *backlog;
    sqlite3_stmt *begin, *commit;

    bool open;         /* a step is under way */
    bool committed;    /* the last one was */
    double begun_ms;   /* when it got the lock */
    int64_t rows;      /* of this step so far */
    int64_t row_limit; /* after an overrun; grows again */
    int slow_rows;     /* overruns of a single row, with no commit in between */
    double commit_ms;  /* what a commit takes: rises at once, falls slowly */
    double commit_least_ms;
    double blocked_since; /* readers keep commits from happening since; 0: they don't */

    double whole_until_ms; /* when a statement that is a hold by itself is stopped; 0: never */

    double last_hold_ms, last_end_ms;
    enum pace_profile profile;
    uint32_t changes; /* the change counter when last looked at */
    int64_t foreign;  /* commits of others since rate_since_ms */
    double rate;      /* of these, a millisecond */
    double rate_since_ms;
    double learn_ms;   /* how long after that the neighbours are counted again */
    double foreign_ms; /* when the last of them was seen */
    double let_in_ms;  /* when the last gap ended in which a waiter must have got in */

    double first_ms; /* the first lease_begin */
    struct lease_holds holds;
    size_t commit_count;
};

/* Before the first step: a look at how others write, if there are any. */
void lease_first_look(struct lease *lease);
/* Counts the commits of others since the last look; true if there were any. */
bool lease_look(struct lease *lease);
/* Now and then: who is there, and how often do they commit? */
void lease_learn(struct lease *lease);
/* Waits as long as the others need since the last hold. STATUS_CANCELLED: told to stop. */
enum status lease_leave_gap(struct lease *lease, struct error *error) MUST_CHECK;

#endif
