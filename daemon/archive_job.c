/*
 * Looks through the archive of one table for `litekeeper archive`: what is there, whether it is
 * what it was, and its rows. Runs in a worker with the rights of the database's owner; writes
 * nothing, opens no database, and knows nothing of the catalogue, which its parent has.
 */
#include "archive_job.h"

#include "archive_filter.h"
#include "archive_shelf.h"
#include "engine.h"
#include "event.h"
#include "job.h"
#include "memory.h"
#include "outcome.h"
#include "privileges.h"
#include "task_retention.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

struct archive_look {
    const struct engine_job *job;
    const struct retention_options *options;
    struct shelf shelf;
    struct archive_wanted wanted; /* of `cat` */
    bool unfinished;              /* those, too */
    struct archive_filter *filter;
    struct text rows; /* lines that are not sent yet */
    int64_t untimed;
    bool wrong; /* the expression failed on a row */
};

/* --- what is said of a segment ------------------------------------------------------------ */

/* Names and messages may have any bytes in them. */
static json_t *look_text(const char *text)
{
    char *copy = memory_copy(text);

    text_sanitize(copy);
    json_t *string = json_string(copy);
    free(copy);
    return string;
}

static json_t *look_about(const struct shelf_segment *segment, const char *key)
{
    json_t *value = json_object_get(segment->manifest.about, key);

    return json_is_string(value) ? json_incref(value) : json_null();
}

/* As the catalogue has it: within the directory. */
static json_t *look_file(const struct archive_look *look, const struct shelf_segment *segment)
{
    char *name = shelf_name(segment);
    size_t above = strlen(look->options->archive.directory) + 1;
    char *file = memory_format("%s/%s", look->shelf.place.shown + above, name);
    json_t *text = look_text(file);

    free(name);
    free(file);
    return text;
}

enum look_found { LOOK_NOT_READ, LOOK_RIGHT, LOOK_CHANGING };

static void look_tell(const struct archive_look *look, const struct shelf_segment *segment,
                      enum look_found found, const struct error *problem)
{
    const struct archive_manifest *manifest = &segment->manifest;
    const char *state = manifest->name ? archive_manifest_state(manifest->state) : NULL;

    worker_emit(
        NULL,
        json_pack(
            "{s:s, s:o, s:o, s:b, s:b, s:b, s:s?, s:o, s:o, s:o, s:I, s:I, s:s, s:s, s:s, s:I,"
            " s:I, s:I, s:I}",
            "event", "shelved", "file", look_file(look, segment), "problem",
            problem->status ? look_text(problem->text) : json_null(), "there",
            shelf_there(&look->shelf, segment), "checked", found == LOOK_RIGHT, "changing",
            found == LOOK_CHANGING, "state", state, "database", look_about(segment, "database"),
            "table", look_about(segment, "table"), "path", look_about(segment, "path"), "rows",
            (json_int_t)manifest->rows, "bytes", (json_int_t)manifest->bytes, "sha256",
            manifest->sha256, "sha256_rows", manifest->sha256_rows, "manifest_sha256",
            segment->listed_sha256, "first_us", (json_int_t)manifest->first_us, "last_us",
            (json_int_t)manifest->last_us, "cutoff_us", (json_int_t)manifest->cutoff_us,
            "removed_us", (json_int_t)manifest->removed_us));
}

/* --- list, verify ------------------------------------------------------------------------- */

/* Whether there is a file that must be what the manifest says. */
static bool look_has_file(const struct shelf_segment *segment)
{
    return !segment->problem.status && segment->manifest.state != MANIFEST_REMOVED &&
           segment->manifest.state != MANIFEST_WRITING;
}

static enum status look_list(struct archive_look *look, const struct shelf_segment *segment,
                             struct error *error)
{
    (void)error;
    look_tell(look, segment, LOOK_NOT_READ, &segment->problem);
    return STATUS_OK;
}

/* Reads it to its end. Only that we were told to stop is an error; the rest is a finding. */
static enum status look_check(struct archive_look *look, const struct shelf_segment *segment,
                              enum look_found *found, struct error *problem, struct error *error)
{
    struct shelf_walk walk = {.stopped = worker_stopped};
    enum status status = shelf_walk(&look->shelf, segment, &walk, problem);

    if (status == STATUS_CANCELLED) {
        *error = *problem;
        return status;
    }
    *found = LOOK_RIGHT;
    if (status && shelf_changed(&look->shelf, segment)) {
        *found = LOOK_CHANGING;
        *problem = (struct error){0};
    }
    return STATUS_OK;
}

static enum status look_verify(struct archive_look *look, const struct shelf_segment *segment,
                               struct error *error)
{
    enum look_found found = LOOK_NOT_READ;
    struct error problem = segment->problem;

    if (look_has_file(segment)) {
        enum status status = look_check(look, segment, &found, &problem, error);
        if (status)
            return status;
    }
    look_tell(look, segment, problem.status ? LOOK_NOT_READ : found, &problem);
    return STATUS_OK;
}

/* --- cat ---------------------------------------------------------------------------------- */

/* Sends whole characters alone: half of one is not JSON. */
static void look_send(struct archive_look *look)
{
    struct text *rows = &look->rows;
    size_t length = rows->length < EVENT_ROWS ? rows->length : EVENT_ROWS;

    while (length < rows->length && (rows->bytes[length] & 0xC0) == 0x80)
        length--;
    if (!length)
        return;
    worker_emit(NULL, json_pack("{s:s, s:s%}", "event", "rows", "text", rows->bytes, length));
    rows->length -= length;
    memmove(rows->bytes, rows->bytes + length, rows->length);
}

static void look_add(struct archive_look *look, const char *bytes, size_t length)
{
    while (length) {
        size_t part = length < EVENT_ROWS ? length : EVENT_ROWS;
        text_add_length(&look->rows, bytes, part);
        if (look->rows.length >= EVENT_ROWS)
            look_send(look);
        bytes += part;
        length -= part;
    }
}

static enum status look_row(void *argument, struct archive_read *read,
                            const struct archive_row *row, struct error *error)
{
    struct archive_look *look = argument;
    bool wanted = false;
    int64_t us = -1;
    size_t length;
    enum status status = archive_filter_row(look->filter, row, &wanted, &us, error);

    look->wrong = status != STATUS_OK;
    if (status)
        return status;
    const char *line = archive_read_line(read, &length);
    if (wanted) {
        look_add(look, line, length);
        look_add(look, "\n", 1);
    }
    look->untimed += us < 0 && !wanted;
    return STATUS_OK;
}

static enum status look_rows(struct archive_look *look, const struct shelf_segment *segment,
                             const struct archive_columns *all, struct error *error)
{
    struct shelf_walk walk = {look_row, worker_stopped, look};
    enum status status =
        archive_filter_open(&look->wanted, &segment->columns, all, &look->filter, error);

    if (!status)
        status = shelf_walk(&look->shelf, segment, &walk, error);
    while (look->rows.length)
        look_send(look);
    archive_filter_close(look->filter);
    look->filter = NULL;
    if (!status || look->wrong || status == STATUS_CANCELLED)
        return status;
    error_set(error, STATUS_INVALID, "it was changed while its rows were printed");
    look_tell(look, segment, LOOK_NOT_READ, error);
    return STATUS_OK;
}

/* What was printed can't be taken back, so it is read twice. */
static enum status look_cat(struct archive_look *look, const struct shelf_segment *segment,
                            const struct archive_columns *all, struct error *error)
{
    enum look_found found = LOOK_NOT_READ;
    struct error problem = segment->problem;
    bool unfinished = look_has_file(segment) && segment->manifest.state < MANIFEST_DONE;
    bool reads = look_has_file(segment) && (!unfinished || look->unfinished) &&
                 shelf_spans(segment, look->wanted.since_us, look->wanted.until_us);

    if (reads) {
        enum status status = look_check(look, segment, &found, &problem, error);
        if (status)
            return status;
    }
    look_tell(look, segment, problem.status ? LOOK_NOT_READ : found, &problem);
    return reads && !problem.status && found == LOOK_RIGHT ? look_rows(look, segment, all, error)
                                                           : STATUS_OK;
}

/* All columns that the table has had; of two of a name the younger one's type. */
static enum status look_columns(const struct archive_look *look, struct archive_columns *all,
                                struct error *error)
{
    enum status status = STATUS_OK;
    size_t found;

    for (size_t i = look->shelf.count; !status && i-- > 0;) {
        const struct archive_columns *columns = &look->shelf.segments[i].columns;
        for (size_t k = 0; !status && k < columns->count; k++)
            if (!archive_columns_find(all, columns->list[k].name, &found))
                status =
                    archive_columns_add(all, columns->list[k].name, columns->list[k].type, error);
    }
    return status;
}

static enum status look_untimed(const struct archive_look *look)
{
    char count[TEXT_SHORT];
    const struct event_subject subject = {look->job->database->name, "archive",
                                          look->options->table};

    if (look->untimed && (look->wanted.since_us >= 0 || look->wanted.until_us >= 0)) {
        char *text = memory_format("%s left out, whose time can't be read",
                                   text_counted(count, look->untimed, "row"));
        worker_emit(NULL, event_notice(&subject, text));
        free(text);
    }
    return STATUS_OK;
}

/* Whatever is wrong with the expression is said before a row is printed. */
static enum status look_try(struct archive_look *look, const struct archive_columns *all,
                            struct error *error)
{
    struct archive_filter *filter = NULL;
    enum status status = archive_filter_open(&look->wanted, all, NULL, &filter, error);

    archive_filter_close(filter);
    return status;
}

static enum status look_cat_all(struct archive_look *look, struct error *error)
{
    struct archive_columns all = {0};
    enum status status = look_columns(look, &all, error);

    if (!status && all.count)
        status = look_try(look, &all, error);
    for (size_t i = 0; !status && i < look->shelf.count; i++)
        status = look_cat(look, &look->shelf.segments[i], &all, error);
    if (!status)
        status = look_untimed(look);
    archive_columns_free(&all);
    return status;
}

/* --- the job ------------------------------------------------------------------------------ */

static enum status look_each(struct archive_look *look,
                             enum status (*each)(struct archive_look *look,
                                                 const struct shelf_segment *segment,
                                                 struct error *error),
                             struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < look->shelf.count; i++)
        status = each(look, &look->shelf.segments[i], error);
    return status;
}

static enum status look_list_all(struct archive_look *look, struct error *error)
{
    return look_each(look, look_list, error);
}

static enum status look_verify_all(struct archive_look *look, struct error *error)
{
    privileges_yield(); /* whoever reads files that nobody else needs may be slow */
    return look_each(look, look_verify, error);
}

static const struct {
    const char *name;
    enum status (*act)(struct archive_look *look, struct error *error);
} look_acts[] = {{"list", look_list_all}, {"verify", look_verify_all}, {"cat", look_cat_all}};

static enum status look_order(struct archive_look *look, const char **act, struct error *error)
{
    json_int_t since = -1, until = -1;
    json_error_t problem;
    const char *where = NULL;
    int unfinished = 0;

    if (json_unpack_ex(look->job->order, &problem, JSON_STRICT, "{s:s, s?I, s?I, s?s, s?b}", "do",
                       act, "since_us", &since, "until_us", &until, "where", &where, "unfinished",
                       &unfinished) < 0)
        return error_set(error, STATUS_INVALID, "the job is not valid: %s", problem.text);
    look->unfinished = unfinished;
    look->wanted = (struct archive_wanted){since, until, where, look->options->zone};
    return STATUS_OK;
}

static enum status look_do(struct archive_look *look, struct error *error)
{
    const char *act = "";
    enum status status = look_order(look, &act, error);

    if (!status)
        status = shelf_open(look->options->archive.directory, look->job->database->name,
                            look->options->table, &look->shelf, error);
    if (status)
        return status;
    status = error_set(error, STATUS_INVALID, "the job is not valid: to do what?");
    for (size_t i = 0; i < sizeof look_acts / sizeof *look_acts; i++)
        if (strcmp(look_acts[i].name, act) == 0) {
            *error = (struct error){0};
            status = look_acts[i].act(look, error);
        }
    text_free(&look->rows);
    shelf_close(&look->shelf);
    return status;
}

enum status archive_job(json_t *job, struct error *error)
{
    struct config *policy = NULL;
    struct engine_job decoded;
    enum status status = job_decode(job, &decoded, &policy, error);

    if (status)
        return status;
    struct archive_look look = {.job = &decoded, .options = decoded.task->options};
    if (strcmp(decoded.task->kind->name, "retention") != 0 || !look.options->archive.directory)
        status = error_set(error, STATUS_INVALID, "the job is not valid: nothing is archived");
    if (!status)
        status = look_do(&look, error);
    config_free(policy);
    return status;
}
