/* Takes the text of a CREATE INDEX statement apart (sqlite.org/lang_createindex.html). */
#ifndef INDEXSQL_H
#define INDEXSQL_H

#include <stddef.h>

/* What is indexed, without ASC and DESC, and the condition of a partial index; free with
 * indexsql_free. */
struct indexsql {
    char **terms;
    size_t count;
    char *where; /* NULL: there is none */
};

/* `sql` is a statement that SQLite has parsed before, as its schema holds it; of another one the
 * parts may be few or none. */
void indexsql_split(const char *sql, struct indexsql *parts);
void indexsql_free(struct indexsql *parts);

#endif
