/* The look of indexes at the schema: what its rooms share. */
#ifndef INDEXES_ENTRY_H
#define INDEXES_ENTRY_H

#include "indexes.h"

/* An entry of the schema. */
struct indexes_entry {
    char *type, *name, *table, *sql; /* `type` NULL: there is none; `sql` may be NULL */
    uint32_t root;
};

/* Whatever has that name, in any case, but for triggers, whose names are by themselves. */
enum status indexes_entry_find(struct engine *engine, const char *name, struct indexes_entry *entry,
                               struct error *error) MUST_CHECK;
void indexes_entry_free(struct indexes_entry *entry); /* what it holds, not the struct */

/* Learns of an index that must not be there whether it is, what keeps it, and how it can go. */
enum status indexes_look_old(struct engine *engine, const char *name, struct indexes_old *old,
                             struct error *error) MUST_CHECK;

#endif
