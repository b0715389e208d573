/* Compares segments with the catalogue. Runs in the parent; opens nothing. */
#include "catalogue.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *catalogue_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool catalogue_is(const json_t *object, const char *key, const char *text)
{
    return strcmp(catalogue_text(object, key), text) == 0;
}

json_t *catalogue_of(const json_t *rows, const char *directory, const char *prefix)
{
    json_t *found = rows ? json_object() : NULL, *row;
    size_t i;

    json_array_foreach (rows, i, row)
        if (catalogue_is(row, "directory", directory) &&
            strncmp(catalogue_text(row, "file"), prefix, strlen(prefix)) == 0)
            json_object_set(found, catalogue_text(row, "file"), row);
    return found;
}

/* --- a segment and its row ---------------------------------------------------------------- */

/* What a row and a manifest must have in common, already while rows of it are being deleted; ... */
static const char *const catalogue_same[] = {"database", "path",    "rows",
                                             "bytes",    "sha256",  "sha256_rows",
                                             "first_us", "last_us", "cutoff_us"};
/* ... and where its state is the same, this, too. */
static const char catalogue_manifest[] = "manifest_sha256";

static bool catalogue_equal(const json_t *shelved, const json_t *row, const char *key)
{
    return json_equal(json_object_get(shelved, key), json_object_get(row, key));
}

/* The row has the policy's table, in its spelling: the segment's, or the one that it followed. */
static bool catalogue_same_target(const json_t *shelved, const json_t *row)
{
    const char *follows = catalogue_text(shelved, "follows");

    return strcasecmp(catalogue_text(row, "target"),
                      *follows ? follows : catalogue_text(shelved, "table")) == 0;
}

/* The states that the catalogue may have of a segment that is in this one. It is told first. */
static const struct {
    const char *state, *known[3];
    bool compared;
} catalogue_states[] = {
    {"writing", {"written", NULL}, false},     {"written", {"written", NULL}, true},
    {"deleting", {"written", NULL}, true},     {"settled", {"written", "done", NULL}, false},
    {"done", {"done", "removed", NULL}, true}, {"removed", {"removed", NULL}, true},
};

static const char *catalogue_other_state(const json_t *shelved, const json_t *row, bool *compared)
{
    for (size_t i = 0; i < sizeof catalogue_states / sizeof *catalogue_states; i++) {
        if (!catalogue_is(shelved, "state", catalogue_states[i].state))
            continue;
        *compared = catalogue_states[i].compared;
        for (const char *const *known = catalogue_states[i].known; *known; known++)
            if (catalogue_is(row, "state", *known))
                return NULL;
    }
    return "state";
}

/* Which of the two's values differ; NULL: none. */
static const char *catalogue_difference(const json_t *shelved, const json_t *row)
{
    bool compared = false;
    const char *other = catalogue_other_state(shelved, row, &compared);
    bool same_state = catalogue_is(shelved, "state", catalogue_text(row, "state"));

    if (other || !compared)
        return other;
    if (!catalogue_same_target(shelved, row))
        return "table";
    for (size_t i = 0; i < sizeof catalogue_same / sizeof *catalogue_same; i++)
        if (!catalogue_equal(shelved, row, catalogue_same[i]))
            return catalogue_same[i];
    return same_state && !catalogue_equal(shelved, row, catalogue_manifest) ? catalogue_manifest
                                                                            : NULL;
}

/* --- judging ------------------------------------------------------------------------------ */

/* The first problem stays: the others mostly follow from it. */
static void judge_problem(json_t *judged, const char *problem)
{
    if (!json_is_string(json_object_get(judged, "problem")))
        json_object_set_new(judged, "problem", json_string(problem));
}

/* Whether the row is another by now. */
static bool judge_moves(const json_t *row, const json_t *old)
{
    return row && old ? !json_equal(row, old) : row != old;
}

static void judge_row(json_t *judged, const json_t *shelved, const json_t *row)
{
    const char *other = row ? catalogue_difference(shelved, row) : NULL;
    const char *word = !row                                            ? "unknown"
                       : other                                         ? "differs"
                       : json_is_true(json_object_get(row, "rebuilt")) ? "rebuilt"
                                                                       : "known";

    json_object_set_new(judged, "catalogue", json_string(word));
    if (other) {
        char *problem = memory_format("the catalogue has another %s of it", other);
        judge_problem(judged, problem);
        free(problem);
    }
    if (catalogue_is(row, "state", "removed") && catalogue_is(shelved, "state", "done"))
        json_object_set_new(judged, "note",
                            json_string("its removal was begun, and the next run ends it"));
}

static void judge_moving(json_t *judged, const json_t *shelved)
{
    json_object_set_new(judged, "catalogue", json_string("known"));
    json_object_set_new(judged, "problem", json_null());
    json_object_set_new(judged, "changing", json_true());
    if (json_is_null(json_object_get(shelved, "state")))
        json_object_set_new(judged, "state", json_string("changing"));
}

static void judge_catalogue(json_t *judged, const json_t *before, const json_t *after,
                            const json_t *shelved)
{
    const char *file = catalogue_text(shelved, "file");
    const json_t *row = json_object_get(after, file), *old = json_object_get(before, file);

    if (!before || !after)
        json_object_set_new(judged, "catalogue", json_string("unread"));
    else if (judge_moves(row, old))
        judge_moving(judged, shelved);
    else
        judge_row(judged, shelved, row);
}

static void judge_state(json_t *judged, const json_t *shelved)
{
    bool damaged = json_is_string(json_object_get(shelved, "problem"));
    bool there = json_is_true(json_object_get(shelved, "there"));

    if (json_is_true(json_object_get(shelved, "changing"))) {
        json_object_set_new(judged, "state", json_string("changing"));
    } else if (json_is_null(json_object_get(shelved, "state"))) {
        const char *file = strrchr(catalogue_text(shelved, "file"), '/');
        bool named = file && strncmp(file, "/part-", 6) == 0;
        json_object_set_new(judged, "state",
                            json_string(named && there &&
                                                !*catalogue_text(shelved, "manifest_sha256")
                                            ? "stray"
                                            : "damaged"));
    } else if (catalogue_is(shelved, "state", "done") && !there && !damaged) {
        judge_problem(judged, "its file is gone");
    }
    if (catalogue_is(shelved, "state", "removed") && there)
        json_object_set_new(judged, "note", json_string("its file is to go with the next run"));
}

/* One that is not done is not vouched for by the catalogue before rows of it are deleted. */
static bool judge_needs_row(const json_t *shelved)
{
    return catalogue_is(shelved, "state", "deleting") ||
           catalogue_is(shelved, "state", "settled") || catalogue_is(shelved, "state", "done") ||
           catalogue_is(shelved, "state", "removed");
}

json_t *catalogue_judge(const json_t *before, const json_t *after, const json_t *shelved)
{
    json_t *judged = json_deep_copy(shelved);

    json_object_del(judged, "event");
    json_object_set_new(judged, "note", json_null());
    json_object_set_new(judged, "catalogue", json_null());
    judge_state(judged, shelved);
    if (judge_needs_row(shelved) || json_object_get(after, catalogue_text(shelved, "file")))
        judge_catalogue(judged, before, after, shelved);
    return judged;
}

const char *catalogue_doubts(const json_t *before, const json_t *shelved)
{
    const json_t *row = json_object_get(before, catalogue_text(shelved, "file"));

    return row && catalogue_is(shelved, "state", catalogue_text(row, "state"))
               ? catalogue_difference(shelved, row)
               : NULL;
}

/* --- what is not there -------------------------------------------------------------------- */

static bool catalogue_has(const json_t *judged, const char *file)
{
    json_t *segment;
    size_t i;

    json_array_foreach (judged, i, segment)
        if (catalogue_is(segment, "file", file))
            return true;
    return false;
}

static json_t *catalogue_missing(const json_t *row)
{
    bool removed = catalogue_is(row, "state", "removed");
    json_t *judged = json_deep_copy(row);

    json_object_del(judged, "event");
    json_object_del(judged, "task");
    json_object_del(judged, "directory");
    json_object_set(judged, "table", json_object_get(row, "target"));
    json_object_del(judged, "target");
    json_object_set_new(judged, "state", json_string("missing"));
    json_object_set_new(judged, "catalogue", json_string("known"));
    json_object_set_new(judged, "problem",
                        json_string(removed ? "its file was removed, but its manifest is gone, too"
                                            : "the catalogue knows it, and it is gone"));
    json_object_set_new(judged, "note", json_null());
    return judged;
}

void catalogue_add_missing(const json_t *before, const json_t *after, json_t *judged)
{
    const char *file;
    json_t *row;
    json_t *rows = json_deep_copy(after);

    json_object_foreach (rows, file, row)
        if (json_object_get(before, file) && !catalogue_has(judged, file))
            json_array_append_new(judged, catalogue_missing(row));
    json_decref(rows);
}

/* --- telling it anew ---------------------------------------------------------------------- */

bool catalogue_lacks(const json_t *judged)
{
    bool right = json_is_true(json_object_get(judged, "checked")) ||
                 catalogue_is(judged, "state", "removed");

    return right &&
           (catalogue_is(judged, "state", "done") || catalogue_is(judged, "state", "removed")) &&
           (catalogue_is(judged, "catalogue", "unknown") ||
            catalogue_is(judged, "catalogue", "differs"));
}

json_t *catalogue_entry(const json_t *judged, const char *directory, const char *database,
                        const char *table)
{
    static const char *const keys[] = {"state",           "file",        "rows",     "bytes",
                                       "sha256",          "sha256_rows", "first_us", "last_us",
                                       "manifest_sha256", "cutoff_us"};
    json_t *entry = json_pack("{s:s, s:s, s:s, s:b}", "directory", directory, "database", database,
                              "target", table, "rebuilt", 1);

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_set(entry, keys[i], json_object_get(judged, keys[i]));
    return entry;
}
