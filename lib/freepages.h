/*
 * The freelist (fileformat2.html#the_freelist) in memory, read in one transaction and changed
 * within a write transaction: trunk pages, each with the number of the next one and the numbers of
 * leaves. Trunks and leaves alike are free pages.
 *
 * From transaction to transaction it keeps what it knows, so that of a long list only those trunks
 * are read again that may have changed. Which these are its owner says: what nobody has written
 * since is what it was.
 */
#ifndef FREEPAGES_H
#define FREEPAGES_H

#include "error.h"
#include "pageedit.h"
#include "pageset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct freepages_trunk {
    uint32_t page; /* 0: nothing is here */
    uint32_t next; /* the next one's page, 0: it is the last one */
    uint32_t count;
    uint32_t *leaves;     /* `count`, with room for as many as a trunk may have */
    size_t before, after; /* its neighbours, FREEPAGES_NONE: none */
    unsigned walk;        /* the last reading that came by */
    bool doubted;         /* is to be read again */
    bool fresh;           /* was read, and its pages are not in the set yet */
    bool changed;         /* is to be written */
};

#define FREEPAGES_NONE SIZE_MAX

/* Zero-initialised it is empty. */
struct freepages {
    struct pageedit *edit;
    struct pageset set;             /* all free pages */
    uint32_t *trunk_of;             /* of a free page: which of the trunks has it */
    struct freepages_trunk *trunks; /* in no order, with empty ones between */
    size_t used, room;              /* of them */
    size_t empty;                   /* the first empty one; `after` leads on */
    size_t first, last;             /* in the file's order */
    size_t count, changed;          /* trunks, and those of them that are to be written */
    uint32_t most;                  /* leaves of a trunk, at most */
    uint32_t head, total;           /* page 1's fields */
    uint32_t low;                   /* freepages_any: below it only what is taken last is free */
    unsigned walk;
};

/* Reads the freelist as the transaction of `edit` has it, but for the trunks that are known and not
 * doubted. STATUS_REFUSED: it does not add up, and how. After a failure nothing is known. */
enum status freepages_load(struct freepages *free_pages, struct pageedit *edit,
                           struct error *error) MUST_CHECK;
/* Somebody has written this page since, or may have written any page. */
void freepages_doubt(struct freepages *free_pages, uint32_t page);
void freepages_doubt_all(struct freepages *free_pages);
/* Nothing is known: what was changed was rolled back. */
void freepages_forget(struct freepages *free_pages);
void freepages_free(struct freepages *free_pages); /* what it holds, not the struct */

bool freepages_has(const struct freepages *free_pages, uint32_t page);
/* A free page of at most `limit`; 0: there is none. The same till it is taken. The lowest leaf, if
 * it is not one of the first trunk, since the application takes pages from there; else one of
 * these; else a trunk. */
uint32_t freepages_any(struct freepages *free_pages, uint32_t limit);

/* Takes a page that is free off the list. STATUS_REFUSED: the list is damaged. */
enum status freepages_take(struct freepages *free_pages, uint32_t page,
                           struct error *error) MUST_CHECK;
/* Puts a page on it, behind all others: SQLite takes pages from the first trunk. */
void freepages_give(struct freepages *free_pages, uint32_t page);
/* Exchanges leaves of the first trunk beyond `limit` for others of at most that, so that these are
 * what the application gets next; as many as are found among `most` leaves that are looked at. */
void freepages_lower_first(struct freepages *free_pages, uint32_t limit, uint32_t most);
/* Orders the whole list, the lowest pages first; so all trunks change. */
void freepages_sort(struct freepages *free_pages);

/* Writes what changed into the pages of the transaction, page 1's fields too. After its commit the
 * list is what the file has. */
enum status freepages_store(struct freepages *free_pages, struct error *error) MUST_CHECK;

#endif
