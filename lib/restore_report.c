/* What became of the rows, counted and in words. */
#include "restore_inside.h"

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPORT_NAMES = 50 };

void restore_result_begin(struct restore_result *result)
{
    *result = (struct restore_result){.first_us = -1, .last_us = -1};
    result->names[RESTORE_OTHER] = json_array();
    result->names[RESTORE_REFUSED] = json_array();
    result->damaged = json_array();
    result->unfinished = json_array();
    result->removed = json_array();
    result->left_out = json_array();
    result->missing = json_array();
    result->plain = json_array();
}

void restore_result_free(struct restore_result *result)
{
    json_decref(result->names[RESTORE_OTHER]);
    json_decref(result->names[RESTORE_REFUSED]);
    json_decref(result->damaged);
    json_decref(result->unfinished);
    json_decref(result->removed);
    json_decref(result->left_out);
    json_decref(result->missing);
    json_decref(result->plain);
}

void restore_name(json_t *list, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = memory_copy("?");
    va_end(arguments);
    text_sanitize(text);
    json_array_append_new(list, json_string(text));
    free(text);
}

/* --- one row ------------------------------------------------------------------------------ */

static void report_name_row(const struct restore_put *put, const struct rowlist *batch,
                            enum restore_fate fate, struct restore_result *result)
{
    size_t *named = &result->counts.named[fate];
    json_t *list = result->names[fate];

    if (!list || *named == RESTORE_NAMED)
        return;
    while (json_array_size(list) > *named) /* of a step that was rolled back */
        json_array_remove(list, json_array_size(list) - 1);
    char *key = restore_put_name(put, batch, result->counts.done);
    bool why = fate == RESTORE_REFUSED;
    restore_name(list, "%.200s%s%s", key, why ? ": " : "", why ? restore_put_refusal(put) : "");
    ++*named;
    free(key);
}

enum status restore_row(struct restore_put *put, const struct rowlist *batch,
                        struct restore_result *result, enum restore_fate *fate, struct error *error)
{
    bool anew = false;
    enum status status = restore_put_row(put, batch, result->counts.done, fate, &anew, error);

    if (status)
        return status;
    report_name_row(put, batch, *fate, result);
    result->counts.fates[*fate]++;
    result->counts.anew += anew && *fate == RESTORE_PUT;
    result->counts.done++;
    return STATUS_OK;
}

/* --- all of them -------------------------------------------------------------------------- */

static void report_list(const json_t *list, struct text *reason)
{
    for (size_t i = 0; i < json_array_size(list) && i < RESTORE_NAMED; i++)
        text_addf(reason, "%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
}

static void report_rows(int64_t rows, const char *words, const json_t *names, struct text *reason)
{
    char count[TEXT_SHORT];

    if (rows <= 0)
        return;
    text_addf(reason, "; %s %s", text_counted(count, rows, "row"), words);
    if (json_array_size(names)) {
        text_add(reason, " (");
        report_list(names, reason);
        text_add(reason, rows > RESTORE_NAMED ? ", ...)" : ")");
    }
}

static void report_names(const json_t *list, const char *one, const char *many, struct text *reason)
{
    char count[TEXT_SHORT];
    size_t size = json_array_size(list);

    if (!size)
        return;
    text_addf(reason, "; %s %s: ", text_count(count, (int64_t)size), size == 1 ? one : many);
    report_list(list, reason);
}

static void report_reason(const struct restore_options *options,
                          const struct restore_result *result, struct text *reason)
{
    const int64_t *fates = result->counts.fates;
    char put[TEXT_SHORT], rows[TEXT_SHORT], segments[TEXT_SHORT];

    text_addf(reason, "%s of the %s in %s put into %s", text_count(put, fates[RESTORE_PUT]),
              text_counted(rows, result->rows, "wanted row"),
              text_counted(segments, result->segments, "segment"),
              options->into ? options->into : options->table);
    if (options->into && !result->rows)
        text_add(reason, ", so it was not made");
    report_names(result->damaged, "segment can't be used", "segments can't be used", reason);
    report_rows(fates[RESTORE_THERE],
                options->into ? "in a newer segment, too" : "there already, value by value", NULL,
                reason);
    report_rows(fates[RESTORE_OTHER],
                options->into ? "of whose key a newer segment has another version"
                              : "left out, since their keys are there with newer values",
                result->names[RESTORE_OTHER], reason);
    report_rows(fates[RESTORE_REFUSED], "refused", result->names[RESTORE_REFUSED], reason);
    report_rows(result->counts.anew, "with a new rowid, since theirs is another row's by now", NULL,
                reason);
    report_names(result->left_out, "column is no more in the table",
                 "columns are no more in the table", reason);
    report_names(result->missing, "column is not in all segments",
                 "columns are not in all segments", reason);
    report_names(result->plain, "generated column is an ordinary one in the file",
                 "generated columns are ordinary ones in the file", reason);
    report_names(result->removed, "segment is no more, by keep_archives",
                 "segments are no more, by keep_archives", reason);
    report_names(result->unfinished,
                 "segment is unfinished, so its rows are in the table or for later",
                 "segments are unfinished, so their rows are in the table or for later", reason);
}

/* As many as the outcome's line has room for. */
static void report_add(json_t *effect, const char *key, json_t *list)
{
    while (json_array_size(list) > REPORT_NAMES)
        json_array_remove(list, json_array_size(list) - 1);
    if (json_array_size(list))
        json_object_set(effect, key, list);
}

static json_t *report_effect(const struct restore_options *options,
                             const struct restore_result *result)
{
    const int64_t *fates = result->counts.fates;
    json_t *effect =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rows_wanted", (json_int_t)result->rows,
                  "rows_put", (json_int_t)fates[RESTORE_PUT], "rows_there",
                  (json_int_t)fates[RESTORE_THERE], "rows_conflicting",
                  (json_int_t)fates[RESTORE_OTHER], "rows_refused",
                  (json_int_t)fates[RESTORE_REFUSED], "segments", (json_int_t)result->segments);

    if (result->counts.anew)
        json_object_set_new(effect, "rows_renumbered", json_integer(result->counts.anew));
    report_add(effect, "conflicting", result->names[RESTORE_OTHER]);
    report_add(effect, "refused", result->names[RESTORE_REFUSED]);
    report_add(effect, "columns_left_out", result->left_out);
    report_add(effect, "columns_missing", result->missing);
    report_add(effect, "columns_plain", result->plain);
    report_add(effect, "segments_unfinished", result->unfinished);
    report_add(effect, "segments_removed", result->removed);
    report_add(effect, "segments_damaged", result->damaged);
    if (!options->into && result->first_us >= 0) {
        json_object_set_new(effect, "held_first_us", json_integer(result->first_us));
        json_object_set_new(effect, "held_last_us", json_integer(result->last_us));
    }
    return effect;
}

/* Each name once. */
static void report_once(json_t *list)
{
    for (size_t i = json_array_size(list); i-- > 1;)
        for (size_t j = 0; j < i; j++)
            if (json_equal(json_array_get(list, i), json_array_get(list, j))) {
                json_array_remove(list, i);
                break;
            }
}

void restore_report(const struct restore_options *options, const struct restore_result *result,
                    struct outcome *outcome)
{
    struct text reason = {0};

    report_once(result->left_out);
    report_once(result->missing);
    report_reason(options, result, &reason);
    outcome->effect = report_effect(options, result);
    outcome->rows = result->counts.fates[RESTORE_PUT];
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    if (json_array_size(result->damaged))
        outcome->kind = OUTCOME_FAILED;
    text_free(&reason);
}
