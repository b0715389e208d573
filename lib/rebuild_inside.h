/* What the rooms of a rebuild share. */
#ifndef REBUILD_INSIDE_H
#define REBUILD_INSIDE_H

#include "rebuild.h"
#include "rebuild_range.h"
#include "shape.h"

#define REBUILD_COPY   "_litekeeper_copy"
#define REBUILD_NOTES  "_litekeeper_notes"
#define REBUILD_LEASE  "_litekeeper_lease"
#define REBUILD_FILLED "_litekeeper_filled"
/* Imposters: known to our connection alone, until the schema changes. */
#define REBUILD_OLD "_litekeeper_old"
#define REBUILD_NEW "_litekeeper_new"

enum { REBUILD_BATCH = 128 /* rows of the first statement */ };

struct rebuild {
    struct database *database;
    struct lease *lease;
    const struct rebuild_limits *limits;
    struct rebuild_result *result;
    struct shape shape;
    char *create;       /* the statement of a new index; NULL: it is rebuilt */
    int64_t schema;     /* the schema's version as it must stay */
    bool wide;          /* its text is UTF-16, of which not all can be said in UTF-8 */
    bool installed;     /* our tables and triggers are there */
    bool snapshot;      /* all that is read is of one moment: no pauses, no steps in between */
    uint32_t copy_root; /* the page where the copy begins */
    double lease_s;     /* what the triggers are granted at a time */
    double renewed_ms;  /* when they were last */
    int64_t index_pages, index_entries; /* what the index has, or will have, about */
    int64_t batch;                      /* rows that a statement should take */
    int overruns;                       /* steps in a row that took too long and were rolled back */
};

/* --- steps (rebuild_step.c) --------------------------------------------------------------- */

/* What is done while the lock is held; it stops when lease_spent(). */
typedef enum status rebuild_work(struct rebuild *rebuild, void *argument, struct error *error);

/* One step: the schema must still be ours and the triggers alive. `*done` false: it was rolled
 * back and is to be done again, with a smaller batch. */
enum status rebuild_step(struct rebuild *rebuild, rebuild_work *work, void *argument, bool *done,
                         struct error *error) MUST_CHECK;
/* The same while there is nothing of ours in the schema yet, or no more. */
enum status rebuild_plain_step(struct rebuild *rebuild, rebuild_work *work, void *argument,
                               bool *done, struct error *error) MUST_CHECK;
/* Makes the batch fit: a statement should take at most a tenth of max_lock. */
void rebuild_size_batch(struct rebuild *rebuild, double statement_ms);
/* How long one read may take, in milliseconds, and the pause between two. */
double rebuild_slice_ms(const struct rebuild *rebuild);
void rebuild_slice_gap(const struct rebuild *rebuild);
/* STATUS_CANCELLED where the schema is another one than when we began. */
enum status rebuild_check_schema(struct rebuild *rebuild, struct error *error) MUST_CHECK;
void rebuild_progress(const struct rebuild *rebuild, int64_t entries, int64_t total);

/* --- what we put into the schema (rebuild_notes.c) ---------------------------------------- */

/* The page where a table or an index begins; 0 where there is none of that name. */
enum status rebuild_find_root(struct rebuild *rebuild, const char *name, uint32_t *root,
                              struct error *error) MUST_CHECK;
/* Makes the copy, the notes, their lease and the triggers, in one step. */
enum status rebuild_install(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Within a step: whether the triggers have noted everything so far; renews their lease. */
enum status rebuild_renew(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Between steps, in whatever takes long without any: renews the lease in time. */
enum status rebuild_keep_alive(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Within a step: takes the triggers and their lease away. */
enum status rebuild_uninstall(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* The text of the triggers. */
void rebuild_add_triggers(const struct shape *shape, struct text *sql);
void rebuild_add_drop_triggers(struct text *sql);

/* --- imposters (rebuild_imposter.c) ------------------------------------------------------- */

/* STATUS_REFUSED where this SQLite can't make any. */
enum status rebuild_imposter_possible(struct error *error) MUST_CHECK;
/* Makes a table of the index that begins at that page. */
enum status rebuild_imposter(struct rebuild *rebuild, const char *name, uint32_t root,
                             struct error *error) MUST_CHECK;
/* Both of them; needed again after a step that changed the schema was rolled back. */
enum status rebuild_imposters(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Ends all of them: SQLite reads the schema again. */
void rebuild_imposters_end(struct rebuild *rebuild);
/* Appends "(k1 type COLLATE x, ..., PRIMARY KEY(k1, k2 DESC, ...)) WITHOUT ROWID". */
void rebuild_add_layout(const struct shape *shape, struct text *sql);

/* --- walking (rebuild_walk.c) -------------------------------------------------------------- */

/* A position in the order of an index or a table: a value for each column of its key. */
struct walk;

/* All entries of an imposter, or all rows of the table as the entries that they should have; in
 * the order of the key. */
enum status walk_imposter(struct rebuild *rebuild, const char *imposter, struct walk **walk,
                          struct error *error) MUST_CHECK;
enum status walk_table(struct rebuild *rebuild, struct walk **walk, struct error *error) MUST_CHECK;
void walk_close(struct walk *walk);

/* The next entry, as the first columns of `*row`, which is good until the next call; NULL: that was
 * all. It reads in slices, without the lock, with pauses where others wait for them. What is behind
 * is not seen again, and what changes meanwhile is noted, so each slice may be of another moment.
 */
enum status walk_next(struct walk *walk, sqlite3_stmt **row, struct error *error) MUST_CHECK;

/* The columns k1, k2 ... of an imposter. */
void walk_columns(const struct shape *shape, struct range_column **columns, char **names);

/* --- the way (rebuild_copy.c and so on) --------------------------------------------------- */

/* Learns what an index by that statement would be. */
enum status rebuild_catalog(struct rebuild *rebuild, const char *sql,
                            struct error *error) MUST_CHECK;
/* Measures the index, and whether the disk has room for another one. */
enum status rebuild_measure(struct rebuild *rebuild, struct error *error) MUST_CHECK;
enum status rebuild_check_space(const struct rebuild *rebuild, int64_t pages,
                                struct error *error) MUST_CHECK;
/* Fills the file's free pages for the time being, so that the copy gets new ones, in order. */
enum status rebuild_make_room(struct rebuild *rebuild, struct error *error) MUST_CHECK;
enum status rebuild_copy(struct rebuild *rebuild, struct error *error) MUST_CHECK;
enum status rebuild_fill(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Settles what was noted till little is left. */
enum status rebuild_settle(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* The reason where that never comes to pass: STATUS_BUSY. */
enum status rebuild_too_fast(const struct rebuild *rebuild, struct error *error);
/* Whether rows have the same key of a new unique index. */
enum status rebuild_twins(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Compares the copy with the index or the table, noted rows aside. */
enum status rebuild_compare(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Whether the copy has just what the table's rows give; within a snapshot. */
enum status rebuild_compare_rows(struct rebuild *rebuild, bool *same,
                                 struct error *error) MUST_CHECK;
/* Settles the rest and puts the copy into the index's place, in one step. */
enum status rebuild_exchange(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Learns what is in an index that is to go. STATUS_REFUSED: it must not, or not so. */
enum status rebuild_retire_learn(struct rebuild *rebuild, const char *index,
                                 struct error *error) MUST_CHECK;
/* Makes what a rebuild leaves behind of an index that is to go, in one step. */
enum status rebuild_retire_stage(struct rebuild *rebuild, const char *index,
                                 struct error *error) MUST_CHECK;
/* Within a step: has `work` change sqlite_master, and everybody read the schema again. */
enum status rebuild_write_schema(struct rebuild *rebuild, rebuild_work *work, void *argument,
                                 struct error *error) MUST_CHECK;
/* After it, a look at the table by SQLite's own integrity_check; before it, at the order of the old
 * index, where another collation of that name may have made it. */
enum status rebuild_check_order(struct rebuild *rebuild, struct error *error) MUST_CHECK;
enum status rebuild_check(struct rebuild *rebuild, struct error *error) MUST_CHECK;
/* Removes all that is left. */
enum status rebuild_drop(struct rebuild *rebuild, struct error *error) MUST_CHECK;

/* --- shrinking what is to be dropped (rebuild_shrink.c) ----------------------------------- */

struct shrink;
/* For the copy it learns its shape into `rebuild`, and makes an imposter of it. */
enum status shrink_open(struct rebuild *rebuild, const char *table, struct shrink **shrink,
                        struct error *error) MUST_CHECK;
void shrink_close(struct shrink *shrink);
/* Within a step: a batch of entries less; `*last`: less than a batch was there. */
enum status shrink_some(struct rebuild *rebuild, struct shrink *shrink, int64_t *deleted,
                        bool *last, struct error *error) MUST_CHECK;

/* --- settling one step (rebuild_settle.c), for the exchange ------------------------------- */

struct settle;
/* `strict`: of a new unique index, rows that have the key of another one stay noted. */
enum status settle_open(struct rebuild *rebuild, bool strict, struct settle **settle,
                        struct error *error) MUST_CHECK;
void settle_close(struct settle *settle);
/* Within a step: settles notes until none is left or the step is spent, and `stretch_ms` are over;
 * `*left` are those that are. What had to stay noted counts as `*doubles`. */
enum status settle_some(struct settle *settle, double stretch_ms, int64_t *left, int64_t *doubles,
                        struct error *error) MUST_CHECK;

#endif
