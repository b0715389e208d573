/* The catalogue of archives, a table of the history. Runs in the history worker. */
#include "clock.h"
#include "history_db.h"
#include "holds.h"

#include <string.h>

static const char segment_note[] =
    "INSERT OR REPLACE INTO segment(directory, file, path, database, target, state, rows, bytes,"
    " sha256, sha256_rows, manifest_sha256, first_us, last_us, cutoff_us, recorded_us, rebuilt)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

static const json_t *segment_get(const json_t *segment, const char *key)
{
    return json_object_get(segment, key);
}

static enum status segment_set(struct history *history, const json_t *segment, const char *path,
                               struct error *error)
{
    return history_db_do(history, error, segment_note, "jjtjjjjjjjjjjjii",
                         segment_get(segment, "directory"), segment_get(segment, "file"), path,
                         segment_get(segment, "database"), segment_get(segment, "target"),
                         segment_get(segment, "state"), segment_get(segment, "rows"),
                         segment_get(segment, "bytes"), segment_get(segment, "sha256"),
                         segment_get(segment, "sha256_rows"),
                         segment_get(segment, "manifest_sha256"), segment_get(segment, "first_us"),
                         segment_get(segment, "last_us"), segment_get(segment, "cutoff_us"),
                         clock_now_us(), (int64_t)json_is_true(segment_get(segment, "rebuilt")));
}

static enum status segment_forget(struct history *history, const json_t *segment,
                                  struct error *error)
{
    return history_db_do(history, error, "DELETE FROM segment WHERE directory = ? AND file = ?",
                         "jj", segment_get(segment, "directory"), segment_get(segment, "file"));
}

/* Rows that were put back since the job was made must not go with it. */
static enum status segment_check_held(struct history *history, const json_t *segment,
                                      const char *path, struct error *error)
{
    const char *held = json_string_value(segment_get(segment, "held"));
    const char *target = json_string_value(segment_get(segment, "target"));
    char now[DIGEST_HEX];
    json_t *holds = NULL;

    if (!held || !target)
        return STATUS_OK;
    enum status status = history_holds(history, path, target, &holds, error);
    if (status)
        return status;
    holds_digest(holds, now);
    json_decref(holds);
    return strcmp(now, held) == 0
               ? STATUS_OK
               : error_set(error, STATUS_FAILED,
                           "rows were put back or given free meanwhile; the next run knows which");
}

enum status history_segment(struct history *history, const json_t *segment, const char *path,
                            struct error *error)
{
    const char *state = json_string_value(segment_get(segment, "state"));
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    if (state && strcmp(state, "undone") == 0)
        status = segment_forget(history, segment, error);
    else if (state && strcmp(state, "written") == 0)
        status = segment_check_held(history, segment, path, error);
    if (!status && !(state && strcmp(state, "undone") == 0))
        status = segment_set(history, segment, path, error);
    return history_db_end(history, status, error);
}
