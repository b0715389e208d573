/* An index as a policy wants it, or as a schema has it: its definition in one way of writing. */
#ifndef INDEXDEF_H
#define INDEXDEF_H

#include "error.h"
#include "option.h"

#include <stdbool.h>

struct indexdef {
    char *name, *table;
    char *sql;    /* the statement, as SQLite's schema would have it */
    char *normal; /* what is left of it when the way of writing makes no difference */
    bool unique;
};

/* Takes a CREATE INDEX statement apart. STATUS_INVALID: it is none, or one that can't be had. */
enum status indexdef_parse(const char *sql, struct indexdef *def, struct error *error) MUST_CHECK;
/* Makes one of its parts. `columns` are names, or what is indexed as SQL has it ("started DESC",
 * "lower(email)"), one each or several with commas between; `where` may be NULL. */
enum status indexdef_make(const char *name, const char *table, const struct option_texts *columns,
                          const char *where, bool unique, struct indexdef *def,
                          struct error *error) MUST_CHECK;
void indexdef_free(struct indexdef *def); /* what it holds, not the struct */

/* Whether a schema's statement defines the same index. White space, comments, quotes, the case of
 * letters, ASC, IF NOT EXISTS and the name of the schema make no difference. */
bool indexdef_same(const struct indexdef *def, const char *sql);

#endif
