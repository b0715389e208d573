/* What has been in an archive for too long. Runs in a worker, which is the database's owner, and
 * has the one-engine lock while it removes anything. */
#include "retention_expire.h"

#include "archive.h"
#include "archive_db.h"
#include "archive_tables.h"
#include "clock.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct expire {
    struct engine *engine;
    const struct retention_options *options;
    const char *table; /* as the schema spells it */
    int64_t before_us; /* a segment goes with all its rows before that */
    /* What to do with one that is to go. */
    enum status (*each)(struct expire *expire, const struct shelf *shelf,
                        struct shelf_segment *segment, struct error *error);
    struct retention_facts *facts;   /* to count in ... */
    struct retention_result *result; /* ... or to report in */
};

/* Rows went by this policy: for their own age, or because of this table's rows. */
static bool expire_ours(const struct expire *expire, const char *table,
                        const struct shelf_segment *segment)
{
    const char *follows = archive_tables_follows(segment);

    return strcmp(*follows ? follows : table, expire->table) == 0;
}

/* A removal that was begun, or one that is due. */
static bool expire_due(const struct expire *expire, const struct shelf *shelf,
                       const struct shelf_segment *segment)
{
    const struct archive_manifest *manifest = &segment->manifest;

    if (segment->problem.status)
        return false;
    if (manifest->state == MANIFEST_REMOVED)
        return shelf_there(shelf, segment);
    return manifest->state == MANIFEST_DONE && manifest->last_us >= 0 &&
           manifest->last_us < expire->before_us;
}

static enum status expire_table(struct expire *expire, const char *table, struct error *error)
{
    const char *database = expire->engine->job->database->name;
    struct shelf shelf = {.place.folder = -1};
    enum status status =
        shelf_open(expire->options->archive.directory, database, table, &shelf, error);

    for (size_t i = 0; !status && i < shelf.count; i++)
        if (expire_ours(expire, table, &shelf.segments[i]) &&
            expire_due(expire, &shelf, &shelf.segments[i]))
            status = expire->each(expire, &shelf, &shelf.segments[i], error);
    shelf_close(&shelf);
    return status;
}

static enum status expire_tables(struct expire *expire, struct error *error)
{
    struct archive_tables tables = {0};
    enum status status = archive_tables_find(expire->options->archive.directory,
                                             expire->engine->job->database->name, &tables, error);

    for (size_t i = 0; !status && i < tables.count; i++)
        status = expire_table(expire, tables.names[i], error);
    archive_tables_free(&tables);
    return status;
}

/* --- counting ----------------------------------------------------------------------------- */

static enum status expire_count(struct expire *expire, const struct shelf *shelf,
                                struct shelf_segment *segment, struct error *error)
{
    (void)shelf;
    (void)error;
    expire->facts->expired++;
    expire->facts->expired_bytes += segment->manifest.bytes;
    return STATUS_OK;
}

static struct expire expire_begin(struct engine *engine, const struct retention_options *options,
                                  const struct retention_facts *facts)
{
    return (struct expire){.engine = engine,
                           .options = options,
                           .table = facts->table.name,
                           .before_us = units_before(engine->now_us, &options->keep_archives)};
}

enum status retention_expire_measure(struct engine *engine, const struct retention_options *options,
                                     struct retention_facts *facts, struct error *error)
{
    struct expire expire = expire_begin(engine, options, facts);

    expire.each = expire_count;
    expire.facts = facts;
    return options->keep_archives.set ? expire_tables(&expire, error) : STATUS_OK;
}

/* --- removing ----------------------------------------------------------------------------- */

/* Has the catalogue know, then the manifest say, that it is removed. */
static enum status expire_mark(struct expire *expire, const struct shelf *shelf, int folder,
                               struct shelf_segment *segment, struct error *error)
{
    struct archive told = {.engine = expire->engine,
                           .directory = expire->options->archive.directory,
                           .place = shelf->place,
                           .manifest = segment->manifest}; /* both borrowed */
    char sha256[DIGEST_HEX];

    told.manifest.state = MANIFEST_REMOVED;
    told.manifest.removed_us = clock_now_us();
    char *text = archive_manifest_text(&told.manifest);
    digest_of(text, strlen(text), sha256);
    enum status status = archive_tell(&told, "removed", sha256, error);
    if (!status)
        status = archive_place_put(folder, segment->listed, shelf->place.mode & 0666, text,
                                   strlen(text), error);
    free(text);
    return status;
}

static void expire_tell(struct expire *expire, const struct shelf *shelf,
                        const struct shelf_segment *segment)
{
    char rows[TEXT_SHORT], time[TEXT_SHORT], *name = shelf_name(segment);
    struct text span = {0};

    units_span_text(&expire->options->keep_archives, &span);
    engine_notice(expire->engine, "%s/%s was removed: %s, the youngest of %s, older than %s",
                  shelf->place.shown, name, text_counted(rows, segment->manifest.rows, "row"),
                  text_time(time, segment->manifest.last_us), span.bytes);
    text_free(&span);
    free(name);
}

static enum status expire_remove(struct expire *expire, const struct shelf *shelf,
                                 struct shelf_segment *segment, struct error *error)
{
    const struct engine_host *host = &expire->engine->job->host;
    int folder = -1;

    if (host->stopped && host->stopped(host->argument))
        return error_set(error, STATUS_CANCELLED, "told to stop");
    enum status status = archive_place_part(&shelf->place, segment->part, false, &folder, error);
    if (status)
        return status;
    if (segment->manifest.state == MANIFEST_DONE)
        status = expire_mark(expire, shelf, folder, segment, error);
    if (!status && segment->manifest.store)
        status = archive_db_remove(folder, &segment->manifest, error);
    if (!status)
        status = archive_place_remove(folder, segment->file, error);
    close(folder);
    if (status)
        return status;
    expire->result->archives_removed++;
    expire->result->archives_removed_bytes += segment->manifest.bytes;
    expire_tell(expire, shelf, segment);
    return STATUS_OK;
}

enum status retention_expire(struct engine *engine, const struct retention_options *options,
                             const struct retention_facts *facts, struct retention_result *result,
                             struct error *error)
{
    struct expire expire = expire_begin(engine, options, facts);

    expire.each = expire_remove;
    expire.result = result;
    return options->keep_archives.set ? expire_tables(&expire, error) : STATUS_OK;
}
