/*
 * The page walker: sizes, fragmentation and density of every b-tree of a live database, from its
 * interior pages and a sample of its leaves (fileformat2.html#b_tree_pages). It never writes, and
 * whatever bytes the file holds, it neither crashes nor loops nor reads a page twice.
 */
#ifndef PAGES_H
#define PAGES_H

#include "error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGES_FORWARD = 32 }; /* pages that a step from leaf to leaf may skip; more is disorder */

struct pages_btree {
    char *name, *table;
    const char *type; /* "table" or "index" */
    uint32_t root;    /* 0 where the schema has none that could be */
    int depth;        /* levels, 1 where the root is a leaf; 0 where it is damaged */
    int64_t interior_pages, leaf_pages, overflow_pages;
    int64_t overflow_error; /* the 95% half-width of overflow_pages; 0: exact */
    int64_t entries;        /* rows or index entries, by the sample */
    int64_t bytes;          /* all its pages times the page size */
    double entry_bytes;     /* mean bytes that an entry takes, overflow pages included */
    double fragmentation;   /* share of the steps from leaf to leaf that go back or far ahead */
    double density;         /* used bytes of the leaves over their usable bytes, by the sample */
    int64_t leaves_read;    /* the sample; where that is leaf_pages, all is exact */
    char *error;            /* what is wrong with it ("page 17 is in it twice"), or NULL */
};

struct pages_report {
    uint32_t page_size, pages, free_pages;
    int auto_vacuum;              /* 0 none, 1 full, 2 incremental */
    bool approximate;             /* rollback-journal mode, and someone wrote between two slices */
    uint32_t last_writer_version; /* header bytes 96 to 99: 3040001 */
    uint32_t changes;             /* header bytes 24 to 27, see fileheader.h */
    uint32_t schema;              /* header bytes 40 to 43, the schema cookie */
    int64_t pages_read;           /* by the walker; SQLite reads the schema's pages besides */
    char *freelist_error;         /* as in pages_btree, of the freelist's head; or NULL */
    struct pages_btree *btrees;
    size_t btree_count;
};

struct pages_limits {
    double slice_ms; /* rollback-journal mode: one read transaction lasts at most so long ... */
    double gap_ms;   /* ... and the next begins so much later; WAL mode needs no slices */
    const char *only_table;          /* measure this table and its indexes alone; NULL: all */
    bool (*stopped)(void *argument); /* asked now and then; true ends with STATUS_CANCELLED */
    void *argument;
};

/* Measures. No transaction may be open on `db`; none is afterwards. Where page 1 or the schema
 * cannot be believed it fails with STATUS_REFUSED and says why; what is wrong with a single b-tree
 * is in that b-tree's `error`. STATUS_BUSY: locked for too long, or its schema kept changing.
 *
 * It reads all interior pages, and of leaves and the freelist as many as fit into 1% of the file's
 * pages or 64 (fewer where interior pages take that much). Overflow pages are estimated from the
 * leaves, and held against what the file has in all. */
enum status pages_measure(sqlite3 *db, const struct pages_limits *limits,
                          struct pages_report *report, struct error *error) MUST_CHECK;
void pages_report_free(struct pages_report *report); /* what it holds, not the struct */

#endif
