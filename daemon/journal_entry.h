/*
 * One entry of the journal while it is made: its fields, and where it goes. Runs in the daemon; a
 * send never waits and never fails, since standard error takes what journald does not.
 */
#ifndef JOURNAL_ENTRY_H
#define JOURNAL_ENTRY_H

#include "journal_table.h"

#include <jansson.h>
#include <sys/uio.h>

enum { JOURNAL_FIELDS = 32 };

/* Zero-initialised it is empty. */
struct journal_entry {
    struct iovec fields[JOURNAL_FIELDS];
    int count;
};

/* These add LITEKEEPER_NAME=value; what is NULL is left out. */
void journal_entry_text(struct journal_entry *entry, const char *name, const char *value);
/* A text or a number; left out where it is something else. */
void journal_entry_json(struct journal_entry *entry, const char *name, const json_t *value);
/* A figure of an alert; left out where it is -1. */
void journal_entry_figure(struct journal_entry *entry, const char *name, double value);

/* Sends the entry as one of that kind, and frees what it holds. `priority` counts where the row
 * leaves it open. */
void journal_entry_send(struct journal_entry *entry, const struct journal_row *row, int priority,
                        const char *message);

#endif
