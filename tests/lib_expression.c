/* Random calendar expressions for tests that compare. */
#include "lib_expression.h"

#include "lib_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static int below(int limit)
{
    return (int)(random() % limit);
}

static void expression_component(struct text *text, int low, int high)
{
    text_addf(text, below(2) ? "%d" : "%02d", low + below(high - low + 1 + (below(20) == 0)));
    if (high == 59 && below(8) == 0)
        text_addf(text, ".%d", below(1000));
    if (below(4) == 0)
        text_addf(text, "..%d", low + below(high - low + 1));
    if (below(4) == 0)
        text_addf(text, "/%d", 1 + below(high / 3 + 1));
}

static void expression_chain(struct text *text, int low, int high)
{
    if (below(4) == 0) {
        text_add(text, "*");
        return;
    }
    expression_component(text, low, high);
    for (int more = below(6) - 3; more > 0; more--) {
        text_add(text, ",");
        expression_component(text, low, high);
    }
}

static void expression_date(struct text *text)
{
    if (below(2)) {
        bool near = below(2);
        expression_chain(text, near ? 2010 : 1970, near ? 2040 : 2199);
        text_add(text, below(20) ? "-" : "~");
    }
    expression_chain(text, 1, 12);
    text_add(text, below(3) ? "-" : "~");
    expression_chain(text, 1, 31);
    text_add(text, " ");
}

void expression_random(struct text *text, bool zones)
{
    static const char *const days[] = {"Mon", "tue",  "Wednesday", "Sat..Sun", "Mon..Fri",
                                       "Fri", "Sun,", "Thu,Tue",   "Sun..Mon"};
    static const char *const names[] = {" UTC", " Europe/Berlin", " America/New_York", " No/Where"};

    if (below(2))
        text_addf(text, "%s ", days[below(COUNT(days))]);
    if (below(3))
        expression_date(text);
    expression_chain(text, 0, below(2) ? 23 : 4); /* where clocks change, mostly */
    text_add(text, ":");
    expression_chain(text, 0, 58);
    if (below(2)) {
        text_add(text, ":");
        expression_chain(text, 0, 59);
    }
    if (zones && below(4) == 0)
        text_add(text, names[below(COUNT(names))]);
}

bool expression_has_oracle(void)
{
    static const char *const arguments[] = {"systemd-analyze", "--version", NULL};
    struct text out = {0};
    bool has = oracle_run(arguments, &out) == 0 && strncmp(out.bytes, "systemd 252", 11) == 0;

    if (!has)
        puts("no systemd-analyze 252: not compared");
    text_free(&out);
    return has;
}
