/*
 * The tokens of SQL text, as sqlite3GetToken() of SQLite's tokenize.c has them: names in four kinds
 * of quotes, texts, comments of two kinds; all else is words and single characters.
 */
#ifndef SQLTOKEN_H
#define SQLTOKEN_H

#include "text.h"

#include <stdbool.h>

struct sqltoken {
    const char *begin, *end;
    bool blank;  /* white space, or a comment */
    bool word;   /* a keyword, a name without quotes, a number */
    bool quoted; /* a name or a text */
};

/* The token at `at`; at the end of the text an empty one that is neither. */
struct sqltoken sqltoken_at(const char *at);
/* The same behind all that is blank. */
struct sqltoken sqltoken_next(const char *at);

/* Whether the token is that keyword or character, in any case. */
bool sqltoken_is(const struct sqltoken *token, const char *what);
/* Whether there are no more tokens. */
bool sqltoken_end(const struct sqltoken *token);
/* Appends what a name means: without its quotes. */
void sqltoken_add_name(const struct sqltoken *token, struct text *name);

/* Appends a blank, unless it is the first, and the token in one way of writing it: in small letters
 * and without quotes where it needs none. A text in single quotes stays as it is, but `name` says
 * that it is a name, as SQLite allows. */
void sqltoken_add_normal(const struct sqltoken *token, bool name, struct text *normal);

/* Whether brackets match and there is no semicolon, so that it can be a part of a statement. */
bool sqltoken_balanced(const char *sql);
/* Whether there is one statement, and nothing behind it but a semicolon. */
bool sqltoken_single(const char *sql);

#endif
