/* Findings and their meaning: a table of parts of SQLite's messages (pragma.c, btree.c). */
#include "findings.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *part;
    enum findings_kind kind;
} findings_parts[] = {
    {" missing from index ", FINDINGS_INDEX},
    {"wrong # of entries in index ", FINDINGS_INDEX},
    {" values differ from index ", FINDINGS_INDEX},
    {"rowid not at end-of-record for row ", FINDINGS_INDEX},
    {"non-unique entry in index ", FINDINGS_ROW},
    {"CHECK constraint failed in ", FINDINGS_ROW},
    {" value in ", FINDINGS_ROW}, /* "NULL value in t.a", NUMERIC, TEXT, non-INT ... */
};

static const char *const findings_advice[] = {
    [FINDINGS_INDEX] = "the tables are sound, and REINDEX mends their indexes",
    [FINDINGS_ROW] = "the file is sound, but these rows break what their table or index declares, "
                     "and have to be mended by hand",
    [FINDINGS_FILE] = "restore the file from a backup, or save what can be saved with .recover of "
                      "the sqlite3 shell, and look for failing storage",
};

static enum findings_kind findings_judge(const char *line)
{
    for (size_t i = 0; i < sizeof findings_parts / sizeof *findings_parts; i++)
        if (strstr(line, findings_parts[i].part))
            return findings_parts[i].kind;
    return FINDINGS_FILE;
}

static void findings_add_line(struct findings *findings, const char *line, size_t length)
{
    char *text = memory_copy_length(line, length < FINDINGS_TEXT ? length : FINDINGS_TEXT);
    enum findings_kind kind = findings_judge(text);

    text_sanitize(text);
    if (kind > findings->worst)
        findings->worst = kind;
    if (findings->count < FINDINGS_KEPT)
        findings->texts[findings->count] = text;
    else
        free(text);
    findings->count++;
}

void findings_add(struct findings *findings, const char *hostile)
{
    if (strcmp(hostile, "ok") == 0)
        return;
    for (const char *line = hostile; *line;) {
        size_t length = strcspn(line, "\n");
        if (length && strncmp(line, "*** in database ", 16) != 0)
            findings_add_line(findings, line, length);
        line += length + (line[length] != '\0');
    }
}

void findings_say(const struct findings *findings, struct text *reason)
{
    char count[TEXT_SHORT];

    text_addf(reason, "%s%s, the first: %.160s; %s",
              text_counted(count, findings->count, "problem"),
              findings->count >= FINDINGS_MOST ? " or more" : "", findings->texts[0],
              findings_advice[findings->worst]);
}

json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();

    for (int i = 0; i < FINDINGS_KEPT && findings->texts[i]; i++)
        json_array_append_new(list, json_string(findings->texts[i]));
    return list;
}

void findings_free(struct findings *findings)
{
    for (int i = 0; i < FINDINGS_KEPT; i++)
        free(findings->texts[i]);
    *findings = (struct findings){0};
}
