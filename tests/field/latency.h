/* How long operations took, and how many failed: in memory that processes may share. */
#ifndef LATENCY_H
#define LATENCY_H

#include <jansson.h>
#include <stdint.h>

enum { LATENCY_MOST = 1 << 20, LATENCY_CODES = 8 };

struct latency {
    int64_t count; /* of all operations; the first LATENCY_MOST are kept */
    struct {
        int code; /* SQLite's extended result code */
        int64_t count;
    } errors[LATENCY_CODES];
    float ms[LATENCY_MOST];
};

/* `count` of them, zero, in memory shared with children of this process; never freed. */
struct latency *latency_shared(int64_t count);
void latency_add(struct latency *latency, double ms, int code);
/* {"count", "p50_ms", "p99_ms", "p999_ms", "max_ms", "errors": {"SQLITE_BUSY": 1}}, the caller's.
 * Sorts what it was given. */
json_t *latency_report(struct latency *latency);
/* Of several such reports the largest of each figure, and the sum of counts and errors. */
json_t *latency_worst(json_t *reports, const char *key);
double latency_clock_ms(void); /* monotonic */

#endif
