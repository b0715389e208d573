/*
 * `litekeeper archive cat`: rows of an archive as lines of JSON, as a worker sends them. Runs in
 * the parent. Nothing is printed of a segment that is not what it was.
 */
#include "archive_ask.h"
#include "catalogue.h"
#include "event.h"
#include "log.h"
#include "memory.h"
#include "moment.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cat {
    const struct archive_table *table;
    json_t *known;  /* to the catalogue, by file */
    json_t *judged; /* segments, so far */
    bool good;      /* the segment whose rows come */
    bool damaged;   /* some segment is */
    bool terminal;
    size_t unfinished; /* that were left out */
};

static void cat_say(struct cat *cat, const char *file, const char *problem)
{
    log_error("%s: %s; its rows are left out", file, problem);
    cat->damaged = true;
}

/* Whether a segment is unfinished, and so not printed unless it was asked for. */
static bool cat_unfinished(const json_t *segment)
{
    static const char *const states[] = {"written", "deleting", "settled"};
    const char *state = json_string_value(json_object_get(segment, "state"));

    for (size_t i = 0; state && i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i], state) == 0)
            return true;
    return false;
}

static void cat_segment(struct cat *cat, json_t *event)
{
    const char *problem = json_string_value(json_object_get(event, "problem"));
    const char *file = json_string_value(json_object_get(event, "file"));
    const char *doubt = catalogue_doubts(cat->known, event);

    cat->good = !problem && !doubt;
    if (problem) {
        cat_say(cat, file, problem);
    } else if (doubt) {
        char *words = memory_format("the catalogue has another %s of it", doubt);
        cat_say(cat, file, words);
        free(words);
    } else if (!json_is_true(json_object_get(event, "checked"))) {
        cat->unfinished +=
            cat_unfinished(event) || json_is_true(json_object_get(event, "changing"));
    }
    json_array_append(cat->judged, event);
}

/* What a terminal would take for a command is written as JSON can write it, too. */
static void cat_print_safely(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool pair = byte == 0xC2 && i + 1 < length && (unsigned char)text[i + 1] < 0xA0;
        if (byte == 0x7F || pair)
            printf("\\u%04x", pair ? (unsigned char)text[++i] : byte);
        else
            putchar(byte >= ' ' || byte == '\n' ? byte : '?');
    }
}

static void cat_rows(struct cat *cat, const json_t *event)
{
    const json_t *text = json_object_get(event, "text");
    const char *bytes = json_string_value(text);
    size_t length = json_string_length(text);

    if (!cat->good)
        return;
    if (cat->terminal)
        cat_print_safely(bytes, length);
    else
        fwrite(bytes, 1, length, stdout);
    if (ferror(stdout)) /* nobody reads on */
        session_stop(cat->table->ask->session);
}

static void cat_event(void *argument, json_t *event)
{
    struct cat *cat = argument;
    const char *kind = event_kind(event);

    if (strcmp(kind, "shelved") == 0)
        cat_segment(cat, event);
    else if (strcmp(kind, "rows") == 0)
        cat_rows(cat, event);
    else if (strcmp(kind, "notice") == 0)
        log_notice("%s", json_string_value(json_object_get(event, "text")));
    json_decref(event);
}

/* `--since` and `--until`; -1, or the exit status. */
static int cat_moment(const char *text, int64_t *us)
{
    struct error error = {0};

    *us = -1;
    if (!text || moment_parse(text, us, &error) == STATUS_OK)
        return -1;
    log_error("%s", error.text);
    return COMMAND_USAGE;
}

static int cat_order(const struct command_line *line, int64_t *since_us, int64_t *until_us,
                     json_t **order)
{
    int status = cat_moment(line->since, since_us);

    if (status < 0)
        status = cat_moment(line->until, until_us);
    if (status >= 0)
        return status;
    *order = json_pack("{s:s, s:I, s:I, s:b}", "do", "cat", "since_us", (json_int_t)*since_us,
                       "until_us", (json_int_t)*until_us, "unfinished", line->unfinished);
    if (line->where && json_object_set_new(*order, "where", json_string(line->where)) < 0) {
        log_error("--where is not UTF-8");
        json_decref(*order);
        return COMMAND_USAGE;
    }
    return -1;
}

static bool cat_spans(const json_t *segment, int64_t since_us, int64_t until_us)
{
    return (since_us < 0 || json_integer_value(json_object_get(segment, "last_us")) >= since_us) &&
           (until_us < 0 || json_integer_value(json_object_get(segment, "first_us")) < until_us);
}

/* One that was not may have been taken back since. */
static bool cat_was_done(const struct cat *cat, const json_t *segment)
{
    const char *file = json_string_value(json_object_get(segment, "file"));
    const char *state =
        json_string_value(json_object_get(json_object_get(cat->known, file), "state"));

    return state && strcmp(state, "done") == 0;
}

/* Segments that the catalogue knows, and that are not there: of the times that were asked for. */
static void cat_missing(struct cat *cat, int64_t since_us, int64_t until_us)
{
    size_t first = json_array_size(cat->judged);

    catalogue_add_missing(cat->known, cat->known, cat->judged);
    for (size_t i = first; i < json_array_size(cat->judged); i++) {
        const json_t *segment = json_array_get(cat->judged, i);
        if (!cat_spans(segment, since_us, until_us) || !cat_was_done(cat, segment))
            continue;
        cat_say(cat, json_string_value(json_object_get(segment, "file")),
                json_string_value(json_object_get(segment, "problem")));
    }
}

static int cat_table(const struct archive_table *table)
{
    struct cat cat = {.table = table, .judged = json_array(), .terminal = isatty(STDOUT_FILENO)};
    char count[TEXT_SHORT];
    struct error error = {0};
    json_t *order;
    int64_t since_us, until_us;
    int exit_status = cat_order(table->ask->line, &since_us, &until_us, &order);

    if (exit_status >= 0)
        goto out;
    cat.known = archive_ask_catalogue(table);
    session_endless(table->ask->session);
    if (archive_ask_worker(table, order, cat_event, &cat, &error) && !ferror(stdout)) {
        exit_status = archive_ask_failed(table, &error);
        goto out;
    }
    if (!ferror(stdout))
        cat_missing(&cat, since_us, until_us);
    if (cat.unfinished)
        log_notice("%s unfinished, and left out: its rows may still be in the database; "
                   "--unfinished prints them, too",
                   text_counted(count, (int64_t)cat.unfinished, "segment is"));
    exit_status = cat.damaged ? COMMAND_FAILED : COMMAND_OK;
out:
    json_decref(cat.known);
    json_decref(cat.judged);
    return exit_status;
}

int cmd_archive_cat(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);

    return status >= 0 ? status : archive_ask(&line, "litekeeper archive cat", cat_table);
}
