/*
 * The kinds of entries that litekeeper writes into the journal: their names, MESSAGE_IDs and
 * priorities. Each has its text in systemd/litekeeper.catalog; a test compares.
 */
#ifndef JOURNAL_TABLE_H
#define JOURNAL_TABLE_H

enum { JOURNAL_BY_SEVERITY = -1 };

struct journal_row {
    const char *name; /* LITEKEEPER_EVENT; NULL ends the table */
    const char *id;   /* 32 hexadecimal digits, from systemd-id128(1), never changed */
    int priority;     /* syslog(3), or JOURNAL_BY_SEVERITY */
};

extern const struct journal_row journal_table[];

/* The row of that name, or NULL. */
const struct journal_row *journal_row(const char *name);

#endif
