/*
 * One page of a b-tree (fileformat2.html#b_tree_pages): its header, its cells, what of it is free.
 * It works on bytes in memory, reads no file and allocates nothing; whatever the bytes are, it
 * never looks outside the page.
 */
#ifndef BTREEPAGE_H
#define BTREEPAGE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct btreepage {
    const unsigned char *bytes; /* borrowed: the page, page 1 with the file's header */
    uint32_t number;
    uint32_t usable;     /* bytes of it, less those reserved at its end */
    bool leaf;           /* else interior: its cells have children */
    bool table;          /* keys are rowids; else an index (or a table WITHOUT ROWID) */
    uint32_t header;     /* where its header begins: 100 on page 1, else 0 */
    uint32_t pointers;   /* where its cell pointers begin, 2 bytes each */
    uint32_t cells;      /* how many */
    uint32_t content;    /* where the cells' content begins: at or behind the pointers' end */
    uint32_t free_block; /* the first free block, 0: none */
    uint32_t fragments;  /* bytes in free pieces too small for a block */
    uint32_t last_child; /* of an interior page: the child behind the last cell */
};

/* One cell. What its kind of page doesn't have is 0. */
struct btreepage_cell {
    uint32_t at;             /* where it begins */
    uint32_t length;         /* its bytes on this page */
    uint32_t child;          /* the page with the keys before it */
    int64_t rowid;           /* of a table */
    bool has_payload;        /* a record; not in a table's interior pages */
    uint32_t payload;        /* the record's bytes ... */
    uint32_t local;          /* ... of these here ... */
    uint32_t local_at;       /* ... from here ... */
    uint32_t overflow;       /* ... and the rest from this page on, 0: all is here */
    uint32_t overflow_pages; /* how many pages the rest takes */
};

/* Reads the page's header. `usable` is at least 480 and `bytes` has that many at least. Like all
 * functions here that can fail: STATUS_INVALID, and the error says what of which page is wrong. */
enum status btreepage_parse(const unsigned char *bytes, uint32_t number, uint32_t usable,
                            struct btreepage *page, struct error *error) MUST_CHECK;

/* Of an interior page the child number `i` of 0 to `cells`, in key order. */
enum status btreepage_child(const struct btreepage *page, uint32_t i, uint32_t *child,
                            struct error *error) MUST_CHECK;

enum status btreepage_cell(const struct btreepage *page, uint32_t i, struct btreepage_cell *cell,
                           struct error *error) MUST_CHECK;

/* Bytes that hold nothing: the gap before the content, free blocks and fragments (dbstat's
 * `unused`). Header and cell pointers count as used. */
enum status btreepage_unused(const struct btreepage *page, uint32_t *unused,
                             struct error *error) MUST_CHECK;

/* Bytes that cells and their pointers can have on this page: all but its headers. */
uint32_t btreepage_room(const struct btreepage *page);

#endif
