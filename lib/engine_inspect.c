/* An inspection: a health report on one file, whether any policy knows it or not. In a worker. */
#include "database.h"
#include "engine.h"
#include "inspection.h"

#include <stdlib.h>

/* There is no policy to ask: in rollback-journal mode a look may keep a writer waiting so long. */
static const double inspect_slice_ms = 5, inspect_gap_ms = 10, inspect_busy_ms = 5000;

static void inspect_emit(const struct engine_job *job, const struct inspection *inspection)
{
    for (size_t i = 0; i < inspection->pages->btree_count; i++)
        job->host.emit(job->host.argument, inspection_btree(&inspection->pages->btrees[i]));
    job->host.emit(job->host.argument, inspection_summary(inspection));
}

enum status engine_inspect(const struct engine_job *job, struct error *error)
{
    struct pages_limits limits = {.slice_ms = inspect_slice_ms,
                                  .gap_ms = inspect_gap_ms,
                                  .stopped = job->host.stopped,
                                  .argument = job->host.argument};
    struct pages_report report = {0};
    struct inspection inspection = {.path = job->path, .pages = &report};
    struct database *database = NULL;
    enum status status;

    if ((status = database_open(job->file, &job->seen, DATABASE_READ, inspect_busy_ms, &job->host,
                                &database, error)))
        return status;
    status = pages_measure(database_sql(database), &limits, &report, error);
    if (status == STATUS_OK)
        status = inspection_look(database_sql(database), &inspection, error);
    if (status == STATUS_OK)
        inspect_emit(job, &inspection);
    pages_report_free(&report);
    database_close(database);
    return status;
}
