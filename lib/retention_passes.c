/* The order of the passes, and the condition under which a row follows what it refers to. Reads the
 * schema alone. */
#include "retention_passes.h"

#include "memory.h"
#include "referrers_tree.h"

#include <stdlib.h>
#include <string.h>

/* --- whether what a row refers to is to go ------------------------------------------------ */

/* A row exactly at the cut-off may be one of those that go: a child does not know which. */
static void passes_goes(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct retention_facts *facts = sqlite3_user_data(context);
    int64_t us;

    (void)count;
    sqlite3_result_int(context, timestamp_read(&facts->rules, values[0], &us) &&
                                    us < facts->cutoff_us + (facts->ties > 0));
}

void passes_offer(struct engine *engine, const struct retention_facts *facts)
{
    sqlite3_create_function_v2(database_sql(engine->database), "litekeeper_goes", 1,
                               SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                               (void *)(uintptr_t)facts, passes_goes, NULL, NULL, NULL);
}

/* EXISTS (a row g0, to which `alias` refers, and of which the same is true, up to an old one). */
static void passes_condition(const struct pass *pass, size_t depth, const char *alias,
                             struct text *sql)
{
    const struct referrer *item = pass->way[depth - 1];
    const char *parent = depth > 1 ? pass->way[depth - 2]->table : pass->root->table.name;
    char *inner = memory_format("g%zu", depth - 1);

    text_add(sql, "EXISTS (SELECT 1 FROM ");
    text_add_identifier(sql, parent);
    text_addf(sql, " AS %s WHERE ", inner);
    for (size_t i = 0; i < item->columns.count; i++) {
        text_addf(sql, "%s.", inner);
        text_add_identifier(sql, item->parent_columns.columns[i]);
        text_addf(sql, " = %s.", alias);
        text_add_identifier(sql, item->columns.columns[i]);
        text_add(sql, " AND ");
    }
    if (depth > 1) {
        passes_condition(pass, depth - 1, inner, sql);
    } else {
        text_addf(sql, "litekeeper_goes(%s.", inner);
        text_add_identifier(sql, pass->root->table.column);
        text_add(sql, ")");
    }
    text_add(sql, ")");
    free(inner);
}

/* --- the list ----------------------------------------------------------------------------- */

static void pass_free(struct pass *pass)
{
    if (pass->depth > 0)
        table_free(&pass->facts.table);
    if (pass->facts.referrers != pass->root->referrers)
        referrers_free(pass->facts.referrers);
    free(pass->condition);
}

void passes_free(struct passes *passes)
{
    for (size_t i = 0; i < passes->count; i++)
        pass_free(&passes->list[i]);
    free(passes->list);
    *passes = (struct passes){0};
}

/* Such a table need not have a time: rows of it are told by their key alone. */
static enum status pass_load_table(struct engine *engine, const struct referrer *item,
                                   struct table *table, struct error *error)
{
    enum status status =
        table_load(engine->database, item->table, item->columns.columns[0], table, error);

    if (status)
        return status;
    free(table->column);
    table->column = memory_copy(table->integer ? table->integer : table->key.columns[0]);
    return STATUS_OK;
}

static struct pass *passes_add(struct passes *passes, const struct pass *pass)
{
    passes->list = memory_resize(passes->list, passes->count + 1, sizeof *passes->list);
    passes->list[passes->count] = *pass;
    return &passes->list[passes->count++];
}

/* The pass at the end of a way. How many rows it lets go is up to those they refer to. */
static enum status passes_add_child(struct engine *engine, struct passes *passes,
                                    const struct pass *way, struct error *error)
{
    const struct referrer *item = way->way[way->depth - 1];
    struct pass pass = *way;
    struct text condition = {0};
    enum status status = pass_load_table(engine, item, &pass.facts.table, error);

    if (status)
        return status;
    pass.facts.referrers = referrers_keepers(item->below);
    pass.facts.most = -1;
    passes_condition(&pass, pass.depth, "p", &condition);
    pass.condition = condition.bytes;
    passes_add(passes, &pass);
    return STATUS_OK;
}

static enum status passes_descend(struct engine *engine, const struct referrers *referrers,
                                  const struct pass *above, struct passes *passes,
                                  struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < referrers->count; i++) {
        const struct referrer *item = &referrers->items[i];
        struct pass pass = *above;
        if (item->action != ACTION_CASCADE)
            continue;
        if (pass.depth == PASS_DEPTH)
            return error_set(error, STATUS_REFUSED, "%s is too far away to be archived",
                             item->table);
        pass.way[pass.depth++] = item;
        if (!(status = passes_descend(engine, item->below, &pass, passes, error)))
            status = passes_add_child(engine, passes, &pass, error);
    }
    return status;
}

enum status passes_load(struct engine *engine, const struct retention_facts *facts, bool follow,
                        struct passes *passes, struct error *error)
{
    struct passes found = {0};
    struct pass root = {.facts = *facts, .root = facts};
    enum status status = STATUS_OK;

    if (follow) {
        status = passes_descend(engine, facts->referrers, &root, &found, error);
        root.facts.referrers = referrers_keepers(facts->referrers);
    }
    passes_add(&found, &root);
    if (status)
        passes_free(&found);
    else
        *passes = found;
    return status;
}
