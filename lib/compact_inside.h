/* The rooms of the compaction: hints, holds, proofs, moves. */
#ifndef COMPACT_INSIDE_H
#define COMPACT_INSIDE_H

#include "compact.h"
#include "freepages.h"
#include "journalwatch.h"
#include "pageedit.h"
#include "pagefile.h"
#include "pagelink.h"
#include "pageset.h"
#include "schemaroots.h"
#include "walindex.h"

#include <stddef.h>

/* A change of a number in memory, to be undone if the hold is rolled back. */
struct compact_undo {
    uint32_t *number, before;
};

/* What is known of the freelist since the last hold. */
struct compact_known {
    bool list;            /* it is as our last commit, or a look ahead, has left it, unless ... */
    int64_t version;      /* ... the data has another version by now */
    bool marked;          /* all that others have written since ... */
    struct walindex mark; /* ... is in the log behind this */
    bool ahead;           /* it is to be read before the next hold */
    double whole_ms;      /* how long that took */
    int slow;             /* holds in a row that had to read it, and had not the time */
};

struct compact {
    struct engine *engine;
    struct database *reading;
    struct compact_result result;

    /* Hints, by page: its kind and the page that names it (0: a row of the schema does). */
    uint32_t *hints;
    uint32_t capacity; /* pages that the arrays have room for */
    uint8_t *filled;   /* by page, of leaves that the audit has seen; pagemerge_filled */

    /* The interior pages that the audit has seen, but for the schema's. */
    uint32_t *parents;
    size_t parent_count, parent_room;

    /* The order: for each leaf or overflow page, in key order, where it is now; by page, its place
     * in that order plus one, 0 where it is none of them. NULL while there is no order. */
    uint32_t *order, *rank;
    size_t order_count, order_room;
    const struct compact_choice *choice; /* whose order it is; NULL: everybody's */

    /* Of the hold. */
    struct pageedit *edit;
    struct freepages free_pages;
    struct journalwatch *watch; /* NULL: commits need no journal */
    struct compact_known known;
    struct schemaroots roots;
    uint32_t *path; /* of the proof that was made last */
    size_t path_room;
    struct pageset live;    /* proven in this hold */
    struct pagelinks links; /* of the page that was looked at last */
    bool changed;           /* something is to be stored */
    bool moved_schema;      /* the roots are to be read anew before they are asked again */
    bool moved_root;        /* everybody is to read the schema anew */
    uint32_t end;           /* the size that the file is to have */
    struct compact_undo *undos;
    size_t undo_count, undo_room;
    struct compact_result before; /* the hold */
    double begun_ms;              /* when it got the lock */
    int64_t most;                 /* page moves of a hold, by what the last ones took */
    int barren;                   /* holds in a row that came to nothing */
};

/* --- hints (compact_hint.c, compact_scan.c) ----------------------------------------------- */

enum pagelink_kind compact_kind(const struct compact *compact, uint32_t page);
uint32_t compact_parent(const struct compact *compact, uint32_t page);
bool compact_is_root(const struct compact *compact, uint32_t page);
/* Outside a hold: at once. */
void compact_set_hint(struct compact *compact, uint32_t page, enum pagelink_kind kind,
                      uint32_t parent);
/* Room for so many pages; outside a hold, or at its beginning. STATUS_REFUSED: too many. */
enum status compact_grow(struct compact *compact, uint32_t pages, struct error *error) MUST_CHECK;

/* Within a hold: changes a number that is undone if it is rolled back. */
void compact_note(struct compact *compact, uint32_t *number, uint32_t value);
void compact_note_hint(struct compact *compact, uint32_t page, enum pagelink_kind kind,
                       uint32_t parent);

/* Reads the whole file for hints; with `order` (which was made before) for that, too. */
enum status compact_scan(struct compact *compact, bool order, struct error *error) MUST_CHECK;
/* Reads the interior pages alone: the hints of all pages of b-trees are new; of overflow pages
 * those that leaves name stay as they are. */
enum status compact_scan_interior(struct compact *compact, struct error *error) MUST_CHECK;

/* --- the freelist (compact_list.c) -------------------------------------------------------- */

/* Outside a hold, in a snapshot: reads the whole freelist, if that is to be done. */
enum status compact_list_ahead(struct compact *compact, struct error *error) MUST_CHECK;
/* At the beginning of a hold: makes it what the file has. With `known.ahead` set it was not read,
 * since that takes too long here, and the hold is to be given up. */
enum status compact_list_load(struct compact *compact, struct error *error) MUST_CHECK;
/* After the commit, or the rolling back. */
void compact_list_ended(struct compact *compact, bool committed);

/* --- holds (compact_hold.c) --------------------------------------------------------------- */

typedef enum status compact_work(struct compact *compact, void *argument, struct error *error);

/* One hold: the work, what it changed, the commit. `*done` is false where it was rolled back, and
 * nothing has happened; it may be true of one that has failed (lease_committed). */
enum status compact_hold(struct compact *compact, compact_work *work, void *argument, bool *done,
                         struct error *error) MUST_CHECK;
/* Whether the hold should end now. Asked after each move. */
bool compact_spent(struct compact *compact);

/* --- proofs (compact_proof.c) ------------------------------------------------------------- */

/* Where the number of a page stands. */
struct compact_link {
    uint32_t page, at;             /* 0: it was not found */
    const struct schemaroot *root; /* not NULL: in a row of the schema, and this is it */
};

/* Where the hint says that it must stand. */
enum status compact_find_link(struct compact *compact, uint32_t page, struct compact_link *link,
                              struct error *error) MUST_CHECK;
/* Whether it is proven that the page is live. */
enum status compact_prove(struct compact *compact, uint32_t page, bool *live,
                          struct error *error) MUST_CHECK;

/* Whether a page of the freelist may be written to. STATUS_FAILED: it is live as well, so the file
 * is damaged. */
enum status compact_prove_free(struct compact *compact, uint32_t page,
                               struct error *error) MUST_CHECK;
/* Takes a page off the freelist that is proven to be free. */
enum status compact_take(struct compact *compact, uint32_t page, struct error *error) MUST_CHECK;

/* --- moves (compact_move.c); the pages are proven ----------------------------------------- */

/* What the page `number` names is named by it now: the hints say so. Fails where its bytes, which
 * are proven to be those of a live page, are not a page of that kind. */
enum status compact_adopt(struct compact *compact, uint32_t number, enum pagelink_kind kind,
                          const unsigned char *bytes, struct error *error) MUST_CHECK;

/* Moves a live page into one that was taken off the freelist. The old one is nothing then: cut off
 * or given to the freelist by the caller. */
enum status compact_move(struct compact *compact, uint32_t from, uint32_t to,
                         struct error *error) MUST_CHECK;
/* Exchanges two live pages, neither a root. */
enum status compact_swap(struct compact *compact, uint32_t a, uint32_t b,
                         struct error *error) MUST_CHECK;

#endif
