/* Logs what workers say, in the parent. Nothing here believes or acts on it. */
#include "words.h"

#include "log.h"
#include "text.h"

#include <stdio.h>
#include <syslog.h>

typedef void words_log(const char *format, ...);

static words_log *const words_logs[] = {
    [LOG_ERR] = log_error, [LOG_WARNING] = log_warning, [LOG_NOTICE] = log_notice,
    [LOG_INFO] = log_info, [LOG_DEBUG] = log_debug,
};

void words_init(struct words *words, int process)
{
    *words = (struct words){.process = process};
    lines_init(&words->lines, WORDS_LINE);
}

void words_free(struct words *words)
{
    lines_free(&words->lines);
}

static void words_keep(struct words *words, const char *text)
{
    snprintf(words->last, sizeof words->last, "%s", text);
    text_sanitize(words->last);
}

static void words_say(struct words *words, int level, const char *text)
{
    if (words->count == WORDS_LINES)
        log_warning("worker %d says more than %d lines; the rest is left out", words->process,
                    WORDS_LINES);
    if (words->count < WORDS_LINES)
        words_logs[level]("worker %d: %s", words->process, text);
    if (words->count <= WORDS_LINES)
        words->count++;
}

/* "<3>text" is a log line; "<2>text" its last words, which whoever asked will hear; anything else
 * comes from a library that is about to abort, or from a sanitizer. */
static void words_line(struct words *words, const char *line)
{
    bool level = line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>';
    int number = level ? line[1] - '0' : LOG_WARNING;
    const char *text = level ? line + 3 : line;

    if (number <= LOG_CRIT) {
        words_keep(words, text);
        words->said = true;
        return;
    }
    if (!level && !words->said)
        words_keep(words, text);
    words_say(words, number, text);
}

void words_add(struct words *words, const char *bytes, size_t length)
{
    enum lines_found found;
    size_t size;
    char *line;

    lines_add(&words->lines, bytes, length);
    while ((found = lines_next(&words->lines, &line, &size)) == LINES_ONE)
        words_line(words, line);
    if (found == LINES_TOO_LONG) {
        lines_free(&words->lines);
        words_say(words, LOG_WARNING, "(a line too long to be shown)");
    }
}

void words_end(struct words *words)
{
    if (lines_left(&words->lines))
        words_add(words, "\n", 1);
}
