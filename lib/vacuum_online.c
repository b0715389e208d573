/*
 * The online way: with all care (vacuum_care.h), the file is compacted under the lease (compact.h).
 * Killed, it leaves a sound file: each step is a transaction, and the next run begins anew with
 * what it finds. Runs in a worker.
 */
#include "vacuum.h"

#include "compact.h"
#include "pageedit.h"
#include "pagefile.h"
#include "vacuum_care.h"

#include <inttypes.h>

/* --- guards ------------------------------------------------------------------------------- */

/* The header alone, which measuring may read at any time; what takes the whole file comes later. */
enum status vacuum_online_guard(struct engine *engine, struct error *error)
{
    const struct pagefile_pace pace = {.slice_ms = engine_slice_ms(engine)};
    struct pagefile file;
    enum status status;

    if ((status = pageedit_available(error)) || (status = vacuum_copy_guard(engine, error)) ||
        (status = pagefile_open(&file, database_sql(engine->database), &pace, error)))
        return status;
    status = pageedit_refuse(&file.header, error);
    if (status == STATUS_OK && file.header.pages != file.pages)
        status = error_set(error, STATUS_REFUSED,
                           "its header counts %" PRIu32 " pages, and SQLite %" PRIu32
                           ": run the integrity task",
                           file.header.pages, file.pages);
    pagefile_close(&file);
    return status;
}

/* --- all of it ---------------------------------------------------------------------------- */

static enum status online_compact(struct compact *compact, const struct vacuum_options *options,
                                  int64_t free_pages, struct error *error)
{
    enum status status = STATUS_OK;

    if (options->density_below > 0)
        status = compact_merge(compact, options->density_below, error);
    if (status == STATUS_OK && options->order)
        status = compact_order(compact, NULL, error);
    free_pages += compact_result(compact)->merged;
    return status ? status : compact_shrink(compact, free_pages, error);
}

/* Nothing is to be moved, but a run that was killed has left its copy, or its mark. */
static enum status online_settle(struct vacuum_care *care, struct text *said, struct error *error)
{
    text_add(said, "; what an earlier run had left is removed, since the file is sound");
    return vacuum_care_settle(care, error);
}

static enum status online_work(struct vacuum_care *care, const struct vacuum_options *options,
                               int64_t free_pages, json_t **found, struct text *said,
                               struct error *error)
{
    enum status status = vacuum_care_before(care, error);

    if (status)
        return status;
    status = online_compact(care->compact, options, free_pages, error);
    status = vacuum_care_after(care, status, error);
    *found = json_pack("{s:b}", "order", options->order);
    vacuum_care_tell(care, *found, said);
    return status;
}

enum status vacuum_online(struct engine *engine, const struct vacuum_options *options,
                          const struct vacuum_facts *facts, json_t **found, struct text *said,
                          struct error *error)
{
    struct vacuum_care care = {.engine = engine,
                               .backup = options->backup == BACKUP_REQUIRED,
                               .sound_us = facts->past.sound_us};
    bool wanted = vacuum_worth(options, facts) || engine->job->force;
    enum status status = vacuum_care_open(&care, error);

    if (status == STATUS_OK)
        status = wanted ? online_work(&care, options, facts->free_pages, found, said, error)
                        : online_settle(&care, said, error);
    vacuum_care_close(&care);
    return status;
}
