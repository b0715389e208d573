/*
 * Retention with an archive, as a whole: what an earlier run has left of any of its tables is
 * brought to its end, then the passes are made, one table after the other. Runs in a worker.
 */
#include "retention_archive.h"

#include "archive.h"
#include "memory.h"
#include "retention_leave.h"
#include "retention_passes.h"

#include <stdlib.h>

/* --- what a run has left ------------------------------------------------------------------ */

struct earlier {
    struct engine *engine;
    const char *directory;
    bool unfinished;
};

static enum status earlier_look(void *argument, const char *table, struct error *error)
{
    struct earlier *earlier = argument;
    bool unfinished = false;
    enum status status =
        archive_unfinished(earlier->engine, earlier->directory, table, &unfinished, error);

    earlier->unfinished = earlier->unfinished || unfinished;
    return status;
}

static enum status earlier_recover(void *argument, const char *table, struct error *error)
{
    struct earlier *earlier = argument;
    struct archive archive = {0};
    enum status status = archive_open(earlier->engine, earlier->directory, table, &archive, error);

    if (status == STATUS_OK)
        status = archive_recover(&archive, error);
    archive_close(&archive);
    return status;
}

static enum status earlier_recover_child(void *argument, const char *table, struct error *error)
{
    struct earlier *earlier = argument;
    struct earlier look = {earlier->engine, earlier->directory, false};
    enum status status = earlier_look(&look, table, error);

    return status || !look.unfinished ? status : earlier_recover(earlier, table, error);
}

/* Whatever the policy says of them now: rows of them may be in both. */
static enum status archive_recover_all(struct engine *engine,
                                       const struct retention_options *options,
                                       const struct retention_facts *facts, struct error *error)
{
    struct earlier earlier = {engine, options->archive.directory, false};
    enum status status = referrers_tables(facts->referrers, earlier_recover_child, &earlier, error);

    return status ? status : earlier_recover(&earlier, facts->table.name, error);
}

/* --- the passes --------------------------------------------------------------------------- */

/* Whether it is for more than what was left unfinished that we are here. */
static bool archive_acts(const struct engine *engine, const struct retention_options *options,
                         const struct retention_facts *facts)
{
    struct retention_facts finished = *facts;
    struct decision decision;

    finished.unfinished = false;
    retention_decide(options, &finished, engine->now_us, &decision);
    return decision.act || engine->job->force;
}

static enum status archive_pass_all(struct engine *engine, const struct retention_options *options,
                                    const struct retention_facts *facts, int64_t schema,
                                    struct retention_result *result, struct error *error)
{
    struct passes passes = {0};
    enum status status =
        passes_load(engine, facts, options->cascade == CASCADE_ARCHIVE, &passes, error);

    for (size_t i = 0; !status && i < passes.count; i++)
        status = retention_leave(engine, &options->archive, &passes.list[i], schema, result, error);
    passes_free(&passes);
    return status;
}

/* What refers to the table is looked up again: the passes go by it, and while the schema has this
 * version it is all that does. */
static enum status archive_go(struct engine *engine, const struct retention_options *options,
                              const struct retention_facts *facts, struct retention_result *result,
                              struct error *error)
{
    struct retention_facts fresh = *facts;
    int64_t schema = -1;
    enum status status = archive_ledger_make(engine, error);

    if (status == STATUS_OK)
        status = database_integer(engine->database, "PRAGMA schema_version", -1, &schema, error);
    if (status == STATUS_OK)
        status = referrers_load(engine->database, facts->table.name, &fresh.referrers, error);
    if (status)
        return status;
    passes_offer(engine, facts);
    status = retention_check_children(options, &fresh, error);
    if (status == STATUS_OK)
        status = archive_pass_all(engine, options, &fresh, schema, result, error);
    referrers_free(fresh.referrers);
    return status;
}

enum status retention_archive(struct engine *engine, const struct retention_options *options,
                              const struct retention_facts *facts, struct retention_result *result,
                              struct error *error)
{
    struct error ignored;
    enum status status = archive_recover_all(engine, options, facts, error);

    if (status == STATUS_OK && archive_acts(engine, options, facts))
        status = archive_go(engine, options, facts, result, error);
    if (archive_ledger_drop(engine, status ? &ignored : error) != STATUS_OK && status == STATUS_OK)
        status = STATUS_FAILED;
    return status;
}

/* --- before ------------------------------------------------------------------------------- */

static enum status archive_check_encoding(struct engine *engine, struct error *error)
{
    int64_t utf16 = 0;
    enum status status =
        database_integer(engine->database, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", 0,
                         &utf16, error);

    if (status == STATUS_OK && utf16)
        return error_set(error, STATUS_REFUSED,
                         "the database is in UTF-16, and text of it can't be archived byte for "
                         "byte yet");
    return status;
}

/* What would end a run in the middle is known before it. */
static enum status archive_check_passes(struct engine *engine, const struct retention_facts *facts,
                                        struct error *error)
{
    struct passes passes = {0};
    enum status status = passes_load(engine, facts, true, &passes, error);

    for (size_t i = 0; !status && i < passes.count; i++)
        status = retention_check_delete(engine->database, &passes.list[i].facts.table, error);
    passes_free(&passes);
    return status;
}

static enum status archive_look(struct engine *engine, const struct retention_options *options,
                                struct retention_facts *facts, struct error *error)
{
    struct earlier earlier = {engine, options->archive.directory, false};
    enum status status = earlier_look(&earlier, facts->table.name, error);

    if (status == STATUS_OK)
        status = referrers_tables(facts->referrers, earlier_look, &earlier, error);
    facts->unfinished = earlier.unfinished;
    return status;
}

enum status retention_archive_check(struct engine *engine, const struct retention_options *options,
                                    struct retention_facts *facts, struct error *error)
{
    const struct archive_options *archive = &options->archive;

    if (!archive->directory)
        return STATUS_OK;
    if (archive->partition > PARTITION_YEAR && !facts->by_age)
        return error_set(error, STATUS_REFUSED,
                         "no index gives %s by %s, and without one rows can't be archived by %s: "
                         "make such an index, or say `partition: year` or `none`",
                         facts->table.name, facts->table.column,
                         archive->partition == PARTITION_DAY ? "day" : "month");
    enum status status = archive_check_encoding(engine, error);
    if (!status && options->cascade == CASCADE_ARCHIVE)
        status = archive_check_passes(engine, facts, error);
    return status ? status : archive_look(engine, options, facts, error);
}
