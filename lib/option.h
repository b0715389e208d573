/*
 * Options of the policy: one row each, and the row drives everything that is said or done about
 * it: loading, checking, dumping, the manual's table and the tests (the model: tmux's
 * options-table.c). A set of rows describes one mapping of the YAML file and one C struct.
 */
#ifndef OPTION_H
#define OPTION_H

#include <stdbool.h>
#include <stddef.h>

/* Each type's C field, at the row's offset, and its value where the policy is silent and the row
 * has no standard: false, -1, -1, {.set = false}, -1.0, NULL, NULL, -1, NULL, NULL, zeroes. */
enum option_type {
    OPTION_BOOL,     /* bool */
    OPTION_COUNT,    /* int64_t, a whole number */
    OPTION_SIZE,     /* int64_t, bytes */
    OPTION_SPAN,     /* struct span */
    OPTION_SHARE,    /* double, 0.2 for 20% */
    OPTION_TEXT,     /* char *, not empty */
    OPTION_PATH,     /* char *, an absolute path */
    OPTION_CHOICE,   /* int, one of `choices` */
    OPTION_ZONE,     /* char *, a time zone's name that this host knows */
    OPTION_CALENDAR, /* struct calendar *, systemd.time(7) */
    OPTION_WINDOWS,  /* struct window_list *, one window or a list of them */
    OPTION_TEXTS,    /* struct option_texts, a list of texts */
    OPTION_SECTION,  /* the struct that `section` describes, in place */
    OPTION_SECTIONS, /* struct option_list, a list of such structs (or one alone) */
    OPTION_NODE      /* const struct node *, for its owner to load; gone with the node tree */
};

enum option_flag {
    OPTION_REQUIRED = 1,  /* the mapping must have it */
    OPTION_NOT_YET = 2,   /* checked, then refused: "not supported yet" */
    OPTION_INHERITED = 4, /* a database without it takes what `defaults` says */
    OPTION_SHORT = 8      /* a text in the place of its whole mapping is this option alone */
};

struct option_texts {
    char **items;
    size_t count;
};

struct option_list {
    void *items; /* `count` structs of the section's size, one after the other */
    size_t count;
};

struct option_choice {
    const char *name; /* NULL ends the table */
    int value;
    bool not_yet;
};

struct option {
    const char *name; /* NULL ends the table */
    enum option_type type;
    unsigned flags;
    size_t offset;
    const char *standard; /* the default as a policy would write it; NULL: none */
    const char *minimum;  /* in the same words; NULL: none */
    const char *maximum;
    const struct option_choice *choices;
    const struct option_section *section;
    const char *help; /* for the manual: a phrase, no full stop */
};

/* One mapping and the struct that it fills in. */
struct option_section {
    size_t size;                  /* of the struct */
    const struct option *options; /* its rows */
    /* Names the value that is wrong although each option is right by itself: returns the option's
     * name with a message in `why` (of WHY_SIZE bytes), or NULL. May be NULL itself. */
    const char *(*check)(const void *values, char *why);
};

enum { WHY_SIZE = 256 };

#endif
