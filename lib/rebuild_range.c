/* Conditions by prefixes. SQLite sorts NULLs before all else; DESC turns that round. */
#include "rebuild_range.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>

/* `>= -9e999`, minus infinity, is true of all but NULL, and unlike NOT NULL it leads SQLite to the
 * first of them. */
static const struct range_form {
    bool ascending, for_null;
    const char *test; /* which a parameter follows, if the value is not NULL */
    bool parameter;
} range_forms[] = {
    {true, false, " > ?", true},
    {true, true, " >= -9e999", false},
    {false, false, " < ?", true},
    {false, false, " IS NULL", false},
};

static void range_add(struct range *range, const struct range_column *columns, size_t level,
                      const struct range_form *form)
{
    struct text sql = {0};

    for (size_t i = 0; i < level; i++)
        text_addf(&sql, "%s IS ?%zu AND ", columns[i].sql, i + 1);
    text_addf(&sql, "%s%s", columns[level].sql, form->test);
    if (form->parameter)
        text_addf(&sql, "%zu", level + 1);
    range->segments = memory_resize(range->segments, range->count + 1, sizeof *range->segments);
    range->segments[range->count++] = (struct range_segment){.condition = text_take(&sql),
                                                             .level = level + 1,
                                                             .for_null = form->for_null};
}

static char *range_order(const struct range_column *columns, size_t count, bool backwards)
{
    struct text sql = {0};

    for (size_t i = 0; i < count; i++)
        text_addf(&sql, "%s%s%s", i ? ", " : "", columns[i].sql,
                  columns[i].descending != backwards ? " DESC" : "");
    return text_take(&sql);
}

/* The longest prefix comes first when going on behind an entry, and last when all before one is
 * wanted, though the order matters to the former alone. */
void range_build(struct range *range, const struct range_column *columns, size_t count,
                 enum range_side side)
{
    *range = (struct range){.columns = count,
                            .order = range_order(columns, count, false),
                            .backwards = range_order(columns, count, true)};
    for (size_t level = count; level-- > 0;) {
        bool ascending = columns[level].descending == (side == RANGE_BEFORE);
        for (size_t i = 0; i < sizeof range_forms / sizeof *range_forms; i++)
            if (range_forms[i].ascending == ascending)
                range_add(range, columns, level, &range_forms[i]);
    }
}

void range_free(struct range *range)
{
    for (size_t i = 0; i < range->count; i++)
        free(range->segments[i].condition);
    free(range->segments);
    free(range->order);
    free(range->backwards);
    *range = (struct range){0};
}

bool range_applies(const struct range *range, size_t segment, sqlite3_value *const *position)
{
    const struct range_segment *asked = &range->segments[segment];
    bool null = sqlite3_value_type(position[asked->level - 1]) == SQLITE_NULL;

    return null == asked->for_null;
}

void range_bind(const struct range *range, size_t segment, sqlite3_value *const *position,
                sqlite3_stmt *statement)
{
    int most = sqlite3_bind_parameter_count(statement);

    for (size_t i = 0; i < range->segments[segment].level && (int)i < most; i++)
        sqlite3_bind_value(statement, (int)i + 1, position[i]);
}
