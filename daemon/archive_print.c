/* Lays out what was found out about an archive. Runs in the parent; finds out nothing itself. */
#include "archive_print.h"

#include "event.h"
#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *print_text(const json_t *segment, const char *key)
{
    const char *text = json_string_value(json_object_get(segment, key));

    return text ? text : "";
}

static int64_t print_whole(const json_t *segment, const char *key)
{
    return json_integer_value(json_object_get(segment, key));
}

static bool print_is(const json_t *segment, const char *key, const char *text)
{
    return strcmp(print_text(segment, key), text) == 0;
}

/* In the table's folder. */
static const char *print_file(const struct archive_summary *summary, const json_t *segment)
{
    const char *file = print_text(segment, "file"), *end = summary->folder;
    size_t parts = 0;

    for (end += strlen(end); end > summary->folder && parts < 2; end--)
        parts += end[-1] == '/';
    return strncmp(file, end + 1, strlen(end + 1)) == 0 ? file + strlen(end + 1) + 1 : file;
}

/* The catalogue's loss is one problem, and not one of each segment. */
static bool print_problem(const struct archive_summary *summary, const json_t *segment)
{
    return print_text(segment, "problem")[0] != '\0' ||
           (print_is(segment, "catalogue", "unknown") && !summary->lost);
}

void archive_print_count(struct archive_summary *summary)
{
    json_t *segment;
    size_t i;

    summary->problems = summary->lost;
    json_array_foreach (summary->segments, i, segment)
        summary->problems += print_problem(summary, segment);
}

/* --- a table ------------------------------------------------------------------------------ */

static const char *print_time(char *text, const json_t *segment, const char *key)
{
    int64_t us = print_whole(segment, key);

    return us > 0 ? text_time(text, us) : "-";
}

static void print_row(const struct archive_summary *summary, const json_t *segment)
{
    char first[TEXT_SHORT], last[TEXT_SHORT], rows[TEXT_SHORT], bytes[TEXT_SHORT];

    printf("  %-20s  %-20s  %11s  %9s  %-8s  %s\n", print_time(first, segment, "first_us"),
           print_time(last, segment, "last_us"), text_count(rows, print_whole(segment, "rows")),
           text_bytes(bytes, print_whole(segment, "bytes")), print_text(segment, "state"),
           print_file(summary, segment));
}

static void print_rows(const struct archive_summary *summary)
{
    json_t *segment;
    size_t i;

    if (json_array_size(summary->segments) > 0)
        printf("  %-20s  %-20s  %11s  %9s  %-8s  %s\n", "first", "last", "rows", "size", "state",
               "file");
    json_array_foreach (summary->segments, i, segment)
        print_row(summary, segment);
}

static void print_note(const char *file, const char *words)
{
    char *note = memory_format("%s%s%s", file, *file ? ": " : "", words);

    fputs("  * ", stdout);
    terminal_print(stdout, note, 4, 4);
    free(note);
}

static void print_segment_notes(const struct archive_summary *summary, const json_t *segment)
{
    const char *file = print_file(summary, segment), *note = print_text(segment, "note");
    const char *problem = print_text(segment, "problem");

    if (problem[0])
        print_note(file, problem);
    else if (print_problem(summary, segment))
        print_note(file, "the catalogue does not know it");
    else if (note[0])
        print_note(file, note);
    if (json_is_true(json_object_get(segment, "changing")))
        print_note(file, "a run works on it just now");
}

static void print_notes(const struct archive_summary *summary)
{
    json_t *segment;
    size_t i;

    json_array_foreach (summary->segments, i, segment)
        print_segment_notes(summary, segment);
    if (summary->lost)
        print_note("", "the catalogue knows nothing of this archive: it was lost, or is another "
                       "host's; `litekeeper archive verify --rebuild` enters what fits to its "
                       "manifest");
}

/* --- what they are together --------------------------------------------------------------- */

struct print_sum {
    int64_t rows, bytes;
    size_t segments, removed, unfinished, rebuilt;
};

static struct print_sum print_add(const struct archive_summary *summary)
{
    struct print_sum sum = {0};
    json_t *segment;
    size_t i;

    json_array_foreach (summary->segments, i, segment) {
        bool removed = print_is(segment, "state", "removed");
        bool there =
            print_is(segment, "state", "done") && json_is_true(json_object_get(segment, "there"));
        sum.removed += removed;
        sum.rebuilt += print_is(segment, "catalogue", "rebuilt");
        sum.unfinished += !removed && !there && print_whole(segment, "rows") > 0 &&
                          !print_problem(summary, segment);
        sum.segments += there;
        sum.rows += there ? print_whole(segment, "rows") : 0;
        sum.bytes += there ? print_whole(segment, "bytes") : 0;
    }
    return sum;
}

static void print_part(struct text *line, size_t number, const char *words)
{
    char count[TEXT_SHORT];

    if (number)
        text_addf(line, "; %s %s", text_count(count, (int64_t)number), words);
}

static void print_total(const struct archive_summary *summary)
{
    struct print_sum sum = print_add(summary);
    char segments[TEXT_SHORT], rows[TEXT_SHORT], bytes[TEXT_SHORT], problems[TEXT_SHORT];
    struct text line = {0};

    text_addf(&line, "%s, %s, %s", text_counted(segments, (int64_t)sum.segments, "segment"),
              text_counted(rows, sum.rows, "row"), text_bytes(bytes, sum.bytes));
    print_part(&line, sum.unfinished, "unfinished, which the next run of retention ends");
    print_part(&line, sum.removed, "removed by keep_archives");
    print_part(&line, sum.rebuilt, "known from the manifest alone");
    print_part(&line, summary->rebuilt, "entered in the catalogue anew");
    if (summary->problems)
        text_addf(&line, "; %s", text_counted(problems, (int64_t)summary->problems, "problem"));
    else if (summary->verified)
        text_add(&line, "; all is as it was written");
    fputs("  ", stdout);
    terminal_print(stdout, line.bytes, 2, 2);
    text_free(&line);
}

/* What came back out of the archive, and retention leaves alone. */
static void print_holds(const struct archive_summary *summary)
{
    char first[TEXT_SHORT], last[TEXT_SHORT], set[TEXT_SHORT];
    json_t *hold;
    size_t i;

    json_array_foreach (summary->holds, i, hold)
        printf("  held since %s: rows from %s to %s\n", text_time(set, print_whole(hold, "set_us")),
               text_time(first, print_whole(hold, "first_us")),
               text_time(last, print_whole(hold, "last_us")));
}

void archive_print_table(const struct archive_summary *summary)
{
    printf("%s %s  %s\n", summary->database, summary->table, summary->folder);
    if (!summary->verified) {
        print_rows(summary);
        print_holds(summary);
    }
    print_notes(summary);
    print_total(summary);
}

/* --- JSON --------------------------------------------------------------------------------- */

static void print_line(json_t *object)
{
    char *line = event_line(object);

    puts(line ? line : "{}");
    free(line);
    json_decref(object);
}

static void print_json_time(json_t *object, const char *key, const char *from)
{
    int64_t us = print_whole(object, from);
    char text[TEXT_SHORT];

    json_object_set_new(object, key, us > 0 ? json_string(text_time(text, us)) : json_null());
}

static void print_json_segment(const struct archive_summary *summary, const json_t *segment)
{
    static const char *const keys[] = {"file",      "state",   "rows",    "bytes",
                                       "first",     "last",    "removed", "checked",
                                       "catalogue", "problem", "note",    "sha256"};
    json_t *whole = json_copy((json_t *)segment);
    json_t *object = json_pack("{s:s, s:s, s:s}", "event", "segment", "database", summary->database,
                               "table", summary->table);

    print_json_time(whole, "first", "first_us");
    print_json_time(whole, "last", "last_us");
    print_json_time(whole, "removed", "removed_us");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(whole, keys[i]))
            json_object_set(object, keys[i], json_object_get(whole, keys[i]));
    json_decref(whole);
    print_line(object);
}

void archive_print_json(const struct archive_summary *summary)
{
    struct print_sum sum = print_add(summary);
    json_t *segment;
    size_t i;

    json_array_foreach (summary->segments, i, segment)
        print_json_segment(summary, segment);
    json_array_foreach (summary->holds, i, segment)
        print_line(json_incref(segment));
    print_line(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "event",
                         "archive", "database", summary->database, "table", summary->table,
                         "folder", summary->folder, "segments", (json_int_t)sum.segments, "rows",
                         (json_int_t)sum.rows, "bytes", (json_int_t)sum.bytes, "unfinished",
                         (json_int_t)sum.unfinished, "removed", (json_int_t)sum.removed, "rebuilt",
                         (json_int_t)(sum.rebuilt + summary->rebuilt), "catalogue_lost",
                         summary->lost, "problems", (json_int_t)summary->problems));
}
