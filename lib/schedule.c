/* When tasks are due. Used by the daemon's loop, and by plan; it knows no clock of its own. */
#include "schedule.h"

enum { SCHEDULE_RETRY_DOUBLINGS = 6 };

static const int64_t schedule_retry_us = INT64_C(60) * 1000000;
static const int64_t schedule_retry_most_us = INT64_C(3600) * 1000000;

bool schedule_settle(struct schedule_past *past, int64_t now_us)
{
    if (past->seen_us >= 0 && past->seen_us <= now_us && past->started_us <= now_us)
        return false;
    past->seen_us = now_us;
    return true;
}

int64_t schedule_due(const struct calendar *calendar, const struct schedule_past *past,
                     int64_t jitter_us, int64_t now_us)
{
    bool ran = past->started_us >= 0 && past->started_us <= now_us;
    int64_t since_us = ran ? past->started_us : past->seen_us;
    int64_t elapse_us = calendar_next(calendar, since_us - jitter_us);

    return elapse_us < INT64_MAX ? elapse_us + jitter_us : INT64_MAX;
}

/* FNV-1a, 64 bits (draft-eastlake-fnv), which is weak in its upper bits where texts differ in
 * their last letters alone, as the names of tenants do; so its bits are mixed once more, with the
 * finaliser of MurmurHash3. */
static uint64_t schedule_hash(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = path; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

int64_t schedule_jitter(const char *path, const struct span *most)
{
    double share = (double)(schedule_hash(path) >> 11) * 0x1p-53; /* from 0 to less than 1 */

    return (int64_t)(share * (double)units_span_us(most));
}

int64_t schedule_retry(unsigned failures)
{
    int64_t wait_us = schedule_retry_us;

    for (unsigned i = 1; i < failures && i <= SCHEDULE_RETRY_DOUBLINGS; i++)
        wait_us *= 2;
    return wait_us < schedule_retry_most_us ? wait_us : schedule_retry_most_us;
}
