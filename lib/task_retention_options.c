/* The options of retention, and what they must be together. Pure. */
#include "task_retention.h"

#include <stdio.h>

static const struct option_choice formats[] = {
    {"auto", FORMAT_AUTO, false},       {"datetime", FORMAT_DATETIME, false},
    {"date", FORMAT_DATE, false},       {"unix", FORMAT_UNIX, false},
    {"unix_ms", FORMAT_UNIX_MS, false}, {"unix_us", FORMAT_UNIX_US, false},
    {"julian", FORMAT_JULIAN, false},   {NULL, 0, false}};

static const struct option_choice cascades[] = {{"refuse", CASCADE_REFUSE, false},
                                                {"delete", CASCADE_DELETE, false},
                                                {"archive", CASCADE_ARCHIVE, false},
                                                {NULL, 0, false}};

static const struct option_choice partitions[] = {{"none", PARTITION_NONE, false},
                                                  {"year", PARTITION_YEAR, false},
                                                  {"month", PARTITION_MONTH, false},
                                                  {"day", PARTITION_DAY, false},
                                                  {NULL, 0, false}};

static const struct option_choice forms[] = {{"lines", ARCHIVE_TO_LINES, false},
                                             {"database", ARCHIVE_TO_DATABASE, false},
                                             {NULL, 0, false}};

#define FIELD(name) offsetof(struct archive_options, name)

static const struct option archive_options[] = {
    {"directory", OPTION_PATH, OPTION_REQUIRED, FIELD(directory), NULL, NULL, NULL, NULL, NULL,
     "the folder of the archives, which the owner of the database may write"},
    {"partition", OPTION_CHOICE, 0, FIELD(partition), "month", NULL, NULL, partitions, NULL,
     "the time that one folder of an archive spans"},
    {"to", OPTION_CHOICE, 0, FIELD(to), "lines", NULL, NULL, forms, NULL,
     "files of JSON lines, or, with partition: year or none, SQLite files, to be attached"},
    {"segment_rows", OPTION_COUNT, 0, FIELD(segment_rows), "100000", "1", NULL, NULL, NULL,
     "rows in one file of an archive, at most"},
    {"segment_bytes", OPTION_SIZE, 0, FIELD(segment_bytes), "64MiB", "1MiB", NULL, NULL, NULL,
     "size of one file of an archive before it is compressed, at most"},
    {.name = NULL}};

static const struct option_section archive_section = {sizeof(struct archive_options),
                                                      archive_options, NULL};

#undef FIELD
#define FIELD(name) offsetof(struct retention_options, name)

const struct option retention_options[] = {
    {"table", OPTION_TEXT, OPTION_REQUIRED, FIELD(table), NULL, NULL, NULL, NULL, NULL,
     "the table whose rows go"},
    {"column", OPTION_TEXT, OPTION_REQUIRED, FIELD(column), NULL, NULL, NULL, NULL, NULL,
     "its column that tells how old a row is"},
    {"format", OPTION_CHOICE, 0, FIELD(format), "auto", NULL, NULL, formats, NULL,
     "how the column tells time; auto finds out from the rows"},
    {"zone", OPTION_ZONE, 0, FIELD(zone), NULL, NULL, NULL, NULL, NULL,
     "the time zone of text that names none; without it rows stay 14 hours longer"},
    {"keep", OPTION_SPAN, 0, FIELD(keep), NULL, NULL, NULL, NULL, NULL,
     "rows older than this go; it may be left out where keep_min and max_size or max_rows are set"},
    {"max_size", OPTION_SIZE, 0, FIELD(max_size), NULL, NULL, NULL, NULL, NULL,
     "the oldest rows beyond this size of the table go, too"},
    {"max_rows", OPTION_COUNT, 0, FIELD(max_rows), NULL, NULL, NULL, NULL, NULL,
     "the oldest rows beyond this number go, too"},
    {"keep_min", OPTION_SPAN, 0, FIELD(keep_min), NULL, NULL, NULL, NULL, NULL,
     "what is younger than this stays whatever max_size and max_rows say; without it, than keep"},
    {"allow_short", OPTION_BOOL, 0, FIELD(allow_short), "false", NULL, NULL, NULL, NULL,
     "allow keep and keep_min to be shorter than a day"},
    {"max_delete", OPTION_SHARE, 0, FIELD(max_delete), "100%", "0.000001%", "100%", NULL, NULL,
     "the share of the table's rows that one run may remove"},
    {"when_rows_above", OPTION_COUNT, 0, FIELD(when_rows_above), "0", NULL, NULL, NULL, NULL,
     "with no more rows than this the policy sleeps"},
    {"cascade", OPTION_CHOICE, 0, FIELD(cascade), "refuse", NULL, NULL, cascades, NULL,
     "what becomes of rows of other tables that the database would remove or change with a row; "
     "with archive they are archived before it, too"},
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "daily", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"archive", OPTION_SECTION, 0, FIELD(archive), NULL, NULL, NULL, NULL, &archive_section,
     "write the rows to an archive before they go, see litekeeper-archive(5)"},
    {"keep_archives", OPTION_SPAN, 0, FIELD(keep_archives), NULL, NULL, NULL, NULL, NULL,
     "files of the archive go once their youngest row is older than this; their manifests stay"},
    {.name = NULL}};

static const int64_t day_us = INT64_C(86400000000);

static const char *retention_wrong(char *why, const char *option, const char *what)
{
    snprintf(why, WHY_SIZE, "%s", what);
    return option;
}

static const char *retention_check_short(const struct retention_options *options,
                                         const struct span *span, const char *name, char *why)
{
    int64_t us = units_span_us(span);

    if (!span->set)
        return NULL;
    if (us == 0)
        return retention_wrong(why, name, "must be longer than 0");
    if (us < day_us && !options->allow_short)
        return retention_wrong(why, name,
                               "is shorter than a day; if that is meant, say allow_short: true");
    return NULL;
}

static const char *retention_check_form(const struct archive_options *archive, char *why)
{
    if (archive->directory && archive->to == ARCHIVE_TO_DATABASE &&
        archive->partition > PARTITION_YEAR)
        return retention_wrong(why, "archive", "to: database needs partition: year or none");
    return NULL;
}

/* What keeps rows in the archive for less time than in the table would archive nothing. */
static const char *retention_check_archives(const struct retention_options *options, char *why)
{
    const struct span *span = &options->keep_archives;
    const struct span *keep = options->keep.set ? &options->keep : &options->keep_min;

    if (!span->set)
        return NULL;
    if (!options->archive.directory)
        return retention_wrong(why, "keep_archives", "has no effect without archive");
    if (keep->set && units_span_us(span) <= units_span_us(keep))
        return retention_wrong(why, "keep_archives", "must be longer than keep");
    return retention_check_short(options, span, "keep_archives", why);
}

const char *retention_check(const void *values, char *why)
{
    const struct retention_options *options = values;
    bool bounded = options->max_size >= 0 || options->max_rows >= 0;
    const char *name = retention_check_short(options, &options->keep, "keep", why);

    if (!name)
        name = retention_check_short(options, &options->keep_min, "keep_min", why);
    if (name)
        return name;
    if ((name = retention_check_form(&options->archive, why)))
        return name;
    if (options->cascade == CASCADE_ARCHIVE && !options->archive.directory)
        return retention_wrong(why, "cascade",
                               "must not be archive without `archive:`, which says where to");
    if (!options->keep.set && !(bounded && options->keep_min.set))
        return retention_wrong(
            why, "keep", "is missing; a retention needs it, or keep_min with max_size or max_rows");
    if (options->keep_min.set && !bounded)
        return retention_wrong(why, "keep_min", "has no effect without max_size or max_rows");
    if (options->keep.set && options->keep_min.set &&
        units_span_us(&options->keep_min) > units_span_us(&options->keep))
        return retention_wrong(why, "keep_min", "must not be longer than keep");
    return retention_check_archives(options, why);
}
