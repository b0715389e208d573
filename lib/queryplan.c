/*
 * Plans as they are: asked of SQLite, kept in an effect, shown. Runs in a worker; the query is only
 * compiled, never run.
 */
#include "queryplan.h"

#include "event_check.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { QUERYPLAN_DETAIL = 3, QUERYPLAN_OPCODE = 1, QUERYPLAN_P2 = 3, QUERYPLAN_P3 = 4 };

static void queryplan_add(struct queryplan *plan, const char *line)
{
    if (!line || plan->count >= QUERYPLAN_LINES)
        return;
    json_t *clean = event_check_text(line, strlen(line), QUERYPLAN_LINE);
    plan->lines = memory_resize(plan->lines, plan->count + 1, sizeof *plan->lines);
    plan->lines[plan->count++] = memory_copy(json_string_value(clean));
    json_decref(clean);
}

/* One statement, and one that gives rows and changes nothing. */
static enum status queryplan_check(struct database *database, const char *sql, struct error *error)
{
    sqlite3_stmt *query = NULL;
    enum status status = database_prepare(database, sql, &query, error);

    if (status == STATUS_OK && (!query || !sqlite3_stmt_readonly(query) ||
                                sqlite3_stmt_isexplain(query) || !sqlite3_column_count(query)))
        status = error_set(error, STATUS_REFUSED, "not a query that only reads");
    sqlite3_finalize(query);
    return status;
}

typedef void queryplan_row(struct queryplan *plan, sqlite3_stmt *row);

static void queryplan_add_detail(struct queryplan *plan, sqlite3_stmt *row)
{
    queryplan_add(plan, (const char *)sqlite3_column_text(row, QUERYPLAN_DETAIL));
}

/* The opcodes that open a b-tree to read it (sqlite.org/opcode.html): P2 is its first page, P3 the
 * database, of which 0 is main. */
static void queryplan_add_root(struct queryplan *plan, sqlite3_stmt *row)
{
    const char *opcode = (const char *)sqlite3_column_text(row, QUERYPLAN_OPCODE);

    if (!opcode || (strcmp(opcode, "OpenRead") != 0 && strcmp(opcode, "ReopenIdx") != 0) ||
        sqlite3_column_int(row, QUERYPLAN_P3) != 0)
        return;
    uint32_t root = (uint32_t)sqlite3_column_int64(row, QUERYPLAN_P2);
    if (queryplan_reads(plan, root))
        return;
    plan->roots = memory_resize(plan->roots, plan->root_count + 1, sizeof *plan->roots);
    plan->roots[plan->root_count++] = root;
}

static enum status queryplan_explain(struct database *database, const char *words, const char *sql,
                                     queryplan_row *each, struct queryplan *plan,
                                     struct error *error)
{
    char *explain = memory_format("%s %s", words, sql);
    sqlite3_stmt *rows = NULL;
    bool row = false;
    enum status status = database_prepare(database, explain, &rows, error);

    while (status == STATUS_OK &&
           (status = database_step(database, rows, &row, error)) == STATUS_OK && row)
        each(plan, rows);
    sqlite3_finalize(rows);
    free(explain);
    return status;
}

enum status queryplan_ask(struct database *database, const char *sql, struct queryplan *result,
                          struct error *error)
{
    struct queryplan plan = {0};
    enum status status;

    if ((status = queryplan_check(database, sql, error)) == STATUS_OK &&
        (status = queryplan_explain(database, "EXPLAIN QUERY PLAN", sql, queryplan_add_detail,
                                    &plan, error)) == STATUS_OK)
        status = queryplan_explain(database, "EXPLAIN", sql, queryplan_add_root, &plan, error);
    if (status)
        queryplan_free(&plan);
    else
        *result = plan;
    return status;
}

void queryplan_free(struct queryplan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->lines[i]);
    free(plan->lines);
    free(plan->roots);
    *plan = (struct queryplan){0};
}

bool queryplan_reads(const struct queryplan *plan, uint32_t root)
{
    for (size_t i = 0; i < plan->root_count; i++)
        if (plan->roots[i] == root)
            return true;
    return false;
}

json_t *queryplan_json(const struct queryplan *plan)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < plan->count; i++)
        json_array_append_new(lines, json_string(plan->lines[i]));
    return lines;
}

void queryplan_load(const json_t *json, struct queryplan *plan)
{
    *plan = (struct queryplan){0};
    for (size_t i = 0; i < json_array_size(json); i++)
        queryplan_add(plan, json_string_value(json_array_get(json, i)));
}

void queryplan_say(const struct queryplan *plan, struct text *text)
{
    for (size_t i = 0; i < plan->count; i++)
        text_addf(text, "%s%s", i ? "; " : "", plan->lines[i]);
}
