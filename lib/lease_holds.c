/* The holds of a lease, each kept, so that the percentile is one. Runs in a worker. */
#include "lease_holds.h"

#include "memory.h"

#include <stdint.h>
#include <stdlib.h>

enum { HOLDS_FIRST = 256 };

void lease_holds_add(struct lease_holds *holds, double ms)
{
    if (holds->count == holds->capacity) {
        holds->capacity = holds->capacity ? holds->capacity * 2 : HOLDS_FIRST;
        holds->ms = memory_resize(holds->ms, holds->capacity, sizeof *holds->ms);
    }
    holds->ms[holds->count++] = (float)ms;
    holds->total_ms += ms;
}

static int holds_compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

void lease_holds_tell(const struct lease_holds *holds, struct outcome_lock *lock)
{
    *lock = (struct outcome_lock){.count = (int64_t)holds->count, .total_ms = holds->total_ms};
    if (!holds->count)
        return;
    float *sorted = memory_zeroed(holds->count, sizeof *sorted);
    for (size_t i = 0; i < holds->count; i++)
        sorted[i] = holds->ms[i];
    qsort(sorted, holds->count, sizeof *sorted, holds_compare);
    lock->max_ms = sorted[holds->count - 1];
    lock->p99_ms = sorted[(holds->count * 99 + 99) / 100 - 1];
    free(sorted);
}

void lease_holds_free(struct lease_holds *holds)
{
    free(holds->ms);
    *holds = (struct lease_holds){0};
}
