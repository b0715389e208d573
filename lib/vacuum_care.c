/*
 * The phases around edited pages. The pages are edited on a connection of its own, which never
 * queries a table of the application's; what is checked and copied is read on others. Nothing is
 * changed before the file was found sound and there is a copy of it, and the copy goes only when
 * the file was found sound again: after this run, or, where this one is stopped, before the next
 * one.
 */
#include "vacuum_care.h"

#include <stdio.h>
#include <stdlib.h>

#define CARE_BEFORE "the check before the pages are moved"
#define CARE_AFTER  "the check after the pages are moved"

static const int64_t care_sound_us = INT64_C(86400) * 1000000; /* how old it may be: a day */

/* --- the connections ---------------------------------------------------------------------- */

enum status vacuum_care_open(struct vacuum_care *care, struct error *error)
{
    struct engine *engine = care->engine;
    struct database *own = NULL;
    enum status status = database_open(engine->job->file, &engine->job->seen, DATABASE_WRITE,
                                       engine_busy_ms(engine), &engine->job->host, &own, error);

    if (status)
        return status;
    lease_free(engine->lease);
    engine->lease = NULL;
    database_same_writer(own, engine->database);
    care->reading = engine->database;
    engine->database = own;
    engine_take_lease(engine);
    return compact_open(engine, care->reading, &care->compact, error);
}

void vacuum_care_close(struct vacuum_care *care)
{
    compact_close(care->compact);
    vacuum_check_free(&care->before);
    vacuum_check_free(&care->after);
    database_close(care->reading);
}

/* Goes up with every commit of others, and not with our own. */
static enum status care_version(struct vacuum_care *care, int64_t *version, struct error *error)
{
    return database_integer(care->engine->database, "PRAGMA data_version", -1, version, error);
}

/* --- the checks --------------------------------------------------------------------------- */

typedef enum status care_check(struct vacuum_care *care, struct error *error);

static care_check care_audit;

/* All of it is listened to; `what` it is if it is interrupted. */
static enum status care_listen(struct vacuum_care *care, care_check *check, const char *what,
                               struct error *error)
{
    struct vacuum_listen listen = {.care = care,
                                   .database = care->reading,
                                   .silent = check == care_audit};

    vacuum_listen_open(&listen);
    enum status status = check(care, error);
    vacuum_listen_close(&listen);
    return vacuum_listen_ended(care, what, status, error);
}

static enum status care_integrity(struct vacuum_care *care, struct error *error)
{
    return vacuum_check_integrity(care->reading, error);
}

static enum status care_audit(struct vacuum_care *care, struct error *error)
{
    enum status status = compact_audit(care->compact, &care->enough, error);

    return status ? status : vacuum_check_order(care->engine, care->reading, &care->before, error);
}

/* In one snapshot. */
static enum status care_rows(struct vacuum_care *care, struct vacuum_check *check,
                             struct error *error)
{
    enum status status = database_exec(care->reading, "BEGIN", error);

    if (status)
        return status;
    status = vacuum_check_rows(care->reading, check, error);
    sqlite3_exec(database_sql(care->reading), "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum status care_rows_before(struct vacuum_care *care, struct error *error)
{
    enum status status = care_version(care, &care->version, error);

    return status ? status : care_rows(care, &care->before, error);
}

static enum status care_order_after(struct vacuum_care *care, struct error *error)
{
    return vacuum_check_order(care->engine, care->reading, &care->after, error);
}

static enum status care_rows_after(struct vacuum_care *care, struct error *error)
{
    return care_rows(care, &care->after, error);
}

/* --- before ------------------------------------------------------------------------------- */

/* Younger than a day, and no run has been killed in the middle since. */
static bool care_known(const struct vacuum_care *care)
{
    int64_t age_us = care->engine->now_us - care->sound_us;

    return care->sound_us > 0 && age_us >= 0 && age_us <= care_sound_us &&
           vacuum_copy_left(care->engine) == 0;
}

static enum status care_integrity_before(struct vacuum_care *care, struct error *error)
{
    char age[TEXT_SHORT];

    if (!care_known(care))
        return care_listen(care, care_integrity, CARE_BEFORE, error);
    engine_notice(care->engine,
                  "integrity_check was ok %s ago, so it is not run before the pages are moved",
                  text_seconds(age, (double)(care->engine->now_us - care->sound_us) / 1e6));
    return STATUS_OK;
}

/* A copy of a run that was killed may be what its file has to go back to: not before this one was
 * found sound is it removed. */
enum status vacuum_care_settle(struct vacuum_care *care, struct error *error)
{
    enum status status;

    if ((status = vacuum_copy_guard(care->engine, error)) ||
        (status = care_integrity_before(care, error)) ||
        (status = care_listen(care, care_audit, CARE_BEFORE, error)))
        return status;
    return vacuum_copy_clear(care->engine, error);
}

enum status vacuum_care_before(struct vacuum_care *care, struct error *error)
{
    enum status status;

    if ((status = vacuum_care_settle(care, error)) ||
        (status = vacuum_commit_probe(care->engine, error)))
        return status;
    if (care->backup)
        return vacuum_copy_make(care, error);
    status = care_listen(care, care_rows_before, CARE_BEFORE, error);
    return status ? status : vacuum_copy_mark(care, error);
}

/* --- after -------------------------------------------------------------------------------- */

/* What it was before can be compared only where nobody else has written meanwhile. */
static enum status care_compare(struct vacuum_care *care, struct error *error)
{
    int64_t version = 0;
    struct text why = {0};
    enum status status = care_version(care, &version, error);

    if (status || version != care->version)
        return status;
    if ((status = care_listen(care, care_rows_after, CARE_AFTER, error)) ||
        (status = care_version(care, &version, error)))
        return status;
    care->compared = version == care->version;
    if (care->compared && !vacuum_check_same(&care->before, &care->after, &why))
        status = error_set(error, STATUS_REFUSED,
                           "the rows are not those of before, and nobody else has written: %s",
                           why.bytes);
    text_free(&why);
    return status;
}

static enum status care_check_after(struct vacuum_care *care, struct error *error)
{
    enum status status;

    care->closed =
        !database_facts(care->engine->database)->wal && engine_window_left(care->engine) <= 0;
    if (care->closed)
        return error_set(error, STATUS_BUSY,
                         CARE_AFTER " keeps writers out, and the policy's window has closed");
    if ((status = care_listen(care, care_integrity, CARE_AFTER, error)) ||
        (status = care_compare(care, error)) ||
        (status = care_listen(care, care_order_after, CARE_AFTER, error)))
        return status;
    care->checked = true;
    return STATUS_OK;
}

static bool care_changed(const struct vacuum_care *care)
{
    return compact_result(care->compact)->steps > 0;
}

/* Where the operator finds what to do in a doubt. */
static enum status care_doubt(struct vacuum_care *care, const char *why, struct error *error)
{
    vacuum_copy_keep(care);
    if (care->copy == COPY_NONE)
        return error_set(error, STATUS_FAILED,
                         "%.300s; stop the application, and if the file is damaged go back to your "
                         "copy of it",
                         why);
    char *path = vacuum_copy_path(care);
    enum status status = error_set(
        error, STATUS_FAILED,
        "%.250s; stop the application, and if the file is damaged go back to its copy, %s", why,
        path);
    free(path);
    return status;
}

/* Something has gone wrong in the middle: whether the file is sound all the same. */
static enum status care_after_failure(struct vacuum_care *care, struct error *error)
{
    struct error worked = *error, found;
    char why[sizeof found.text];
    enum status status = care_check_after(care, &found);

    if (status == STATUS_OK) {
        vacuum_copy_remove(care);
        return error_set(error, STATUS_FAILED, "%.400s; integrity_check is ok afterwards",
                         worked.text);
    }
    snprintf(why, sizeof why, "%.150s; and afterwards: %.150s", worked.text, found.text);
    return care_doubt(care, why, error);
}

/* Without a WAL the check may not be made beyond the window; that is told, and no failure. */
static enum status care_after_success(struct vacuum_care *care, struct error *error)
{
    struct error found;
    char why[sizeof found.text];
    enum status status = care_check_after(care, &found);

    if (status == STATUS_OK)
        vacuum_copy_remove(care);
    if (status == STATUS_OK || (care->closed && status == STATUS_BUSY))
        return STATUS_OK;
    if (status == STATUS_BUSY || status == STATUS_CANCELLED)
        return error_set(error, status, "%s", found.text);
    snprintf(why, sizeof why, "after the pages were moved: %.300s", found.text);
    return care_doubt(care, why, error);
}

/* A guard that says no in the middle is a failure of what was begun. Whoever was stopped, or made
 * way, has left the file as any transaction leaves it, and the copy for the next run. */
enum status vacuum_care_after(struct vacuum_care *care, enum status worked, struct error *error)
{
    lease_settle(care->engine->lease);
    if (worked && !care_changed(care)) {
        vacuum_copy_remove(care);
        return worked;
    }
    if (worked == STATUS_BUSY || worked == STATUS_CANCELLED)
        return worked;
    return worked ? care_after_failure(care, error) : care_after_success(care, error);
}

/* --- what is told ------------------------------------------------------------------------- */

static const char *const care_fates[] = {
    [COPY_NONE] = "none", [COPY_MADE] = "left", [COPY_REMOVED] = "removed", [COPY_KEPT] = "kept"};

void vacuum_care_tell(const struct vacuum_care *care, json_t *found, struct text *said)
{
    const struct compact_result *result = compact_result(care->compact);
    json_t *told = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b, s:s, s:I, s:I, s:I}", "pages_given",
        (json_int_t)result->given, "pages_moved", (json_int_t)result->moved, "pages_swapped",
        (json_int_t)result->swapped, "pages_merged", (json_int_t)result->merged, "pages_left",
        (json_int_t)result->left, "scans", (json_int_t)result->scans, "fragmentation_before",
        care->before.fragmentation, "checked", care->checked, "rows_compared", care->compared,
        "copy", care_fates[care->copy], "copy_bytes", (json_int_t)care->copy_bytes, "device",
        (json_int_t)care->engine->job->seen.device, "inode",
        (json_int_t)care->engine->job->seen.inode);

    if (care->checked)
        json_object_set_new(told, "fragmentation", json_real(care->after.fragmentation));
    json_object_update(found, told);
    json_decref(told);
    if (!care->checked) {
        char *path = vacuum_copy_path(care);
        text_add(said, "; it was not checked afterwards, since the window had closed");
        if (care->copy == COPY_MADE)
            text_addf(said, ", and its copy %s stays until the next run has checked it", path);
        else if (care->marked)
            text_add(said, "; the next run checks it first");
        free(path);
        return;
    }
    text_addf(said, "; fragmentation %.1f%%, before %.1f%%; integrity_check is ok",
              care->after.fragmentation * 100, care->before.fragmentation * 100);
    if (care->compared)
        text_add(said, ", and all rows of all tables are as before");
}
