/*
 * Sampling. The reservoir is Vitter's algorithm R, with a generator seeded alike each time, so that
 * two looks at an unchanged file say the same.
 */
#include "leafsample.h"

#include "memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* xorshift64*, reduced to 0 .. below - 1; the bias of the remainder doesn't matter here. */
static int64_t leafsample_random(struct leafsample *sample, int64_t below)
{
    uint64_t x = sample->random ? sample->random : 0x9E3779B97F4A7C15U;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sample->random = x;
    return (int64_t)((x * 0x2545F4914F6CDD1DU >> 2) % (uint64_t)below);
}

void leafsample_offer(struct leafsample *sample, uint32_t leaf)
{
    sample->offered++;
    if (sample->kept < LEAFSAMPLE_MAX) {
        if ((sample->kept & (sample->kept - 1)) == 0) /* room for the next power of two */
            sample->leaves =
                memory_resize(sample->leaves, sample->kept ? (size_t)sample->kept * 2 : 1,
                              sizeof leaf);
        sample->leaves[sample->kept++] = leaf;
        return;
    }
    int64_t place = leafsample_random(sample, sample->offered);
    if (place < sample->kept)
        sample->leaves[place] = leaf;
}

static bool leafsample_has_first(const struct leafsample *sample)
{
    for (int64_t i = 0; i < sample->kept; i++)
        if (sample->leaves[i] == sample->first)
            return true;
    return false;
}

int64_t leafsample_wanted(const struct leafsample *sample)
{
    return sample->kept - (leafsample_has_first(sample) ? 1 : 0);
}

static int leafsample_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Keeps `count` leaves, each with the same probability (the head of a Fisher-Yates shuffle). */
static void leafsample_shrink(struct leafsample *sample, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t other = i + leafsample_random(sample, sample->kept - i);
        uint32_t leaf = sample->leaves[i];
        sample->leaves[i] = sample->leaves[other];
        sample->leaves[other] = leaf;
    }
    sample->kept = count;
}

/* Without a single leaf to read the first one has to do, though it is no random one. */
void leafsample_choose(struct leafsample *sample, int64_t most)
{
    if (most < leafsample_wanted(sample))
        leafsample_shrink(sample, most);
    if (sample->first_sound && (sample->kept == 0 || leafsample_has_first(sample)))
        leafsample_add(sample, &sample->first_leaf);
    int64_t left = 0;
    for (int64_t i = 0; i < sample->kept; i++)
        if (sample->leaves[i] != sample->first)
            sample->leaves[left++] = sample->leaves[i];
    sample->kept = left;
    if (left)
        qsort(sample->leaves, (size_t)left, sizeof *sample->leaves, leafsample_order);
}

enum status leafsample_measure(const struct btreepage *page, uint32_t pages,
                               struct leafsample_leaf *leaf, struct error *error)
{
    struct leafsample_leaf found = {.room = btreepage_room(page), .entries = page->cells};
    uint32_t unused = 0;
    enum status status = btreepage_unused(page, &unused, error);

    found.unused = unused;
    for (uint32_t i = 0; i < page->cells && !status; i++) {
        struct btreepage_cell cell = {0};
        status = btreepage_cell(page, i, &cell, error);
        found.overflow_pages += cell.overflow_pages;
        if (!status && (cell.overflow_pages > pages || cell.overflow > pages))
            status = error_set(error, STATUS_INVALID,
                               "page %" PRIu32 ": cell %" PRIu32 " needs %" PRIu32
                               " overflow pages from page %" PRIu32 ", but the file has %" PRIu32,
                               page->number, i, cell.overflow_pages, cell.overflow, pages);
    }
    if (!status)
        *leaf = found;
    return status;
}

void leafsample_add(struct leafsample *sample, const struct leafsample_leaf *leaf)
{
    sample->read++;
    sample->sum.room += leaf->room;
    sample->sum.unused += leaf->unused;
    sample->sum.entries += leaf->entries;
    sample->sum.overflow_pages += leaf->overflow_pages;
    sample->overflow_squares += (double)leaf->overflow_pages * (double)leaf->overflow_pages;
}

/* Student's t for a two-sided 95% interval, by degrees of freedom. */
static double leafsample_student(int64_t freedom)
{
    static const struct {
        int64_t freedom;
        double t;
    } rows[] = {{1, 12.71}, {2, 4.30},  {3, 3.18},  {4, 2.78},  {5, 2.57},  {7, 2.36},
                {10, 2.23}, {15, 2.13}, {20, 2.09}, {40, 2.02}, {100, 1.98}};
    double t = rows[0].t;

    for (size_t i = 0; i < sizeof rows / sizeof *rows && rows[i].freedom <= freedom; i++)
        t = rows[i].t;
    return t;
}

/* The half-width for the total over all leaves, with the correction for a finite population. What
 * a sample of n did not show may still be in 3/n of the leaves (the rule of three): no less. */
static double leafsample_half_width(const struct leafsample *sample)
{
    double n = (double)sample->read, all = (double)sample->offered;
    double mean = (double)sample->sum.overflow_pages / n, unseen = 1 - n / all;
    double least = 3 * all / n * unseen;

    if (sample->read < 2)
        return least + mean * all;
    double variance = (sample->overflow_squares - n * mean * mean) / (n - 1);
    double width = leafsample_student(sample->read - 1) * all *
                   sqrt((variance > 0 ? variance : 0) / n * unseen);
    return width > least ? width : least;
}

void leafsample_estimate(const struct leafsample *sample, uint32_t page_size,
                         struct leafsample_estimate *estimate)
{
    const struct leafsample_leaf *sum = &sample->sum;
    bool all = sample->read == sample->offered;

    *estimate = (struct leafsample_estimate){0};
    if (!sample->read)
        return;
    double factor = all ? 1 : (double)sample->offered / (double)sample->read;
    estimate->density = 1 - (double)sum->unused / (double)sum->room;
    estimate->entries = llround((double)sum->entries * factor);
    estimate->overflow_pages = llround((double)sum->overflow_pages * factor);
    estimate->overflow_error = all ? 0 : (int64_t)ceil(leafsample_half_width(sample));
    if (sum->entries)
        estimate->entry_bytes =
            ((double)(sum->room - sum->unused) + (double)sum->overflow_pages * page_size) /
            (double)sum->entries;
}

void leafsample_free(struct leafsample *sample)
{
    free(sample->leaves);
    *sample = (struct leafsample){0};
}
