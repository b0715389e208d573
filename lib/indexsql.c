/* Takes the text of a CREATE INDEX statement apart, token by token. */
#include "indexsql.h"

#include "memory.h"
#include "sqltoken.h"

#include <stdbool.h>
#include <stdlib.h>

static void indexsql_add(struct indexsql *parts, const char *begin, const char *end)
{
    if (!begin || end <= begin)
        return;
    parts->terms = memory_resize(parts->terms, parts->count + 1, sizeof *parts->terms);
    parts->terms[parts->count++] = memory_copy_length(begin, (size_t)(end - begin));
}

/* One term from `at` on; returns the comma or bracket that ends it. */
static const char *indexsql_term(const char *at, struct indexsql *parts)
{
    const char *begin = NULL, *end = NULL, *before_last = NULL;
    struct sqltoken token, last = {0};
    int depth = 0;

    for (; *at; at = token.end) {
        token = sqltoken_at(at);
        if (token.blank)
            continue;
        if (depth == 0 && (*at == ',' || *at == ')'))
            break;
        depth += (*at == '(') - (*at == ')');
        if (!begin)
            begin = at;
        before_last = end;
        end = token.end;
        last = token;
    }
    if (last.word && before_last && (sqltoken_is(&last, "ASC") || sqltoken_is(&last, "DESC")))
        end = before_last;
    indexsql_add(parts, begin, end);
    return at;
}

static void indexsql_where(const char *at, struct indexsql *parts)
{
    struct sqltoken token;

    for (; *at; at = token.end) {
        token = sqltoken_at(at);
        if (token.word && sqltoken_is(&token, "WHERE")) {
            parts->where = memory_copy(token.end);
            return;
        }
    }
}

void indexsql_split(const char *sql, struct indexsql *parts)
{
    struct sqltoken token;

    *parts = (struct indexsql){0};
    while (*sql && *sql != '(') {
        token = sqltoken_at(sql);
        sql = token.end;
    }
    while (*sql == '(' || *sql == ',')
        sql = indexsql_term(sql + 1, parts);
    if (*sql == ')')
        indexsql_where(sql + 1, parts);
}

void indexsql_free(struct indexsql *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        free(parts->terms[i]);
    free(parts->terms);
    free(parts->where);
    *parts = (struct indexsql){0};
}
