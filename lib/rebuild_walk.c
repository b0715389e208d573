/*
 * Walks over entries in slices, each a read of its own, so that nothing is pinned or blocked for
 * long. It continues behind the last entry that it saw. Only reads.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"

#include <stdlib.h>

enum { WALK_LOOK = 64 /* entries between two looks at the clock */ };

struct walk {
    struct rebuild *rebuild;
    struct range range;
    size_t *at;            /* where in a row the values of the position are */
    sqlite3_stmt *first;   /* from the beginning */
    sqlite3_stmt **behind; /* one for each segment of the range */
    sqlite3_value **position;
    sqlite3_stmt *current; /* one of these, which is being read */
    size_t segment;        /* that comes after it */
    double end_ms;         /* of this slice */
    int seen;              /* rows of it */
    bool pause;            /* before the next row */
};

/* What a walk reads, as SQL. */
struct walk_source {
    struct text values, from, where;
    struct range_column *columns;
    char *names; /* what the columns point into, or NULL */
    size_t count;
};

static void walk_free_source(struct walk_source *source)
{
    text_free(&source->values);
    text_free(&source->from);
    text_free(&source->where);
    free(source->columns);
    free(source->names);
}

static enum status walk_prepare(struct walk *walk, const struct walk_source *source,
                                const char *condition, sqlite3_stmt **statement,
                                struct error *error)
{
    struct text sql = {0};

    text_addf(&sql, "SELECT %s FROM %s WHERE %s%s ORDER BY %s", source->values.bytes,
              source->from.bytes, condition, source->where.bytes ? source->where.bytes : "",
              walk->range.order);
    enum status status = database_prepare(walk->rebuild->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

static void walk_begin_slice(struct walk *walk)
{
    walk->end_ms = clock_monotonic_ms() + rebuild_slice_ms(walk->rebuild);
    walk->seen = 0;
    walk->pause = false;
}

static enum status walk_open(struct rebuild *rebuild, const struct walk_source *source, size_t *at,
                             struct walk **result, struct error *error)
{
    struct walk *walk = memory_new(struct walk);

    walk->rebuild = rebuild;
    walk->at = at;
    range_build(&walk->range, source->columns, source->count, RANGE_BEHIND);
    walk->behind = memory_zeroed(walk->range.count, sizeof *walk->behind);
    walk->position = memory_zeroed(source->count, sizeof(sqlite3_value *));
    enum status status = walk_prepare(walk, source, "1", &walk->first, error);
    for (size_t i = 0; status == STATUS_OK && i < walk->range.count; i++)
        status =
            walk_prepare(walk, source, walk->range.segments[i].condition, &walk->behind[i], error);
    walk->current = walk->first;
    walk->segment = walk->range.count;
    walk_begin_slice(walk);
    if (status)
        walk_close(walk);
    else
        *result = walk;
    return status;
}

void walk_close(struct walk *walk)
{
    if (!walk)
        return;
    sqlite3_finalize(walk->first);
    for (size_t i = 0; i < walk->range.count; i++)
        sqlite3_finalize(walk->behind[i]);
    for (size_t i = 0; i < walk->range.columns; i++)
        sqlite3_value_free(walk->position[i]);
    range_free(&walk->range);
    free(walk->behind);
    free(walk->position);
    free(walk->at);
    free(walk);
}

/* --- what there is to walk over ----------------------------------------------------------- */

enum { WALK_NAME = 8 /* "k2000" and its NUL */ };

void walk_columns(const struct shape *shape, struct range_column **columns, char **names)
{
    *columns = memory_zeroed(shape->count, sizeof **columns);
    *names = memory_zeroed(shape->count, WALK_NAME);
    for (size_t i = 0; i < shape->count; i++) {
        char *name = *names + i * WALK_NAME, *text = memory_format("k%zu", i + 1);
        for (size_t j = 0; j < WALK_NAME - 1 && text[j]; j++)
            name[j] = text[j];
        free(text);
        (*columns)[i] =
            (struct range_column){.sql = name, .descending = shape->columns[i].descending};
    }
}

enum status walk_imposter(struct rebuild *rebuild, const char *imposter, struct walk **walk,
                          struct error *error)
{
    const struct shape *shape = &rebuild->shape;
    struct walk_source source = {.count = shape->count};
    size_t *at = memory_zeroed(shape->count, sizeof *at);

    walk_columns(shape, &source.columns, &source.names);
    text_add(&source.values, "*");
    text_add(&source.from, imposter);
    for (size_t i = 0; i < shape->count; i++)
        at[i] = i;
    enum status status = walk_open(rebuild, &source, at, walk, error);
    walk_free_source(&source);
    return status;
}

/* The key's columns with the primary key's collations, or the rowid. */
static void walk_key(const struct shape *shape, struct walk_source *source)
{
    struct text names = {0};
    size_t *starts = memory_zeroed(shape->identities, sizeof *starts);

    for (size_t i = 0; i < shape->identities; i++) {
        starts[i] = names.length;
        text_add(&names, shape->columns[shape->identity[i].at].sql);
        if (!shape->rowid)
            text_addf(&names, " COLLATE %s", shape->identity[i].collation);
        text_add_length(&names, "", 1);
    }
    source->names = text_take(&names);
    for (size_t i = 0; i < shape->identities; i++)
        source->columns[i] = (struct range_column){.sql = source->names + starts[i],
                                                   .descending = shape->identity[i].descending};
    free(starts);
}

enum status walk_table(struct rebuild *rebuild, struct walk **walk, struct error *error)
{
    const struct shape *shape = &rebuild->shape;
    struct walk_source source = {.count = shape->identities};
    size_t *at = memory_zeroed(shape->identities, sizeof *at);

    source.columns = memory_zeroed(shape->identities, sizeof *source.columns);
    walk_key(shape, &source);
    shape_add_values(shape, &source.values);
    text_add_identifier(&source.from, shape->table);
    text_add(&source.from, " NOT INDEXED");
    shape_add_where(shape, &source.where);
    for (size_t i = 0; i < shape->identities; i++)
        at[i] = shape->identity[i].at;
    enum status status = walk_open(rebuild, &source, at, walk, error);
    walk_free_source(&source);
    return status;
}

/* --- slices ------------------------------------------------------------------------------- */

static void walk_remember(struct walk *walk)
{
    for (size_t i = 0; i < walk->range.columns; i++) {
        sqlite3_value_free(walk->position[i]);
        walk->position[i] =
            sqlite3_value_dup(sqlite3_column_value(walk->current, (int)walk->at[i]));
    }
}

/* The next statement of a slice that begins behind a position; NULL: that was all. */
static sqlite3_stmt *walk_behind(struct walk *walk)
{
    while (walk->segment < walk->range.count) {
        size_t segment = walk->segment++;
        if (!range_applies(&walk->range, segment, walk->position))
            continue;
        range_bind(&walk->range, segment, walk->position, walk->behind[segment]);
        return walk->behind[segment];
    }
    return NULL;
}

/* The slice is over: nothing is read for as long as others may wait for that. */
static enum status walk_take_a_break(struct walk *walk, struct error *error)
{
    walk_remember(walk);
    sqlite3_reset(walk->current);
    walk->segment = 0;
    walk->current = walk_behind(walk);
    rebuild_slice_gap(walk->rebuild);
    enum status status = rebuild_keep_alive(walk->rebuild, error);
    walk_begin_slice(walk);
    return status;
}

enum status walk_next(struct walk *walk, sqlite3_stmt **row, struct error *error)
{
    enum status status = walk->pause ? walk_take_a_break(walk, error) : STATUS_OK;
    bool more = false;

    while (status == STATUS_OK && walk->current && !more) {
        status = database_step(walk->rebuild->database, walk->current, &more, error);
        if (status == STATUS_OK && !more) {
            sqlite3_reset(walk->current);
            walk->current = walk_behind(walk);
        }
    }
    if (more && !walk->rebuild->snapshot && ++walk->seen % WALK_LOOK == 0)
        walk->pause = clock_monotonic_ms() >= walk->end_ms;
    *row = more ? walk->current : NULL;
    return status;
}
