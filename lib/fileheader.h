/*
 * The first 100 bytes of a database file (fileformat2.html#the_database_header): values, checked.
 * It reads no file.
 */
#ifndef FILEHEADER_H
#define FILEHEADER_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

enum { FILEHEADER_SIZE = 100, FILEHEADER_PAGE_MAX = 65536 };

struct fileheader {
    uint32_t page_size;
    uint32_t usable;       /* of each page: its size less the reserved bytes at its end */
    uint32_t changes;      /* the file change counter; stands still in WAL mode */
    uint32_t pages;        /* as the header says; it counts only while valid_for == changes */
    uint32_t freelist;     /* its first trunk page, 0: none */
    uint32_t free_pages;   /* as the header says */
    uint32_t schema;       /* the schema cookie, changes with every change of the schema */
    uint32_t largest_root; /* not 0: auto_vacuum, with pointer-map pages */
    bool incremental;      /* auto_vacuum is incremental */
    uint32_t valid_for;    /* the change counter when pages and writer were noted */
    uint32_t writer;       /* the version of SQLite that wrote last: 3040001 */
};

/* STATUS_INVALID says which field can't be believed. */
enum status fileheader_parse(const unsigned char bytes[FILEHEADER_SIZE], struct fileheader *header,
                             struct error *error) MUST_CHECK;

/* The page at 1 GiB, where SQLite takes its locks; it holds nothing. */
uint32_t fileheader_lock_page(const struct fileheader *header);
/* Whether `page` is a pointer-map page (fileformat2.html#pointer_map_or_ptrmap_pages). */
bool fileheader_pointer_map(const struct fileheader *header, uint32_t page);
/* How many of pages 1 to `pages` are such: the lock page and pointer-map pages. */
uint32_t fileheader_special_pages(const struct fileheader *header, uint32_t pages);

#endif
