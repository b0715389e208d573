/*
 * Whether a plan is worse than another. It goes by the lines that EXPLAIN QUERY PLAN gives, of
 * which SQLite says that their format may change: both that of 3.36 and later ("SCAN t") and the
 * one before ("SCAN TABLE t AS x") are read, and what is neither counts for nothing. Pure.
 */
#include "queryplan.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* How a table is read, the best way first. */
enum judge_way {
    JUDGE_SEARCH,
    JUDGE_AUTOMATIC, /* by an index that is made for this query alone, each time */
    JUDGE_COVERING,  /* as a whole, but an index only */
    JUDGE_WHOLE,
    JUDGE_WAYS
};

enum judge_verdict { JUDGE_SAME, JUDGE_BETTER, JUDGE_WORSE, JUDGE_OTHER };

enum { JUDGE_TERMS = 16, JUDGE_EQUAL = 4, JUDGE_ABOVE = 2, JUDGE_BELOW = 1 };

/* A column that is searched by: with = (or IN), or within bounds. */
struct judge_term {
    const char *column;
    size_t length;
    int bounds;
};

struct judge_access {
    const char *line, *name;
    size_t length; /* of the name */
    enum judge_way way;
    bool row;   /* it goes straight to one row of the table */
    bool table; /* it looks into the table for what the index does not have */
    struct judge_term terms[JUDGE_TERMS];
    size_t count;
    bool paired;
};

struct judge_plan {
    struct judge_access accesses[QUERYPLAN_LINES];
    size_t count, ways[JUDGE_WAYS];
    int sorts;        /* two for each, one where a part is in order already */
    const char *sort; /* a line that says so */
};

/* --- reading a line ----------------------------------------------------------------------- */

static bool judge_takes(const char **at, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static const char *judge_first(const char *a, const char *b)
{
    return !a || (b && b < a) ? b : a;
}

/* The name that the query has for it: "t", "TABLE t", "TABLE t AS x". */
static void judge_name(const char *at, struct judge_access *access)
{
    judge_takes(&at, "TABLE ");
    const char *end = judge_first(strstr(at, " USING "), strstr(at, " VIRTUAL TABLE INDEX "));
    const char *as = strstr(at, " AS ");

    if (!end)
        end = at + strlen(at);
    if (as && as < end)
        at = as + strlen(" AS ");
    access->name = at;
    access->length = (size_t)(end - at);
}

/* "a=?", "a>?", "<expr>=?", "(a,b)<(?,?)"; "ANY(a)" leaps over a column, and is none. */
static void judge_term(const char *at, const char *end, struct judge_access *access)
{
    static const char expression[] = "<expr>";
    const char *sign = at;

    if (judge_takes(&sign, expression) && sign > end)
        return;
    while (sign < end && !strchr("=<>", *sign))
        sign++;
    if (sign == end || sign == at || access->count >= JUDGE_TERMS)
        return;
    struct judge_term term = {.column = at, .length = (size_t)(sign - at)};
    term.bounds = *sign == '=' ? JUDGE_EQUAL : *sign == '>' ? JUDGE_ABOVE : JUDGE_BELOW;
    for (size_t i = 0; i < access->count; i++)
        if (access->terms[i].length == term.length &&
            strncmp(access->terms[i].column, at, term.length) == 0) {
            access->terms[i].bounds |= term.bounds;
            return;
        }
    access->terms[access->count++] = term;
}

/* "(a=? AND b>?)" */
static void judge_terms(const char *at, struct judge_access *access)
{
    const char *next, *end = strrchr(at, ')');

    if (!end)
        return;
    while ((next = strstr(at, " AND ")) && next < end) {
        judge_term(at, next, access);
        at = next + strlen(" AND ");
    }
    judge_term(at, end, access);
}

static enum judge_way judge_way(bool search, const char *using, bool covering)
{
    if (using && strstr(using, " AUTOMATIC "))
        return JUDGE_AUTOMATIC;
    if (search)
        return JUDGE_SEARCH;
    return covering ? JUDGE_COVERING : JUDGE_WHOLE;
}

static bool judge_access(const char *line, struct judge_access *access)
{
    const char *at = line, *using, *terms;
    bool search = judge_takes(&at, "SEARCH ");

    *access = (struct judge_access){.line = line};
    if ((!search && !judge_takes(&at, "SCAN ")) || strstr(at, "CONSTANT ROW") ||
        strstr(at, " VIRTUAL TABLE INDEX "))
        return false;
    judge_name(at, access);
    using = strstr(at, " USING ");
    terms = using ? strstr(using, " (") : NULL;
    bool covering = using && strstr(using, "COVERING INDEX ");
    bool key = using && (strstr(using, " USING INTEGER PRIMARY KEY") == using ||
                         strstr(using, " USING PRIMARY KEY") == using);
    if (terms)
        judge_terms(terms + 2, access);
    access->way = judge_way(search, using, covering);
    access->table = !key && !covering;
    access->row = strstr(line, " USING INTEGER PRIMARY KEY (rowid=?)");
    return true;
}

/* What a query makes for itself is no table. */
static bool judge_is_made(const struct queryplan *plan, const struct judge_access *access)
{
    static const char *const words[] = {"CO-ROUTINE ", "MATERIALIZE "};

    if (access->length && *access->name == '(') /* "(subquery-1)" */
        return true;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < sizeof words / sizeof *words; j++) {
            const char *at = plan->lines[i];
            if (judge_takes(&at, words[j]) && strlen(at) == access->length &&
                strncmp(at, access->name, access->length) == 0)
                return true;
        }
    return strncmp(access->name, "SUBQUERY ", strlen("SUBQUERY ")) == 0;
}

static void judge_read(const struct queryplan *plan, struct judge_plan *read)
{
    static const char sort[] = "USE TEMP B-TREE FOR ";

    *read = (struct judge_plan){0};
    for (size_t i = 0; i < plan->count && i < QUERYPLAN_LINES; i++) {
        struct judge_access *access = &read->accesses[read->count];
        const char *at = plan->lines[i];
        if (judge_takes(&at, sort)) {
            read->sorts +=
                strncmp(at, "RIGHT PART", 10) == 0 || strncmp(at, "LAST ", 5) == 0 ? 1 : 2;
            read->sort = plan->lines[i];
        } else if (judge_access(at, access) && !judge_is_made(plan, access)) {
            read->ways[access->way]++;
            read->count++;
        }
    }
}

/* --- comparing ---------------------------------------------------------------------------- */

static int judge_bounds(const struct judge_access *access, const struct judge_term *term)
{
    for (size_t i = 0; i < access->count; i++)
        if (access->terms[i].length == term->length &&
            strncmp(access->terms[i].column, term->column, term->length) == 0)
            return access->terms[i].bounds;
    return 0;
}

/* Whether one is bound in each column at least as narrowly as the other. */
static bool judge_as_narrow(const struct judge_access *one, const struct judge_access *other)
{
    for (size_t i = 0; i < other->count; i++) {
        int wanted = other->terms[i].bounds, has = judge_bounds(one, &other->terms[i]);
        if (!(has & JUDGE_EQUAL) && (has & wanted) != wanted)
            return false;
    }
    return true;
}

static enum judge_verdict judge_search(const struct judge_access *before,
                                       const struct judge_access *now)
{
    bool better = judge_as_narrow(now, before), worse = judge_as_narrow(before, now);

    if (!better && !worse)
        return now->row ? JUDGE_BETTER : JUDGE_OTHER;
    if (better && worse)
        return before->table == now->table ? JUDGE_SAME : now->table ? JUDGE_WORSE : JUDGE_BETTER;
    if (better)
        return now->table && !before->table ? JUDGE_OTHER : JUDGE_BETTER;
    return before->table && !now->table ? JUDGE_OTHER : JUDGE_WORSE;
}

static enum judge_verdict judge_pair(const struct judge_access *before,
                                     const struct judge_access *now)
{
    if (before->way != now->way)
        return before->way < now->way ? JUDGE_WORSE : JUDGE_BETTER;
    return now->way == JUDGE_SEARCH ? judge_search(before, now) : JUDGE_SAME;
}

/* The access of the same table that is not paired yet, in the order of the lines. */
static struct judge_access *judge_partner(struct judge_plan *plan, const struct judge_access *of)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct judge_access *access = &plan->accesses[i];
        if (!access->paired && access->length == of->length &&
            strncmp(access->name, of->name, of->length) == 0) {
            access->paired = true;
            return access;
        }
    }
    return NULL;
}

struct judge {
    struct judge_plan before, now;
    size_t verdicts[JUDGE_OTHER + 1];    /* of pairs of accesses */
    const struct judge_access *was, *is; /* what has become worse, most of all */
};

static void judge_accesses(struct judge *judge)
{
    for (size_t i = 0; i < judge->now.count; i++) {
        struct judge_access *now = &judge->now.accesses[i],
                            *before = judge_partner(&judge->before, now);
        enum judge_verdict verdict = before ? judge_pair(before, now) : JUDGE_OTHER;
        judge->verdicts[verdict]++;
        if (verdict == JUDGE_WORSE && (!judge->is || now->way > judge->is->way)) {
            judge->was = before;
            judge->is = now;
        }
    }
}

/* The first difference decides. */
static enum judge_verdict judge_count(size_t before, size_t now)
{
    return now > before ? JUDGE_WORSE : now < before ? JUDGE_BETTER : JUDGE_SAME;
}

static enum judge_verdict judge_wholes(const struct judge *judge)
{
    const size_t *before = judge->before.ways, *now = judge->now.ways;
    enum judge_verdict verdict = judge_count(before[JUDGE_WHOLE] + before[JUDGE_COVERING],
                                             now[JUDGE_WHOLE] + now[JUDGE_COVERING]);

    if (verdict == JUDGE_SAME)
        verdict = judge_count(before[JUDGE_WHOLE], now[JUDGE_WHOLE]);
    return verdict == JUDGE_SAME ? judge_count(before[JUDGE_AUTOMATIC], now[JUDGE_AUTOMATIC])
                                 : verdict;
}

static enum judge_verdict judge_searches(const struct judge *judge)
{
    const size_t *verdicts = judge->verdicts;

    if (verdicts[JUDGE_WORSE] && !verdicts[JUDGE_BETTER])
        return JUDGE_WORSE;
    return verdicts[JUDGE_WORSE] || verdicts[JUDGE_BETTER] || verdicts[JUDGE_OTHER] ? JUDGE_OTHER
                                                                                    : JUDGE_SAME;
}

static enum judge_verdict judge_sorts(const struct judge *judge)
{
    return judge_count((size_t)judge->before.sorts, (size_t)judge->now.sorts);
}

/* The line of what is read as a whole, or by an index of its own, and was not. */
static const char *judge_new_whole(const struct judge *judge)
{
    const struct judge_access *worst = NULL;

    for (size_t i = 0; i < judge->now.count; i++)
        if (!worst || judge->now.accesses[i].way > worst->way)
            worst = &judge->now.accesses[i];
    return worst ? worst->line : "";
}

static void judge_say(const struct judge *judge, enum judge_verdict wholes,
                      enum judge_verdict searches, struct text *why)
{
    if (wholes == JUDGE_SAME && searches == JUDGE_SAME)
        text_addf(why, "%s is new", judge->now.sort);
    else if (judge->is)
        text_addf(why, "%s, was %s", judge->is->line, judge->was->line);
    else
        text_addf(why, "%s is new", judge_new_whole(judge));
}

bool queryplan_worse(const struct queryplan *before, const struct queryplan *now, struct text *why)
{
    struct judge *judge = memory_new(struct judge);
    enum judge_verdict wholes, searches, verdict = JUDGE_SAME;

    judge_read(before, &judge->before);
    judge_read(now, &judge->now);
    judge_accesses(judge);
    wholes = judge_wholes(judge);
    searches = judge_searches(judge);
    if (before->count && now->count)
        verdict = wholes != JUDGE_SAME     ? wholes
                  : searches != JUDGE_SAME ? searches
                                           : judge_sorts(judge);
    if (verdict == JUDGE_WORSE)
        judge_say(judge, wholes, searches, why);
    free(judge);
    return verdict == JUDGE_WORSE;
}
