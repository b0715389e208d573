/* Pure. */
#include "enginewriter.h"

#include "library.h"

static const int64_t writer_day_us = INT64_C(86400) * 1000000;

enum { WRITER_KEPT_DAYS = 30, WRITER_ANEW_DAYS = 7 };

int enginewriter_known(const struct engine_writer *remembered, const struct identity *seen,
                       int64_t now_us)
{
    bool same = remembered->device == seen->device && remembered->inode == seen->inode;

    return same && now_us - remembered->at_us <= WRITER_KEPT_DAYS * writer_day_us
               ? remembered->version
               : 0;
}

bool enginewriter_news(const struct engine_writer *remembered, int known, int header, int ours,
                       int64_t now_us)
{
    if (header == 0 || header == ours || library_has_wal_reset_bug(ours))
        return false; /* with a library that has the bug itself we take the same care of everybody
                       */
    if (header != known)
        return known || library_has_wal_reset_bug(header);
    return library_has_wal_reset_bug(header) &&
           now_us - remembered->at_us > WRITER_ANEW_DAYS * writer_day_us;
}
