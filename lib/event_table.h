/*
 * The table of events: for each kind its keys, their types and their bounds. The check of what
 * comes from a worker (event_check.c) walks it, and nothing that isn't in it gets through.
 */
#ifndef EVENT_TABLE_H
#define EVENT_TABLE_H

#include <stddef.h>

enum event_type {
    EVENT_TEXT,   /* cut to `limit` bytes and made fit for a terminal */
    EVENT_EXACT,  /* text of at most `limit` bytes that is fit for a terminal as it is: a path */
    EVENT_RAW,    /* text of at most `limit` bytes, of any characters: not for a terminal */
    EVENT_CHOICE, /* one of `choices` */
    EVENT_FLAG,   /* true or false */
    EVENT_COUNT,  /* a whole number from 0 to 2^53 */
    EVENT_TIME,   /* a whole number of microseconds, at most 2^62 either way */
    EVENT_BITS,   /* a whole number, any 64 bits: an inode */
    EVENT_NUMBER, /* a number from 0 up */
    EVENT_SHARE,  /* a number from 0 to 1 */
    EVENT_RECORD, /* an object with `keys` */
    EVENT_FREE    /* an object of any names, numbers, texts, objects and arrays, not too deep */
};

enum event_flag {
    EVENT_OPTIONAL = 1, /* may be missing */
    EVENT_NULL = 2      /* may be null */
};

struct event_key {
    const char *name; /* NULL ends the table */
    enum event_type type;
    unsigned flags;
    size_t limit;
    const char *const *choices; /* NULL at the end */
    const struct event_key *keys;
};

struct event_row {
    const char *kind; /* NULL ends the table */
    const struct event_key *keys;
};

extern const struct event_row event_table[];

#endif
