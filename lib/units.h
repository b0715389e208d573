/* Values with units, as a policy writes them: spans, sizes, shares. Parsing and canonical text. */
#ifndef UNITS_H
#define UNITS_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* A length of time: calendar months (years are twelve) and exact microseconds. */
struct span {
    int32_t months;
    int64_t us;
    bool set; /* false: the policy does not say */
};

/* "90d", "18 months", "1h 30min", "10ms". A bare number and a bare `m` are refused. */
enum status units_span(const char *text, struct span *span, struct error *error) MUST_CHECK;
/* "1GB" (10^9), "64MiB" (2^20), "512 bytes", "0". Bytes. */
enum status units_size(const char *text, int64_t *bytes, struct error *error) MUST_CHECK;
/* "20%", "0.5%". A share of one: 0.2. */
enum status units_share(const char *text, double *share, struct error *error) MUST_CHECK;
/* A whole number, digits alone. */
enum status units_count(const char *text, int64_t *count, struct error *error) MUST_CHECK;

/* Canonical text: parsing it gives the same value again. Appends to `out`. */
void units_span_text(const struct span *span, struct text *out);
void units_size_text(int64_t bytes, struct text *out);
void units_share_text(double share, struct text *out);

/* `time_us` (UTC) less the span; months by the calendar in UTC, the day clamped to the month. */
int64_t units_before(int64_t time_us, const struct span *span);
/* How long the span is, a month counted as 30.436875 days; for comparing spans alone. */
int64_t units_span_us(const struct span *span);

#endif
