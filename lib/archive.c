/* The archive of a table: its folder, the segment in work, and what the catalogue is told. */
#include "archive.h"

#include "archive_read.h"
#include "clock.h"
#include "holds.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char archive_file[] = "_unfinished.json";

enum { ARCHIVE_STAMP = 32 };

enum status archive_open(struct engine *engine, const char *directory, const char *table,
                         struct archive *archive, struct error *error)
{
    struct archive found = {.engine = engine, .directory = directory, .part = -1};
    enum status status = archive_place_open(directory, engine->job->database->name, table, true,
                                            &found.place, error);

    if (status)
        return status;
    found.ledger.engine = engine;
    *archive = found;
    return STATUS_OK;
}

static void archive_drop(struct archive *archive)
{
    archive_ledger_free(&archive->ledger);
    archive_manifest_free(&archive->manifest);
    if (archive->part >= 0)
        close(archive->part);
    archive->part = -1;
    archive->told = archive->open = false;
}

void archive_close(struct archive *archive)
{
    if (!archive->engine)
        return;
    archive_drop(archive);
    archive_columns_free(&archive->columns);
    archive_place_close(&archive->place);
}

enum status archive_unfinished(struct engine *engine, const char *directory, const char *table,
                               bool *unfinished, struct error *error)
{
    struct archive_place place = {.folder = -1};
    enum status status =
        archive_place_open(directory, engine->job->database->name, table, false, &place, error);

    if (status)
        return status;
    *unfinished = place.folder >= 0 && archive_place_has(place.folder, archive_file);
    archive_place_close(&place);
    return STATUS_OK;
}

/* --- the segment in work ------------------------------------------------------------------ */

char *archive_name_writing(const struct archive *archive)
{
    return memory_format(".%s.writing", archive->manifest.name);
}

char *archive_name_settled(const struct archive *archive)
{
    return memory_format(".%s.settled", archive->manifest.name);
}

char *archive_shown(const struct archive *archive)
{
    const struct archive_manifest *manifest = &archive->manifest;

    return memory_format("%s/%s%s%s", archive->place.shown, manifest->part,
                         manifest->part[0] ? "/" : "", manifest->name);
}

static mode_t archive_file_mode(const struct archive *archive)
{
    return archive->place.mode & 0666;
}

enum status archive_enter(struct archive *archive, enum manifest_state state, struct error *error)
{
    archive->manifest.state = state;
    char *text = archive_manifest_text(&archive->manifest);
    enum status status = archive_place_put(archive->place.folder, archive_file,
                                           archive_file_mode(archive), text, strlen(text), error);

    free(text);
    return status;
}

/* By the clock, and no segment has it already. */
static char *archive_new_name(const struct archive *archive, int64_t now_us)
{
    char stamp[ARCHIVE_STAMP], *name = NULL;

    do {
        time_t seconds = (time_t)(now_us / 1000000);
        struct tm parts;
        gmtime_r(&seconds, &parts);
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &parts);
        free(name);
        name = memory_format("part-%s.%06dZ.jsonl.zst", stamp, (int)(now_us % 1000000));
        now_us++;
    } while (archive_place_has(archive->part, name));
    return name;
}

enum status archive_begin(struct archive *archive, const char *part, json_t *about,
                          struct error *error)
{
    archive_drop(archive);
    enum status status = archive_place_part(&archive->place, part, true, &archive->part, error);
    if (status) {
        json_decref(about);
        return status;
    }
    archive->manifest = (struct archive_manifest){.part = memory_copy(part),
                                                  .about = about,
                                                  .first_us = -1,
                                                  .last_us = -1,
                                                  .made_us = clock_now_us()};
    archive->manifest.name = archive_new_name(archive, archive->manifest.made_us);
    archive->ledger.segment = archive->manifest.name;
    archive->open = true;
    return archive_enter(archive, MANIFEST_WRITING, error);
}

enum status archive_leave(struct archive *archive, struct error *error)
{
    enum status status = archive_place_remove(archive->place.folder, archive_file, error);

    archive->open = archive->open && status != STATUS_OK;
    return status;
}

enum status archive_verify(struct archive *archive, const char *name, struct error *error)
{
    struct error why = {0};
    enum status status =
        archive_read_check(archive->part, name, &archive->manifest, &archive->columns, &why);

    if (status)
        return error_set(error, status, "reading back %s/%s failed: %.300s", archive->place.shown,
                         name, why.text);
    return STATUS_OK;
}

/* --- what others know of it --------------------------------------------------------------- */

enum status archive_tell(struct archive *archive, const char *state, const char *manifest_sha256,
                         struct error *error)
{
    const struct archive_manifest *manifest = &archive->manifest;
    char *shown = archive_shown(archive);
    json_t *about =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s?, s:I, s:I, s:I}", "state", state,
                  "directory", archive->directory, "file", shown + strlen(archive->directory) + 1,
                  "rows", (json_int_t)manifest->rows, "bytes", (json_int_t)manifest->bytes,
                  "sha256", manifest->sha256, "sha256_rows", manifest->sha256_rows,
                  "manifest_sha256", manifest_sha256, "first_us", (json_int_t)manifest->first_us,
                  "last_us", (json_int_t)manifest->last_us, "cutoff_us",
                  (json_int_t)manifest->cutoff_us);
    struct error why = {0};
    char held[DIGEST_HEX];

    free(shown);
    holds_digest(archive->engine->job->memory.holds, held);
    json_object_set_new(about, "held", json_string(held));
    archive->told = true;
    enum status status = engine_record(archive->engine, about, &why);
    if (status)
        error_set(error, status, "the catalogue of archives can't be written: %.400s", why.text);
    return status;
}

/* --- what a run has left ------------------------------------------------------------------ */

static enum status archive_resume(struct archive *archive, const char *text, size_t length,
                                  struct error *error)
{
    enum status status = archive_manifest_parse(text, length, &archive->manifest, error);

    if (status == STATUS_OK)
        status = archive_manifest_columns(&archive->manifest, &archive->columns, error);
    if (status == STATUS_OK)
        status = archive_place_part(&archive->place, archive->manifest.part, true, &archive->part,
                                    error);
    archive->ledger.segment = archive->manifest.name;
    return status;
}

static enum status archive_tell_strangers(struct archive *archive, struct error *error)
{
    int64_t count = 0;
    enum status status = archive_ledger_count(archive->engine, &count, error);

    if (status == STATUS_OK && count > 0)
        engine_notice(
            archive->engine,
            "rows of another table, or into another directory than %s, were being archived, "
            "and that was never brought to its end; let that retention run once more",
            archive->directory);
    return status;
}

enum status archive_recover(struct archive *archive, struct error *error)
{
    char *text = NULL;
    size_t length;
    enum status status =
        archive_place_get(archive->place.folder, archive_file, &text, &length, error);

    if (status)
        return status;
    if (!text)
        return archive_tell_strangers(archive, error);
    archive_drop(archive);
    archive_columns_free(&archive->columns);
    struct error why = {0};
    status = archive_resume(archive, text, length, &why);
    free(text);
    if (status)
        return error_set(error, STATUS_FAILED,
                         "%s/%s, which an earlier run has left, can't be read: %.300s",
                         archive->place.shown, archive_file, why.text);
    archive->told = archive->open = true;
    status = archive->manifest.state < MANIFEST_DELETING ? archive_undo(archive, error)
                                                         : archive_settle(archive, error);
    if (status == STATUS_OK)
        engine_notice(archive->engine, "an earlier run has left %s %s; it is %s now",
                      archive->manifest.name, "unfinished",
                      archive->manifest.rows ? "done" : "taken back");
    return status;
}
