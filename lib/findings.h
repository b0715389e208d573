/*
 * What SQLite's checks have found wrong (PRAGMA integrity_check): the lines, how bad the worst of
 * them is, and what an operator does about that. Values alone; the lines are hostile.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "text.h"

#include <jansson.h>
#include <stdint.h>

/* In the order of how bad they are. */
enum findings_kind {
    FINDINGS_NONE,
    FINDINGS_INDEX, /* an index does not agree with its table */
    FINDINGS_ROW,   /* rows are not as their table declares them; the file itself is sound */
    FINDINGS_FILE   /* pages, or whatever is not known */
};

enum { FINDINGS_KEPT = 20, FINDINGS_TEXT = 200, FINDINGS_MOST = 100 };

struct findings {
    int64_t count;
    char *texts[FINDINGS_KEPT]; /* of the first, fit for a terminal */
    enum findings_kind worst;
};

/* One value of the pragma's: a line, or many. "ok" is none, and so is a heading. */
void findings_add(struct findings *findings, const char *hostile);
/* "3 problems, the first: row 5 missing from index t_a; what to do". There are some. */
void findings_say(const struct findings *findings, struct text *reason);
json_t *findings_json(const struct findings *findings); /* the texts, a new reference */
void findings_free(struct findings *findings);

#endif
