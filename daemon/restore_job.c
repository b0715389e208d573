/* A restore as JSON, there and back. Values only. */
#include "restore_job.h"

json_t *restore_job(const struct restore_options *options, json_t *catalogue)
{
    const struct archive_wanted *wanted = &options->wanted;

    return json_pack("{s:s, s:I, s:I, s:s?, s:s?, s:o?}", "table", options->table, "since_us",
                     (json_int_t)wanted->since_us, "until_us", (json_int_t)wanted->until_us,
                     "where", wanted->where, "into", options->into, "catalogue", catalogue);
}

enum status restore_job_read(const json_t *restore, struct restore_options *options,
                             struct error *error)
{
    struct restore_options read = {0};
    json_t *where, *into, *catalogue;
    json_int_t since, until;
    json_error_t problem;

    if (json_unpack_ex((json_t *)restore, &problem, JSON_STRICT, "{s:s, s:I, s:I, s:o, s:o, s:o}",
                       "table", &read.table, "since_us", &since, "until_us", &until, "where",
                       &where, "into", &into, "catalogue", &catalogue) < 0)
        return error_set(error, STATUS_INVALID, "the job is not valid: %s", problem.text);
    read.into = json_string_value(into);
    if (read.into && *read.into != '/')
        return error_set(error, STATUS_INVALID, "the job is not valid: into is not absolute");
    read.wanted = (struct archive_wanted){since, until, json_string_value(where), NULL};
    read.catalogue = json_is_object(catalogue) ? catalogue : NULL;
    *options = read;
    return STATUS_OK;
}
