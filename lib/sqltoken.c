/*
 * Takes SQL text apart into tokens and writes it in one way. It knows no grammar and no keyword.
 */
#include "sqltoken.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool sqltoken_in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The end of what begins with a quote; a doubled quote does not end it. */
static const char *sqltoken_quoted(const char *at, char quote)
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

static const char *sqltoken_comment(const char *at)
{
    const char *end = *at == '-' ? strchr(at, '\n') : strstr(at + 2, "*/");

    if (!end)
        return at + strlen(at);
    return end + (*at == '-' ? 1 : 2);
}

struct sqltoken sqltoken_at(const char *at)
{
    struct sqltoken token = {.begin = at, .end = at + (*at != '\0')};

    if ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*')) {
        token.blank = true;
        token.end = sqltoken_comment(at);
    } else if (*at == '\'' || *at == '"' || *at == '`' || *at == '[') {
        token.quoted = true;
        token.end = sqltoken_quoted(at, *at == '[' ? ']' : *at);
    } else if (sqltoken_in_word(*at)) {
        token.word = true;
        while (sqltoken_in_word(*token.end))
            token.end++;
    } else
        token.blank = isspace((unsigned char)*at);
    return token;
}

struct sqltoken sqltoken_next(const char *at)
{
    struct sqltoken token = sqltoken_at(at);

    while (token.blank)
        token = sqltoken_at(token.end);
    return token;
}

bool sqltoken_is(const struct sqltoken *token, const char *what)
{
    size_t length = strlen(what);

    return !token->quoted && (size_t)(token->end - token->begin) == length &&
           strncasecmp(token->begin, what, length) == 0;
}

bool sqltoken_end(const struct sqltoken *token)
{
    return token->begin == token->end;
}

void sqltoken_add_name(const struct sqltoken *token, struct text *name)
{
    size_t length = (size_t)(token->end - token->begin);

    if (!token->quoted || length < 2) {
        text_add_length(name, token->begin, length);
        return;
    }
    for (const char *c = token->begin + 1; c < token->end - 1; c++) {
        text_add_length(name, c, 1);
        if (c[0] == token->end[-1] && c[1] == c[0])
            c++;
    }
}

/* --- one way of writing ------------------------------------------------------------------- */

static bool sqltoken_plain(const char *name)
{
    if (!*name || isdigit((unsigned char)*name))
        return false;
    while (sqltoken_in_word(*name))
        name++;
    return !*name;
}

static void sqltoken_lower(char *from)
{
    for (; *from; from++)
        *from = (char)tolower((unsigned char)*from); /* as SQLite: ASCII alone */
}

static void sqltoken_add_lower(const struct sqltoken *token, struct text *normal)
{
    struct text name = {0};
    size_t begin = normal->length;

    sqltoken_add_name(token, &name);
    text_add(&name, "");
    if (token->quoted && !sqltoken_plain(name.bytes))
        text_add_name(normal, name.bytes);
    else
        text_add(normal, name.bytes);
    text_free(&name);
    sqltoken_lower(normal->bytes + begin);
}

void sqltoken_add_normal(const struct sqltoken *token, bool name, struct text *normal)
{
    if (normal->length)
        text_add(normal, " ");
    if (*token->begin == '\'' && !name)
        text_add_length(normal, token->begin, (size_t)(token->end - token->begin));
    else
        sqltoken_add_lower(token, normal);
}

bool sqltoken_single(const char *sql)
{
    struct sqltoken token = sqltoken_next(sql);

    while (!sqltoken_end(&token) && !sqltoken_is(&token, ";"))
        token = sqltoken_next(token.end);
    while (sqltoken_is(&token, ";"))
        token = sqltoken_next(token.end);
    return sqltoken_end(&token);
}

bool sqltoken_balanced(const char *sql)
{
    struct sqltoken token = sqltoken_next(sql);
    int depth = 0;

    for (; !sqltoken_end(&token) && depth >= 0; token = sqltoken_next(token.end)) {
        depth += sqltoken_is(&token, "(") - sqltoken_is(&token, ")");
        if (sqltoken_is(&token, ";"))
            return false;
    }
    return depth == 0;
}
