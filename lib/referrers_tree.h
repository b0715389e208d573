/* The tree of foreign keys, for referrers.c, which grows it, and those that read it:
 * referrers_sql.c, retention_passes.c, retention_follow.c. */
#ifndef REFERRERS_TREE_H
#define REFERRERS_TREE_H

#include "referrers.h"

enum referrers_action { ACTION_KEEP, ACTION_CASCADE, ACTION_SET_NULL, ACTION_SET_DEFAULT };

struct referrer {
    char *table;
    int id; /* of the foreign key, in PRAGMA foreign_key_list */
    enum referrers_action action;
    char *action_name;
    struct table_key columns, parent_columns; /* pairs: child.columns[i] = parent_columns[i] */
    bool indexed;                             /* the child has an index on its columns */
    struct referrers *below;                  /* of a CASCADE child */
};

struct referrers {
    struct referrer *items;
    size_t count;
    const char *table;             /* that they refer to */
    const struct referrers *above; /* towards the table it began from */
};

#endif
