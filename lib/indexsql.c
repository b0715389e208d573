/*
 * Takes the text of a CREATE INDEX statement apart. Tokens as in sqlite3GetToken() of SQLite's
 * tokenize.c: names in four kinds of quotes, texts, comments of two kinds; all else is words and
 * single characters.
 */
#include "indexsql.h"

#include "memory.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct indexsql_token {
    const char *begin, *end;
    bool blank, word;
};

static bool indexsql_in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The end of what begins with a quote; a doubled quote does not end it. */
static const char *indexsql_quoted(const char *at, char quote)
{
    for (at++; *at; at++) {
        if (*at != quote)
            continue;
        if (quote == ']' || at[1] != quote)
            return at + 1;
        at++;
    }
    return at;
}

static const char *indexsql_comment(const char *at)
{
    const char *end = *at == '-' ? strchr(at, '\n') : strstr(at + 2, "*/");

    if (!end)
        return at + strlen(at);
    return end + (*at == '-' ? 1 : 2);
}

static struct indexsql_token indexsql_next(const char *at)
{
    struct indexsql_token token = {.begin = at, .end = at + (*at != '\0')};

    if ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*')) {
        token.blank = true;
        token.end = indexsql_comment(at);
    } else if (*at == '\'' || *at == '"' || *at == '`' || *at == '[') {
        token.end = indexsql_quoted(at, *at == '[' ? ']' : *at);
    } else if (indexsql_in_word(*at)) {
        token.word = true;
        while (indexsql_in_word(*token.end))
            token.end++;
    } else
        token.blank = isspace((unsigned char)*at);
    return token;
}

static bool indexsql_is(const struct indexsql_token *token, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(token->end - token->begin) == length &&
           strncasecmp(token->begin, word, length) == 0;
}

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
    struct indexsql_token token, last = {0};
    int depth = 0;

    for (; *at; at = token.end) {
        token = indexsql_next(at);
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
    if (last.word && before_last && (indexsql_is(&last, "ASC") || indexsql_is(&last, "DESC")))
        end = before_last;
    indexsql_add(parts, begin, end);
    return at;
}

static void indexsql_where(const char *at, struct indexsql *parts)
{
    struct indexsql_token token;

    for (; *at; at = token.end) {
        token = indexsql_next(at);
        if (token.word && indexsql_is(&token, "WHERE")) {
            parts->where = memory_copy(token.end);
            return;
        }
    }
}

void indexsql_split(const char *sql, struct indexsql *parts)
{
    struct indexsql_token token;

    *parts = (struct indexsql){0};
    while (*sql && *sql != '(') {
        token = indexsql_next(sql);
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
