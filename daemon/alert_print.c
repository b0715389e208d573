/* Lays alerts out: what is wrong first, since when and what to do below it. Runs in the parent. */
#include "alert_print.h"

#include "answer.h"
#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALERT_SEVERITY = 8 };

/* "worklog table_size logs"; litekeeper's own alerts have no database. */
static char *alert_print_subject(const json_t *alert)
{
    static const char *const keys[] = {"database", "metric", "subject"};
    struct text subject = {0};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *name = answer_text(alert, keys[i]);
        if (i == 0 && !name[0])
            name = "litekeeper";
        text_addf(&subject, "%s%s", i && name[0] ? " " : "", name);
    }
    return text_take(&subject);
}

static void alert_print_below(const char *text, size_t column)
{
    if (!text[0])
        return;
    printf("%*s", (int)column, "");
    terminal_print(stdout, text, column, column);
}

void alert_print(const json_t *alert, size_t indent, bool advice)
{
    size_t column = indent + ALERT_SEVERITY + 2;
    char *subject = alert_print_subject(alert);
    char *first = memory_format("%s: %s", subject, answer_text(alert, "text"));
    char *since = memory_format("since %s", answer_text(alert, "raised"));

    printf("%*s%-*s  ", (int)indent, "", ALERT_SEVERITY, answer_text(alert, "severity"));
    terminal_print(stdout, first, column, column);
    if (answer_text(alert, "raised")[0])
        alert_print_below(since, column);
    if (advice)
        alert_print_below(answer_text(alert, "advice"), column);
    free(since);
    free(first);
    free(subject);
}
