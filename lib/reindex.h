/*
 * The parts of reindex: what is measured (reindex_measure.c), whether a rebuild is worth it and
 * whether it would help (reindex_decide.c, reindex_reason.c, pure), and the rebuild, index by index
 * (reindex_run.c), online or by REINDEX in the window (reindex_offline.c). task_reindex.c is the
 * room that they are entered from.
 */
#ifndef REINDEX_H
#define REINDEX_H

#include "error.h"
#include "outcome.h"
#include "task.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct text;

enum reindex_mode { REINDEX_AUTO, REINDEX_ONLINE, REINDEX_OFFLINE };

struct reindex_options {
    struct task_common common;
    double fragmentation_above, density_below;
    int64_t min_size;
    int mode; /* enum reindex_mode */
};

/* What became of an index the last time that it was rebuilt. */
struct reindex_past {
    bool known, online;
    double fragmentation_before, fragmentation;
    double density_before, density;
};

struct reindex_index {
    char *name, *table;
    int64_t bytes, entries, table_bytes;
    double fragmentation, density;
    double forecast; /* the fragmentation that REINDEX would leave */
    char *wrong;     /* why it can't be rebuilt: a collation that we lack, damage; NULL: it can */
    char *barred;    /* why it can't be online; NULL: it can */
    struct reindex_past past;
};

struct reindex_facts {
    struct reindex_index *indexes;
    size_t count;
    double max_lock_seconds;
    double pace;    /* how much longer than guessed the last run took; 1: nothing is known */
    json_t *effect; /* the last run's; the job's */
};

/* --- pure: reindex_decide.c, reindex_reason.c --------------------------------------------- */

enum reindex_verdict {
    REINDEX_SMALL,   /* below min_size */
    REINDEX_FINE,    /* neither threshold is passed */
    REINDEX_WRONG,   /* one is, but it can't be rebuilt */
    REINDEX_BARRED,  /* one is, but it can't be rebuilt online, and nothing else is wanted */
    REINDEX_SPARSE,  /* rebuild: it is filled too little */
    REINDEX_ORDERED, /* rebuild: it is fragmented, and will be less so */
    REINDEX_FUTILE,  /* it is fragmented, and would stay so */
    REINDEX_TRIED    /* it has been rebuilt for that before, and it did not help */
};

enum reindex_verdict reindex_judge(const struct reindex_options *options,
                                   const struct reindex_index *index);
bool reindex_worth(const struct reindex_options *options, const struct reindex_index *index);
/* Whether it is rebuilt while the application writes, or by REINDEX in the window. */
bool reindex_online(const struct reindex_options *options, const struct reindex_index *index);
/* Whether --force would take it. */
bool reindex_may(const struct reindex_options *options, const struct reindex_index *index);
/* Why, or why not, of all of them. */
void reindex_say(const struct reindex_options *options, const struct reindex_facts *facts,
                 struct text *reason);
/* How long its rebuild may take. */
double reindex_seconds(const struct reindex_options *options, const struct reindex_facts *facts,
                       const struct reindex_index *index);
void reindex_decide(const void *options, const void *facts, int64_t now_us,
                    struct decision *decision);

/* --- measuring and acting ----------------------------------------------------------------- */

enum status reindex_measure(struct engine *engine, const void *options, void **facts,
                            struct error *error) MUST_CHECK;
/* One index once more, after its rebuild: all but `forecast`, `wrong` and `past`. */
enum status reindex_measure_again(struct engine *engine, struct reindex_index *index,
                                  struct error *error) MUST_CHECK;
void reindex_free_facts(void *facts);
/* REINDEX, in one hold. STATUS_BUSY, too, where the window has closed meanwhile. */
enum status reindex_offline(struct engine *engine, const struct reindex_index *index, bool windowed,
                            struct error *error) MUST_CHECK;
enum status reindex_run(struct engine *engine, const void *options, void *facts,
                        struct outcome *outcome, struct error *error) MUST_CHECK;

/* The effect, and what the next run finds in it (reindex_effect.c). */
json_t *reindex_effect_new(void);
void reindex_effect_add(json_t *effect, const struct reindex_index *before,
                        const struct reindex_index *after, bool online, double expected,
                        double took);
/* Takes along what an earlier effect knows of the indexes that this one has not. */
void reindex_effect_keep(json_t *effect, const json_t *earlier);
void reindex_effect_past(const json_t *effect, const char *index, struct reindex_past *past);
double reindex_effect_pace(const json_t *effect);

#endif
