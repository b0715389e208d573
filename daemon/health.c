/* Lays an inspection out for a terminal of 80 columns. Runs in the parent; measures nothing. */
#include "health.h"

#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LEAST = 12, NAME_MOST = 64, OTHERS = 50, NOTE_FREE = 20, NOTE_WAL = 64 << 20 };

static const char *health_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t health_whole(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static double health_percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static double health_free_percent(const json_t *report)
{
    return health_percent((double)health_whole(report, "free_pages"),
                          (double)health_whole(report, "pages"));
}

/* Page counts and sizes come from a hostile file; their product need not fit. */
static int64_t health_bytes(const json_t *report, const char *pages)
{
    double bytes = (double)health_whole(report, pages) * (double)health_whole(report, "page_size");

    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}

static void health_sqlite(const json_t *report)
{
    const json_t *sqlite = json_object_get(report, "sqlite");
    const char *writer = health_text(sqlite, "last_writer_version");

    printf("  SQLite       %s here", health_text(sqlite, "version"));
    if (writer[0])
        printf(", the last writer's %s", writer);
    puts("");
}

static void health_head(const json_t *report)
{
    char size[TEXT_SHORT], count[TEXT_SHORT];
    int64_t pages = health_whole(report, "pages"), looked = health_whole(report, "pages_read");

    printf("%s\n\n", health_text(report, "path"));
    printf("  size         %s, %s", text_bytes(size, health_bytes(report, "pages")),
           text_counted(count, pages, "page"));
    printf(" of %s bytes\n", text_count(count, health_whole(report, "page_size")));
    printf("  free pages   %s, %s", text_bytes(size, health_bytes(report, "free_pages")),
           text_counted(count, health_whole(report, "free_pages"), "page"));
    printf(" (%.1f%%)\n", health_free_percent(report));
    printf("  journal      %s", health_text(report, "journal_mode"));
    if (strcmp(health_text(report, "journal_mode"), "wal") == 0)
        printf(", the WAL has %s", text_bytes(size, health_whole(report, "wal_bytes")));
    printf("\n  auto_vacuum  %s\n", health_text(report, "auto_vacuum"));
    health_sqlite(report);
    printf("  looked at    %s", text_counted(count, looked, "page"));
    if (looked <= pages && pages > 0) /* page 1 is read twice, which shows in a tiny file */
        printf(" (%.1f%%)", health_percent((double)looked, (double)pages));
    puts("\n");
}

static int health_larger(const void *left, const void *right)
{
    int64_t a = health_whole(*(json_t *const *)left, "bytes");
    int64_t b = health_whole(*(json_t *const *)right, "bytes");

    return a < b ? 1 : a > b ? -1 : 0;
}

/* The b-trees, borrowed, in a new array: the largest first. */
static json_t **health_sorted(const json_t *btrees)
{
    size_t count = json_array_size(btrees);
    json_t **sorted = memory_zeroed(count, sizeof *sorted);

    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(btrees, i);
    qsort(sorted, count, sizeof *sorted, health_larger);
    return sorted;
}

/* How wide the names' column is: what the longest needs, but never beyond the terminal. */
static size_t health_name_width(json_t **btrees, size_t count)
{
    size_t width = NAME_LEAST, terminal = terminal_width(stdout);
    size_t most = terminal > OTHERS + NAME_LEAST ? terminal - OTHERS : NAME_LEAST;

    for (size_t i = 0; i < count; i++) {
        size_t columns = terminal_columns(health_text(btrees[i], "name"));
        width = columns > width ? columns : width;
    }
    if (!terminal)
        most = NAME_MOST;
    return width < most ? width : most;
}

/* On a terminal a name that is too long ends in dots. */
static void health_name(const char *name, size_t width)
{
    size_t columns = terminal_columns(name);

    if (columns <= width || !terminal_width(stdout)) {
        printf("  %s%*s", name, columns < width ? (int)(width - columns) : 0, "");
        return;
    }
    printf("  ");
    for (size_t left = width - 3; *name; name++) {
        bool begins = (*name & 0xC0) != 0x80;
        if (begins && left == 0)
            break;
        left -= begins;
        putchar(*name);
    }
    printf("...");
}

static void health_ratio(const json_t *btree, const char *key)
{
    const json_t *ratio = json_object_get(btree, key);

    if (json_is_number(ratio))
        printf("  %7.1f%%", 100 * json_number_value(ratio));
    else
        printf("  %8s", "-");
}

static void health_btree(const json_t *btree, double whole, size_t width)
{
    char size[TEXT_SHORT];
    int64_t bytes = health_whole(btree, "bytes");

    health_name(health_text(btree, "name"), width);
    printf("  %-5s  %10s  %6.1f%%", health_text(btree, "type"), text_bytes(size, bytes),
           health_percent((double)bytes, whole));
    health_ratio(btree, "fragmentation");
    health_ratio(btree, "density");
    puts("");
}

static void health_note(const char *note)
{
    fputs("  * ", stdout);
    terminal_print(stdout, note, 4, 4);
}

/* A note of three pieces: what stands before the value, the value, what stands after it. */
static void health_note_value(const char *before, const char *value, const char *after)
{
    char *note = memory_format("%s%s%s", before, value, after);

    health_note(note);
    free(note);
}

static void health_damage(const json_t *report)
{
    const char *error = health_text(report, "freelist_error");
    const json_t *btrees = json_object_get(report, "btrees");

    if (error[0])
        health_note_value("DAMAGED: the freelist: ", error, "");
    for (size_t i = 0; i < json_array_size(btrees); i++) {
        const json_t *btree = json_array_get(btrees, i);
        struct text note = {0};
        error = health_text(btree, "error");
        if (!error[0])
            continue;
        text_addf(&note, "DAMAGED: %s %s: %s", health_text(btree, "type"),
                  health_text(btree, "name"), error);
        health_note(note.bytes);
        text_free(&note);
    }
}

static void health_notes(const json_t *report)
{
    const json_t *sqlite = json_object_get(report, "sqlite");
    bool ours = json_is_true(json_object_get(sqlite, "wal_reset_bug"));
    bool theirs = json_is_true(json_object_get(sqlite, "last_writer_wal_reset_bug"));
    int64_t wal = health_whole(report, "wal_bytes");
    char size[TEXT_SHORT];

    if (json_is_true(json_object_get(report, "approximate")))
        health_note("Someone wrote while this was measured, so the figures are approximate.");
    if (health_free_percent(report) > NOTE_FREE)
        health_note_value("A VACUUM would give about ",
                          text_bytes(size, health_bytes(report, "free_pages")),
                          " back to the file system.");
    if (wal > NOTE_WAL)
        health_note_value("The WAL has ", text_bytes(size, wal),
                          ": checkpoints don't come through, or it was never truncated since "
                          "they did.");
    if (ours || theirs)
        health_note_value(ours && theirs ? "This SQLite and the last writer's have"
                          : ours         ? "This SQLite has"
                                         : "The last writer's SQLite has",
                          " the WAL-reset bug: a checkpoint that overlaps a commit can lose "
                          "committed data.",
                          " Fixed in 3.44.6, 3.50.7 and 3.51.3; see "
                          "sqlite.org/wal.html#the_wal_reset_bug.");
    health_damage(report);
}

static void health_btrees(const json_t *report)
{
    const json_t *btrees = json_object_get(report, "btrees");
    size_t count = json_array_size(btrees);
    json_t **sorted = health_sorted(btrees);
    size_t width = health_name_width(sorted, count);

    printf("  %-*s  %-5s  %10s  %7s  %8s  %8s\n", (int)width, "b-tree", "kind", "size", "of file",
           "fragm.", "density");
    for (size_t i = 0; i < count; i++)
        health_btree(sorted[i], (double)health_bytes(report, "pages"), width);
    free(sorted);
}

void health_print(const json_t *report)
{
    health_head(report);
    if (json_array_size(json_object_get(report, "btrees")) == 0)
        puts("  It has no b-trees: it is empty.");
    else
        health_btrees(report);
    puts("");
    health_notes(report);
}

bool health_damaged(const json_t *report)
{
    const json_t *btrees = json_object_get(report, "btrees");

    for (size_t i = 0; i < json_array_size(btrees); i++)
        if (health_text(json_array_get(btrees, i), "error")[0])
            return true;
    return health_text(report, "freelist_error")[0] != '\0';
}
