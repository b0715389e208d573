/* The options of indexes, and what they must be by themselves and together. Pure. */
#include "indexes.h"

#include "memory.h"
#include "sqlsyntax.h"
#include "sqltoken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { INDEXES_WATCHED = 100, INDEXES_EXCERPT = 60 };

static const char *indexes_wrong(char *why, const char *option, const char *what)
{
    snprintf(why, WHY_SIZE, "%.250s", what);
    return option;
}

/* --- ensure ------------------------------------------------------------------------------- */

enum status indexes_define(const struct indexes_wanted *wanted, struct indexdef *def,
                           struct error *error)
{
    if (wanted->sql)
        return indexdef_parse(wanted->sql, def, error);
    return indexdef_make(wanted->name, wanted->table, &wanted->columns, wanted->where,
                         wanted->unique, def, error);
}

/* The first part that is there; NULL: none is. */
static const char *wanted_part(const struct indexes_wanted *wanted)
{
    return wanted->name            ? "name"
           : wanted->table         ? "table"
           : wanted->columns.count ? "columns"
           : wanted->where         ? "where"
           : wanted->unique        ? "unique"
                                   : NULL;
}

static const char *wanted_lacks(const struct indexes_wanted *wanted)
{
    return !wanted->name            ? "name"
           : !wanted->table         ? "table"
           : !wanted->columns.count ? "columns"
                                    : NULL;
}

static const char *wanted_check(const void *values, char *why)
{
    const struct indexes_wanted *wanted = values;
    const char *part = wanted_part(wanted), *lacks = wanted_lacks(wanted);
    struct indexdef def = {0};
    struct error error;

    if (wanted->sql && part)
        return indexes_wrong(why, part, "the statement under sql says it all; leave one out");
    if (!wanted->sql && lacks)
        return indexes_wrong(why, lacks, "is missing");
    if (indexes_define(wanted, &def, &error)) {
        bool where = wanted->where && !sqltoken_balanced(wanted->where);
        return indexes_wrong(why, wanted->sql ? "sql" : where ? "where" : "columns", error.text);
    }
    indexdef_free(&def);
    return NULL;
}

#define FIELD(name) offsetof(struct indexes_wanted, name)

static const struct option wanted_options[] = {
    {"sql", OPTION_TEXT, OPTION_SHORT, FIELD(sql), NULL, NULL, NULL, NULL, NULL,
     "the CREATE INDEX statement; else name, table and columns must be there"},
    {"name", OPTION_TEXT, 0, FIELD(name), NULL, NULL, NULL, NULL, NULL, "the name of the index"},
    {"table", OPTION_TEXT, 0, FIELD(table), NULL, NULL, NULL, NULL, NULL, "its table"},
    {"columns", OPTION_TEXTS, 0, FIELD(columns), NULL, NULL, NULL, NULL, NULL,
     "what is indexed: columns, or expressions, each with COLLATE and DESC as in SQL"},
    {"where", OPTION_TEXT, 0, FIELD(where), NULL, NULL, NULL, NULL, NULL,
     "the condition of a partial index"},
    {"unique", OPTION_BOOL, 0, FIELD(unique), "false", NULL, NULL, NULL, NULL,
     "no two rows may have the same"},
    {.name = NULL}};

static const struct option_section wanted_section = {sizeof(struct indexes_wanted), wanted_options,
                                                     wanted_check};

#undef FIELD
#define FIELD(name) offsetof(struct indexes_options, name)

const struct option indexes_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "daily", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"watch", OPTION_TEXTS, 0, FIELD(watch), NULL, NULL, NULL, NULL, NULL,
     "queries whose plans are recorded each time and held to what they were"},
    {"ensure", OPTION_SECTIONS, 0, FIELD(ensure), NULL, NULL, NULL, NULL, &wanted_section,
     "the indexes that must be there: CREATE INDEX statements, or mappings of their parts"},
    {"drop", OPTION_TEXTS, 0, FIELD(drop), NULL, NULL, NULL, NULL, NULL,
     "names of indexes that must not be there; one that a watched query uses stays"},
    {.name = NULL}};

/* --- all together ------------------------------------------------------------------------- */

static bool watch_check(const char *sql, char *why)
{
    static const char *const words[] = {"SELECT", "WITH", "VALUES"};
    struct sqltoken first = sqltoken_next(sql);
    struct error error;
    bool reads = false;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        reads = reads || sqltoken_is(&first, words[i]);
    if (!reads)
        snprintf(why, WHY_SIZE, "\"%.*s\": must be a SELECT", INDEXES_EXCERPT, sql);
    else if (!sqltoken_single(sql))
        snprintf(why, WHY_SIZE, "\"%.*s ...\": has more than one statement; list each by itself",
                 INDEXES_EXCERPT, sql);
    else if (sqlsyntax_check(sql, &error))
        snprintf(why, WHY_SIZE, "\"%.*s ...\": no SQL that SQLite understands: %.100s",
                 INDEXES_EXCERPT, sql, error.text);
    else
        return true;
    return false;
}

static const char *check_watch(const struct indexes_options *options, char *why)
{
    if (options->watch.count > INDEXES_WATCHED)
        return indexes_wrong(why, "watch", "more than 100 queries");
    for (size_t i = 0; i < options->watch.count; i++)
        if (!watch_check(options->watch.items[i], why))
            return "watch";
    return NULL;
}

static char *check_name(const struct indexes_options *options, size_t i)
{
    const struct indexes_wanted *wanted = options->ensure.items;
    struct indexdef def = {0};
    char *name = indexes_define(&wanted[i], &def, NULL) ? NULL : memory_copy(def.name);

    indexdef_free(&def);
    return name;
}

static bool check_listed(const struct option_texts *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* The names of all that `ensure` wants, of which no two are alike. */
static const char *check_ensure(const struct indexes_options *options, struct option_texts *names,
                                char *why)
{
    for (size_t i = 0; i < options->ensure.count; i++) {
        char *name = check_name(options, i);
        if (!name || check_listed(names, names->count, name)) {
            snprintf(why, WHY_SIZE, "two indexes of the name \"%.100s\"", name ? name : "");
            free(name);
            return "ensure";
        }
        names->items[names->count++] = name;
    }
    return NULL;
}

static const char *check_drop(const struct indexes_options *options,
                              const struct option_texts *wanted, char *why)
{
    for (size_t i = 0; i < options->drop.count; i++) {
        const char *name = options->drop.items[i], *what = NULL;
        if (strncasecmp(name, "sqlite_", strlen("sqlite_")) == 0)
            what = "belongs to a UNIQUE or PRIMARY KEY of its table, and can't be dropped";
        else if (check_listed(wanted, wanted->count, name))
            what = "is under ensure, too";
        else if (check_listed(&options->drop, i, name))
            what = "is there twice";
        if (!what)
            continue;
        snprintf(why, WHY_SIZE, "\"%.100s\" %s", name, what);
        return "drop";
    }
    return NULL;
}

const char *indexes_check(const void *values, char *why)
{
    const struct indexes_options *options = values;
    struct option_texts names = {0};
    const char *wrong = check_watch(options, why);

    names.items = memory_zeroed(options->ensure.count + 1, sizeof *names.items);
    if (!wrong)
        wrong = check_ensure(options, &names, why);
    if (!wrong)
        wrong = check_drop(options, &names, why);
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
    return wrong;
}
