/*
 * Looks through the archive of one table for `litekeeper archive`: what is there, whether it is
 * what it was, and its rows. Runs in a worker with the rights of the database's owner; writes
 * nothing, opens no database, and knows nothing of the catalogue, which its parent has.
 */
#include "archive_job.h"

#include "archive_look.h"
#include "archive_tables.h"
#include "event.h"
#include "job.h"
#include "memory.h"
#include "privileges.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

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

void look_tell(const struct archive_look *look, const struct shelf_segment *segment,
               enum look_found found, const struct error *problem)
{
    const struct archive_manifest *manifest = &segment->manifest;
    const char *state = manifest->name ? archive_manifest_state(manifest->state) : NULL;

    worker_emit(
        NULL,
        json_pack(
            "{s:s, s:o, s:o, s:b, s:b, s:b, s:s?, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:s, s:s, s:I,"
            " s:I, s:I, s:I}",
            "event", "shelved", "file", look_file(look, segment), "problem",
            problem->status ? look_text(problem->text) : json_null(), "there",
            shelf_there(&look->shelf, segment), "checked", found == LOOK_RIGHT, "changing",
            found == LOOK_CHANGING, "state", state, "database", look_about(segment, "database"),
            "table", look_about(segment, "table"), "follows", look_about(segment, "follows"),
            "path", look_about(segment, "path"), "rows", (json_int_t)manifest->rows, "bytes",
            (json_int_t)manifest->bytes, "sha256", manifest->sha256, "sha256_rows",
            manifest->sha256_rows, "manifest_sha256", segment->listed_sha256, "first_us",
            (json_int_t)manifest->first_us, "last_us", (json_int_t)manifest->last_us, "cutoff_us",
            (json_int_t)manifest->cutoff_us, "removed_us", (json_int_t)manifest->removed_us));
}

/* --- list, verify ------------------------------------------------------------------------- */

bool look_has_file(const struct shelf_segment *segment)
{
    return !segment->problem.status && segment->manifest.state != MANIFEST_REMOVED &&
           segment->manifest.state != MANIFEST_WRITING;
}

bool look_still(struct archive_look *look, const struct shelf_segment *segment)
{
    struct error ignored;

    if (!look->again) {
        look->again = true;
        if (shelf_open(look->options->archive.directory, look->job->database->name, look->table,
                       &look->second, &ignored))
            return true;
    }
    for (size_t i = 0; i < look->second.count; i++) {
        const struct shelf_segment *now = &look->second.segments[i];
        if (strcmp(now->part, segment->part) == 0 && strcmp(now->listed, segment->listed) == 0)
            return now->problem.status != STATUS_OK;
    }
    return !look->second.place.shown;
}

/* What is known of it without reading its file. */
static enum status look_list(struct archive_look *look, const struct shelf_segment *segment,
                             struct error *error)
{
    static const struct error none = {0};
    bool changing = segment->problem.status && !look_still(look, segment);

    (void)error;
    look_tell(look, segment, changing ? LOOK_CHANGING : LOOK_NOT_READ,
              changing ? &none : &segment->problem);
    return STATUS_OK;
}

enum status look_check(const struct archive_look *look, const struct shelf_segment *segment,
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

    if (!look_has_file(segment))
        return look_list(look, segment, error);
    enum status status = look_check(look, segment, &found, &problem, error);
    if (status)
        return status;
    look_tell(look, segment, problem.status ? LOOK_NOT_READ : found, &problem);
    return STATUS_OK;
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

static const char *look_follows(const struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (*archive_tables_follows(&shelf->segments[i]))
            return archive_tables_follows(&shelf->segments[i]);
    return NULL;
}

static void look_table(const struct archive_look *look, const char *table)
{
    struct shelf shelf = {.place.folder = -1};
    struct error ignored; /* it is told by whoever looks at that table */
    enum status status = shelf_open(look->options->archive.directory, look->job->database->name,
                                    table, &shelf, &ignored);
    const char *follows = status ? NULL : look_follows(&shelf);

    worker_emit(NULL, json_pack("{s:s, s:o, s:o}", "event", "archived", "table", look_text(table),
                                "follows", follows ? look_text(follows) : json_null()));
    shelf_close(&shelf);
}

static enum status look_tables(const struct archive_look *look, struct error *error)
{
    struct archive_tables tables = {0};
    enum status status = archive_tables_find(look->options->archive.directory,
                                             look->job->database->name, &tables, error);

    for (size_t i = 0; !status && i < tables.count; i++)
        look_table(look, tables.names[i]);
    archive_tables_free(&tables);
    return status;
}

static const struct {
    const char *name;
    enum status (*act)(struct archive_look *look, struct error *error);
} look_acts[] = {{"list", look_list_all}, {"verify", look_verify_all}, {"cat", look_cat}};

static enum status look_order(struct archive_look *look, const char **act, struct error *error)
{
    json_int_t since = -1, until = -1;
    json_error_t problem;
    const char *where = NULL, *table = NULL;
    int unfinished = 0;

    if (json_unpack_ex(look->job->order, &problem, JSON_STRICT, "{s:s, s?s, s?I, s?I, s?s, s?b}",
                       "do", act, "table", &table, "since_us", &since, "until_us", &until, "where",
                       &where, "unfinished", &unfinished) < 0)
        return error_set(error, STATUS_INVALID, "the job is not valid: %s", problem.text);
    look->unfinished = unfinished;
    look->table = table ? table : look->options->table;
    look->wanted = (struct archive_wanted){since, until, where, look->options->zone};
    return STATUS_OK;
}

static enum status look_do(struct archive_look *look, struct error *error)
{
    const char *act = "";
    enum status status = look_order(look, &act, error);

    if (!status && strcmp(act, "tables") == 0)
        return look_tables(look, error);
    if (!status)
        status = shelf_open(look->options->archive.directory, look->job->database->name,
                            look->table, &look->shelf, error);
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
    shelf_close(&look->second);
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
