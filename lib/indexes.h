/*
 * The parts of indexes: what the policy wants (indexes_options.c), what there is
 * (indexes_measure.c, indexes_watch.c), whether anything is to be done (indexes_decide.c, pure),
 * and doing it (indexes_run.c, indexes_build.c, indexes_drop.c). task_indexes.c is the room that
 * they are entered from.
 */
#ifndef INDEXES_H
#define INDEXES_H

#include "error.h"
#include "indexdef.h"
#include "outcome.h"
#include "queryplan.h"
#include "task.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;

/* One of `ensure`: a statement, or its parts. */
struct indexes_wanted {
    char *sql, *name, *table, *where;
    struct option_texts columns;
    bool unique;
};

struct indexes_options {
    struct task_common common;
    struct option_texts watch, drop;
    struct option_list ensure; /* struct indexes_wanted */
};

extern const struct option indexes_options[];
/* The check of all of them together. */
const char *indexes_check(const void *values, char *why);
/* What it wants, of either kind. */
enum status indexes_define(const struct indexes_wanted *wanted, struct indexdef *def,
                           struct error *error) MUST_CHECK;

/* --- facts -------------------------------------------------------------------------------- */

enum indexes_state {
    INDEXES_THERE,
    INDEXES_ONLINE,  /* missing, and can be built while the application writes */
    INDEXES_OFFLINE, /* missing, and can't: `why` */
    INDEXES_WRONG    /* it can't be had at all: `why` */
};

/* An index that must be there. */
struct indexes_item {
    struct indexdef def;
    enum indexes_state state;
    char *why;
    int64_t rows; /* of its table, about, where it is missing */
};

/* An index that must not. */
struct indexes_old {
    char *name, *table; /* as the schema has them; of one that is gone the policy's, and NULL */
    bool there;
    bool offline; /* it is too large for one step, and can't be emptied in steps: `why` */
    char *why;
    char *keep;    /* why it stays, whatever the queries do: it is unique, for one */
    uint32_t root; /* where it begins */
    int64_t bytes;
};

/* A query that is watched. */
struct indexes_query {
    const char *sql;
    char *error;            /* why it can't be compiled; NULL: it can */
    struct queryplan first; /* as it was when the run began */
    struct queryplan plan;  /* as it is since something was built or dropped; empty: nothing was */
    struct queryplan known; /* as an earlier run has recorded it, at its best; empty: none has */
    char *worse;            /* what is worse about it now; NULL: nothing is */
    bool worse_than_first;  /* ... than `first`; else than `known` */
};

struct indexes_facts {
    struct indexes_item *items;
    size_t count;
    struct indexes_old *olds;
    size_t old_count;
    struct indexes_query *queries;
    size_t query_count;
    bool watched; /* the queries' first plans are there */
    double max_lock_seconds;
};

enum status indexes_measure(struct engine *engine, const void *options, void **facts,
                            struct error *error) MUST_CHECK;
void indexes_free_facts(void *facts);

/* Asks for all plans (indexes_watch.c): the first time as they are, then as they have become. */
enum status indexes_watch(struct engine *engine, struct indexes_facts *facts,
                          struct error *error) MUST_CHECK;
/* As the query is answered now. */
const struct queryplan *indexes_plan(const struct indexes_query *query);
/* What earlier runs have recorded. */
void indexes_watch_known(struct indexes_facts *facts, const json_t *effect);
/* Pure: fills in `worse`. `accept`: the plans as they are are what later ones are held to. */
void indexes_watch_judge(struct indexes_facts *facts, bool accept);

/* --- pure: indexes_decide.c --------------------------------------------------------------- */

/* Why an index stays that should be dropped, appended to `why`; false: it can go. */
bool indexes_keeps(const struct indexes_facts *facts, const struct indexes_old *old,
                   struct text *why);
/* How long building one takes, or dropping one. */
double indexes_build_seconds(const struct indexes_item *item);
double indexes_drop_seconds(const struct indexes_old *old);
void indexes_decide(const void *options, const void *facts, int64_t now_us,
                    struct decision *decision);
/* "1 index", "4 indexes", into a buffer of TEXT_SHORT bytes, which it returns. */
char *indexes_counted(char *buffer, int64_t number);
/* "; of 5 watched plans 1 is worse: ..."; nothing where there are none. */
void indexes_say_watched(const struct indexes_facts *facts, struct text *reason);

/* --- the effect: indexes_effect.c --------------------------------------------------------- */

/* Each text in it is cut and harmless, and all of it fits into an event. */
json_t *indexes_effect_new(void);
void indexes_effect_add(json_t *effect, const char *list, json_t *what);
json_t *indexes_effect_text(const char *hostile);
json_t *indexes_effect_long(const char *hostile); /* as much as an event takes */
/* Adds the plans: what the next run finds. */
void indexes_effect_plans(json_t *effect, const struct indexes_facts *facts);
json_t *indexes_look(const void *options, const void *facts);
/* The plan that an effect has of a query as the one to be held to; NULL: none. */
const json_t *indexes_effect_known(const json_t *effect, const char *sql);

/* --- acting ------------------------------------------------------------------------------- */

struct indexes_run {
    struct engine *engine;
    struct indexes_facts *facts;
    int64_t built, dropped, rows, bytes; /* indexes, and what they had */
    double seconds;                      /* of building */
    int64_t late;                        /* would not end inside the window */
    int64_t wrong;                       /* could not be built or dropped ... */
    struct text names;                   /* of the built */
    struct text why;                     /* ... each by name, and why */
    bool failed;                         /* one of them for what is no guard's doing */
    const char *violating; /* while a problem is noted: the keys that several rows have; or NULL */
    bool drain;            /* a long hold has filled the log */
    json_t *effect;
};

enum status indexes_run(struct engine *engine, const void *options, void *facts,
                        struct outcome *outcome, struct error *error) MUST_CHECK;
/* What is wrong with one index is no reason to leave the others: notes it, and passes on what ends
 * the run. */
enum status indexes_problem(struct indexes_run *run, const char *name, enum status status,
                            const struct error *error);
/* Whether what is one hold of that length would not end inside the window that it needs: counts it.
 * `*windowed`: it needs one. */
bool indexes_late(struct indexes_run *run, double seconds, bool *windowed);
enum status indexes_build(struct indexes_run *run, struct error *error) MUST_CHECK;
enum status indexes_drop(struct indexes_run *run, struct error *error) MUST_CHECK;

#endif
