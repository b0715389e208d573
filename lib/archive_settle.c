/*
 * The end of a segment: what was deleted of it, as the ledger says, stays in it; what was not does
 * not. Each step can be done again. Nothing here deletes a row of the application's.
 */
#include "archive.h"
#include "archive_db.h"
#include "archive_tally.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* The new file, as its rows come. */
struct settle {
    struct archive *archive;
    const struct archive_ledger_state *state;
    struct segment_writer *writer;
    struct archive_row row;
    struct archive_tally tally;
    int64_t next; /* row of the old file */
    size_t kept;  /* of the ledger's, passed */
};

/* Whether the next row of the old file was deleted. */
static bool settle_deleted(struct settle *settle)
{
    int64_t row = settle->next++;

    if (row >= settle->state->dealt)
        return false;
    if (settle->kept < settle->state->kept_count && settle->state->kept[settle->kept] == row) {
        settle->kept++;
        return false;
    }
    return true;
}

static enum status settle_row(struct settle *settle, const char *line, size_t length,
                              struct error *error)
{
    const struct archive_columns *columns = &settle->archive->columns;
    enum status status = archive_row_read(columns, line, length, &settle->row, error);

    if (status == STATUS_OK)
        status = segment_write(settle->writer, line, length, error);
    if (status == STATUS_OK)
        status = segment_write(settle->writer, "\n", 1, error);
    if (status)
        return status;
    archive_tally_add(&settle->tally, columns, &settle->row, length + 1);
    return STATUS_OK;
}

/* What is copied must be what was verified, and what was deleted was compared with. */
static enum status settle_check_old(const struct settle *settle, struct segment_reader *reader,
                                    struct error *error)
{
    struct segment_file file;

    segment_read(reader, &file);
    if (strcmp(file.sha256, settle->archive->manifest.sha256) != 0)
        return error_set(error, STATUS_FAILED, "%s/%s was changed since it was written",
                         settle->archive->place.shown, settle->archive->manifest.name);
    return STATUS_OK;
}

static enum status settle_rows(struct settle *settle, struct segment_reader *reader,
                               struct error *error)
{
    const char *line = "";
    size_t length;
    enum status status = STATUS_OK;

    while (!status && !(status = segment_line(reader, &line, &length, error)) && line)
        if (settle_deleted(settle))
            status = settle_row(settle, line, length, error);
    return status ? status : settle_check_old(settle, reader, error);
}

/* The times of its ends stay those of the old file: no row is outside. */
static enum status settle_finish(struct settle *settle, const char *name, struct error *error)
{
    struct archive_manifest *manifest = &settle->archive->manifest;
    struct segment_file file;
    enum status status = segment_finish(settle->writer, &file, error);

    settle->writer = NULL;
    if (status)
        return status;
    manifest->bytes = file.bytes;
    memcpy(manifest->sha256, file.sha256, sizeof file.sha256);
    archive_tally_end(&settle->tally, manifest);
    return archive_verify(settle->archive, name, error);
}

/* Writes the file that will replace the old one, from the old one. */
static enum status settle_write(struct archive *archive, const struct archive_ledger_state *state,
                                const char *name, struct error *error)
{
    struct settle settle = {.archive = archive, .state = state};
    char *shown = archive_shown(archive);
    struct segment_reader *reader = NULL;
    enum status status = segment_open(archive->part, archive->manifest.name, shown, &reader, error);

    archive_row_init(&archive->columns, &settle.row);
    archive_tally_begin(&settle.tally);
    if (!status)
        status = segment_create(archive->part, name, archive->place.mode & 0666, shown,
                                &settle.writer, error);
    if (!status)
        status = settle_rows(&settle, reader, error);
    if (!status)
        status = settle_finish(&settle, name, error);
    segment_abandon(settle.writer);
    segment_close(reader);
    archive_tally_free(&settle.tally);
    archive_row_free(&settle.row);
    free(shown);
    return status;
}

/* Without the ledger nobody knows what was deleted. */
static enum status settle_check(struct archive *archive, const struct archive_ledger_state *state,
                                struct error *error)
{
    char *shown = archive_shown(archive);
    enum status status = STATUS_OK;

    if (!state->found)
        status = error_set(error, STATUS_FAILED,
                           "rows of %s were being deleted, and the database does not know of it: "
                           "was it replaced? Rows may be in both: look, then move that file and "
                           "_unfinished.json away",
                           shown);
    else if (state->dealt > archive->manifest.rows)
        status = error_set(error, STATUS_FAILED, "more rows were dealt with than %s has", shown);
    free(shown);
    return status;
}

/* --- its last steps ----------------------------------------------------------------------- */

static enum status settle_replace(struct archive *archive, struct error *error)
{
    char *name = archive_name_settled(archive);
    enum status status = STATUS_OK;

    if (archive_place_has(archive->part, name))
        status = archive_place_rename(archive->part, name, archive->manifest.name, error);
    free(name);
    return status;
}

static enum status settle_manifest(struct archive *archive, struct error *error)
{
    char sha256[DIGEST_HEX], *name = archive_manifest_file(&archive->manifest);

    archive->manifest.state = MANIFEST_DONE;
    char *text = archive_manifest_text(&archive->manifest);
    digest_of(text, strlen(text), sha256);
    enum status status = archive_tell(archive, "done", sha256, error);
    if (!status)
        status = archive_place_put(archive->part, name, archive->place.mode & 0666, text,
                                   strlen(text), error);
    free(text);
    free(name);
    return status;
}

/* Rows that are to lie in a SQLite file go there, and are looked up once they are on the disk. */
static enum status settle_store(struct archive *archive, bool sure, struct error *error)
{
    struct archive_manifest *manifest = &archive->manifest;
    enum status status = STATUS_OK;

    if (manifest->store)
        status = archive_db_load(archive->part, manifest->name, archive->place.mode & 0666,
                                 manifest, &archive->columns, error);
    if (!status && (manifest->store || !sure))
        status = archive_verify(archive, manifest->name, error);
    return status;
}

/* From `settled` on. */
static enum status settle_end(struct archive *archive, bool sure, struct error *error)
{
    enum status status = settle_replace(archive, error);

    if (!status)
        status = settle_store(archive, sure, error);
    if (!status)
        status = settle_manifest(archive, error);
    if (!status && archive->manifest.store)
        status = archive_place_remove(archive->part, archive->manifest.name, error);
    if (!status)
        status = archive_ledger_strike(&archive->ledger, error);
    return status ? status : archive_leave(archive, error);
}

/* From `deleting` on. */
static enum status settle_deleting(struct archive *archive,
                                   const struct archive_ledger_state *state, struct error *error)
{
    int64_t deleted = state->dealt - (int64_t)state->kept_count;
    char *name = archive_name_settled(archive);
    enum status status = archive_place_remove(archive->part, name, error);

    if (!status && deleted > 0 && deleted < archive->manifest.rows)
        status = settle_write(archive, state, name, error);
    if (!status && deleted != archive->manifest.rows && deleted > 0)
        status = error_set(error, STATUS_FAILED, "%s has not the rows that were deleted", name);
    if (!status && deleted > 0)
        status = archive_enter(archive, MANIFEST_SETTLED, error);
    free(name);
    if (status)
        return status;
    return deleted > 0 ? settle_end(archive, true, error) : archive_undo(archive, error);
}

enum status archive_settle(struct archive *archive, struct error *error)
{
    struct archive_ledger_state state = {0};

    if (archive->manifest.state == MANIFEST_SETTLED)
        return settle_end(archive, false, error);
    enum status status = archive_ledger_read(&archive->ledger, &state, error);
    if (!status)
        status = settle_check(archive, &state, error);
    if (!status)
        status = archive_ledger_seal(&archive->ledger, error);
    if (!status)
        status = settle_deleting(archive, &state, error);
    free(state.kept);
    return status;
}

/* Says for good that nothing of it is left to do but to remove it. */
static enum status settle_give_up(struct archive *archive, struct error *error)
{
    struct archive_ledger_state state = {0};
    enum status status = archive->manifest.state > MANIFEST_DELETING
                             ? error_set(error, STATUS_FAILED, "%s/%s is settled, so it stays",
                                         archive->place.shown, archive->manifest.name)
                             : archive_ledger_read(&archive->ledger, &state, error);

    if (!status && state.dealt > (int64_t)state.kept_count)
        status = error_set(error, STATUS_FAILED, "rows of %s/%s were deleted, so it stays",
                           archive->place.shown, archive->manifest.name);
    free(state.kept);
    if (!status && archive->told && archive->manifest.state > MANIFEST_WRITING)
        status = archive_tell(archive, "undone", NULL, error);
    return status ? status : archive_enter(archive, MANIFEST_WRITING, error);
}

static enum status settle_remove(struct archive *archive, struct error *error)
{
    char *names[] = {archive_name_writing(archive), archive_name_settled(archive),
                     memory_copy(archive->manifest.name)};
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!status)
            status = archive_place_remove(archive->part, names[i], error);
        free(names[i]);
    }
    return status;
}

enum status archive_undo(struct archive *archive, struct error *error)
{
    if (!archive->open)
        return STATUS_OK;
    enum status status = settle_give_up(archive, error);
    if (!status)
        status = settle_remove(archive, error);
    if (!status)
        status = archive_ledger_strike(&archive->ledger, error);
    if (!status)
        status = archive_leave(archive, error);
    if (!status)
        archive->manifest.rows = 0;
    return status;
}
