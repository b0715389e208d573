/*
 * The freelist (fileformat2.html#the_freelist), read whole and changed within one write
 * transaction: trunk pages, each with the number of the next one and the numbers of leaves. Trunks
 * and leaves alike are free pages.
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
    uint32_t page, next; /* 0: the last one */
    uint32_t count;      /* of leaves */
    uint32_t *leaves;    /* with room for as many as a trunk may have */
    bool changed, gone;
};

/* Zero-initialised it is empty, and keeps its memory from transaction to transaction. */
struct freepages {
    struct pageedit *edit;
    struct pageset set;             /* all free pages */
    uint32_t *trunk_of;             /* of a free page: the index of its trunk */
    struct freepages_trunk *trunks; /* in the file's order */
    size_t count, room;
    uint32_t most;        /* leaves of a trunk, at most */
    uint32_t head, total; /* page 1's fields */
    size_t cursor;        /* freepages_any: behind it there is nothing more */
};

/* Reads the freelist as the transaction of `edit` has it. STATUS_REFUSED: it does not add up, and
 * how. */
enum status freepages_load(struct freepages *free_pages, struct pageedit *edit,
                           struct error *error) MUST_CHECK;
void freepages_free(struct freepages *free_pages); /* what it holds, not the struct */

bool freepages_has(const struct freepages *free_pages, uint32_t page);
/* A free page of at most `limit`; 0: there is none. The same till it is taken. */
uint32_t freepages_any(struct freepages *free_pages, uint32_t limit);

/* Takes a page that is free off the list. STATUS_REFUSED: the list is damaged. */
enum status freepages_take(struct freepages *free_pages, uint32_t page,
                           struct error *error) MUST_CHECK;
/* Puts a page on it, behind all others: SQLite takes pages from the first trunk. */
void freepages_give(struct freepages *free_pages, uint32_t page);
/* Exchanges leaves of the first trunk beyond `limit` for others of at most that, `most` of them, so
 * that these are what the application gets next. */
void freepages_lower_first(struct freepages *free_pages, uint32_t limit, uint32_t most);
/* Orders the whole list, the lowest pages first; so all trunks change. */
void freepages_sort(struct freepages *free_pages);

/* Writes what changed into the pages of the transaction, page 1's fields too. After its commit the
 * list is what the file has. */
enum status freepages_store(struct freepages *free_pages, struct error *error) MUST_CHECK;

#endif
