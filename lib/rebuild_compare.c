/*
 * Compares the copy with the old index, or with what the table's rows give, before they change
 * places. Nothing is sorted or kept: each entry adds its hash to one of many buckets, by the row
 * that it belongs to, and the copy's entries subtract theirs. Buckets with rows that were noted
 * meanwhile say nothing, all others must be zero: so the reads may be cut into slices of different
 * moments, and may come in any order. Nothing is settled while this goes on.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"
#include "wordhash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Buckets: few enough to stay in the processor's cache, so many that a noted row hides few others.
 */
enum { COMPARE_LEAST = 1 << 16, COMPARE_MOST = 1 << 22, COMPARE_SHARE = 4 /* rows each */ };

enum { COMPARE_AHEAD = 16 /* buckets that are on their way from memory */ };

struct compare_sum {
    uint64_t bucket, hash;
};

struct compare {
    struct rebuild *rebuild;
    uint64_t *sums;
    uint8_t *noted;
    uint64_t mask;
    uint64_t sign; /* 1 adds, all ones subtracts */
    int64_t entries;
    struct compare_sum ahead[COMPARE_AHEAD]; /* not yet added; one of zeros adds nothing */
};

/* --- hashes ------------------------------------------------------------------------------- */

static const double compare_whole = 9e18; /* less than an int64_t can hold */

/* An index may hold the whole number of a REAL column as either type. */
static uint64_t compare_real(uint64_t hash, double real)
{
    uint64_t word;

    if (fabs(real) < compare_whole && real >= trunc(real) && real <= trunc(real))
        return wordhash_mix(hash, (uint64_t)(int64_t)real);
    memcpy(&word, &real, sizeof word);
    return wordhash_mix(hash ^ SQLITE_FLOAT, word);
}

/* As it is, without a look at what it means. */
static uint64_t compare_text(uint64_t hash, sqlite3_value *value, bool wide)
{
    const void *bytes =
        wide ? sqlite3_value_text16(value) : (const void *)sqlite3_value_text(value);
    int length = wide ? sqlite3_value_bytes16(value) : sqlite3_value_bytes(value);

    return wordhash_bytes(hash, bytes, (size_t)length);
}

static uint64_t compare_value(uint64_t hash, sqlite3_stmt *row, size_t column, bool wide)
{
    sqlite3_value *value = sqlite3_column_value(row, (int)column);
    int type = sqlite3_value_type(value);

    if (type == SQLITE_INTEGER)
        return wordhash_mix(hash, (uint64_t)sqlite3_value_int64(value));
    if (type == SQLITE_FLOAT)
        return compare_real(hash, sqlite3_value_double(value));
    hash = wordhash_mix(hash, (uint64_t)type << 32);
    if (type == SQLITE_NULL)
        return hash;
    if (type == SQLITE_TEXT)
        return compare_text(hash, value, wide);
    const void *bytes = sqlite3_value_blob(value);
    return wordhash_bytes(hash, bytes, (size_t)sqlite3_value_bytes(value));
}

/* A bucket is seldom in the cache: it is asked for now, and added to when it has come. */
static void compare_add(struct compare *compare, uint64_t owner, uint64_t hash)
{
    struct compare_sum *sum = &compare->ahead[compare->entries++ % COMPARE_AHEAD];

    compare->sums[sum->bucket] += sum->hash;
    *sum = (struct compare_sum){owner & compare->mask, hash};
    __builtin_prefetch(&compare->sums[sum->bucket], 1);
}

static void compare_add_rest(struct compare *compare)
{
    for (size_t i = 0; i < COMPARE_AHEAD; i++)
        compare->sums[compare->ahead[i].bucket] += compare->ahead[i].hash;
    memset(compare->ahead, 0, sizeof compare->ahead);
}

static void compare_entry(struct compare *compare, sqlite3_stmt *row)
{
    const struct shape *shape = &compare->rebuild->shape;
    uint64_t entry = 1, owner = 0;

    for (size_t i = 0; i < shape->count; i++)
        entry = compare_value(entry, row, i, compare->rebuild->wide);
    for (size_t i = 0; i < shape->identities; i++)
        owner = compare_value(owner, row, shape->identity[i].at, compare->rebuild->wide);
    compare_add(compare, owner, entry * compare->sign);
}

/* --- the comparison ----------------------------------------------------------------------- */

static void compare_open(struct rebuild *rebuild, struct compare *compare)
{
    uint64_t buckets = COMPARE_LEAST;

    while (buckets < COMPARE_MOST && (int64_t)buckets < rebuild->result->entries / COMPARE_SHARE)
        buckets *= 2;
    *compare = (struct compare){.rebuild = rebuild, .mask = buckets - 1};
    compare->sums = memory_zeroed(buckets, sizeof *compare->sums);
    compare->noted = memory_zeroed(buckets, sizeof *compare->noted);
}

static enum status compare_walk(struct compare *compare, struct walk *walk, uint64_t sign,
                                struct error *error)
{
    enum status status;
    sqlite3_stmt *row;

    compare->sign = sign;
    compare->entries = 0;
    while ((status = walk_next(walk, &row, error)) == STATUS_OK && row)
        compare_entry(compare, row);
    compare_add_rest(compare);
    walk_close(walk);
    return status;
}

/* From the beginning of the comparison to its end nothing is taken from the notes. */
static enum status compare_mark_noted(struct compare *compare, struct error *error)
{
    const struct shape *shape = &compare->rebuild->shape;
    sqlite3_stmt *notes = NULL;
    struct text sql = {0};
    bool row = false;

    text_add(&sql, "SELECT ");
    for (size_t i = 0; i < shape->identities; i++)
        text_addf(&sql, "%s%s", i ? ", " : "",
                  shape->rowid ? "_litekeeper_id" : shape->columns[shape->identity[i].at].sql);
    text_add(&sql, " FROM " REBUILD_NOTES);
    enum status status = database_prepare(compare->rebuild->database, sql.bytes, &notes, error);
    while (status == STATUS_OK &&
           (status = database_step(compare->rebuild->database, notes, &row, error)) == STATUS_OK &&
           row) {
        uint64_t owner = 0;
        for (size_t i = 0; i < shape->identities; i++)
            owner = compare_value(owner, notes, i, compare->rebuild->wide);
        compare->noted[owner & compare->mask] = 1;
    }
    sqlite3_finalize(notes);
    text_free(&sql);
    return status;
}

static bool compare_same(const struct compare *compare)
{
    for (uint64_t i = 0; i <= compare->mask; i++)
        if (!compare->noted[i] && compare->sums[i])
            return false;
    return true;
}

static enum status compare_differs(const struct rebuild *rebuild, const char *with,
                                   struct error *error)
{
    return error_set(error, STATUS_FAILED,
                     "the copy of %s differs from %s, so %s: run PRAGMA integrity_check; "
                     "litekeeper's functions or collations may give other values than the "
                     "application's, or it writes with triggers switched off",
                     rebuild->shape.index, with,
                     rebuild->create ? "there is no new index" : "the old index stays");
}

typedef enum status compare_source(struct rebuild *rebuild, struct walk **walk,
                                   struct error *error);

static enum status compare_old(struct rebuild *rebuild, struct walk **walk, struct error *error)
{
    return walk_imposter(rebuild, REBUILD_OLD, walk, error);
}

static enum status compare_with(struct rebuild *rebuild, compare_source *source, const char *with,
                                struct error *error)
{
    struct walk *one = NULL, *copy = NULL;
    struct compare compare;
    enum status status;

    compare_open(rebuild, &compare);
    if ((status = source(rebuild, &one, error)) == STATUS_OK &&
        (status = compare_walk(&compare, one, 1, error)) == STATUS_OK &&
        (status = walk_imposter(rebuild, REBUILD_NEW, &copy, error)) == STATUS_OK &&
        (status = compare_walk(&compare, copy, UINT64_MAX, error)) == STATUS_OK &&
        (status = compare_mark_noted(&compare, error)) == STATUS_OK &&
        (status = rebuild_check_schema(rebuild, error)) == STATUS_OK)
        status = compare_same(&compare) ? STATUS_OK : compare_differs(rebuild, with, error);
    rebuild->result->compared = compare.entries;
    free(compare.sums);
    free(compare.noted);
    return status;
}

/* A new index is compared with the table. So is one with expressions, whose values depend on
 * functions: the application may have put its own ones in the place of SQLite's. */
enum status rebuild_compare(struct rebuild *rebuild, struct error *error)
{
    double begin = clock_monotonic_ms();
    enum status status = STATUS_OK;

    if (!rebuild->create)
        status = compare_with(rebuild, compare_old, "the index", error);
    if (status == STATUS_OK && (rebuild->create || rebuild->shape.computed))
        status = compare_with(rebuild, walk_table, "the table", error);
    rebuild->result->compare_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}

enum status rebuild_compare_rows(struct rebuild *rebuild, bool *same, struct error *error)
{
    struct walk *rows = NULL, *copy = NULL;
    struct compare compare;
    enum status status;

    compare_open(rebuild, &compare);
    if ((status = walk_table(rebuild, &rows, error)) == STATUS_OK &&
        (status = compare_walk(&compare, rows, 1, error)) == STATUS_OK &&
        (status = walk_imposter(rebuild, REBUILD_NEW, &copy, error)) == STATUS_OK &&
        (status = compare_walk(&compare, copy, UINT64_MAX, error)) == STATUS_OK)
        *same = compare_same(&compare);
    free(compare.sums);
    free(compare.noted);
    return status;
}
