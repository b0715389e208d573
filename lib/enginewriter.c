/* Decides on versions alone, without a clock, a file or a database. */
#include "enginewriter.h"

#include "library.h"

static const int64_t writer_day_us = INT64_C(86400) * 1000000;

enum { WRITER_KEPT_DAYS = 30, WRITER_ANEW_DAYS = 7 };

struct engine_writer enginewriter_known(const struct engine_writer *remembered, uint64_t inode,
                                        int64_t now_us)
{
    bool young = now_us - remembered->at_us <= WRITER_KEPT_DAYS * writer_day_us;

    return remembered->inode == inode && young ? *remembered : (struct engine_writer){0};
}

static bool writer_is_ours(const struct engine_writer *known, int header, int ours)
{
    return header == 0 || header == ours || (known->version && header == known->ours);
}

int enginewriter_believed(const struct engine_writer *known, int header, int ours)
{
    return known->version && writer_is_ours(known, header, ours) ? known->version : header;
}

bool enginewriter_news(const struct engine_writer *known, int header, int ours, int64_t now_us)
{
    /* A library that has the bug itself takes the same care of everybody. */
    if (library_has_wal_reset_bug(ours) || writer_is_ours(known, header, ours))
        return false;
    if (header != known->version)
        return known->version || library_has_wal_reset_bug(header);
    return library_has_wal_reset_bug(header) &&
           now_us - known->at_us > WRITER_ANEW_DAYS * writer_day_us;
}
