/* Writes a policy out whole, with every default, as YAML that loads to the same policy. */
#include "config_options.h"

#include "schema.h"

static void config_dump_tasks(const struct config_database *database, struct text *out)
{
    const struct task_kind *kind = NULL;

    for (size_t i = 0; i < database->task_count; i++) {
        const struct config_task *task = &database->tasks[i];
        if (task->kind != kind)
            text_addf(out, "    %s:\n", task->kind->name);
        kind = task->kind;
        if (kind->flags & TASK_LIST)
            schema_dump_item(kind->section.options, task->options, 8, out);
        else
            schema_dump(kind->section.options, task->options, 6, out);
    }
}

static void config_dump_database(const struct config_database *database, struct text *out)
{
    size_t start = out->length;

    schema_dump(config_database_options, database, 4, out);
    schema_dump(config_limits_options, &database->limits, 4, out);
    config_dump_tasks(database, out);
    schema_item_mark(out, start, 4);
}

char *config_dump(const struct config *config, const struct config_database *only)
{
    struct text out = {0};

    text_add(&out, "daemon:\n");
    schema_dump(config_daemon_options, &config->daemon, 2, &out);
    text_add(&out, "defaults:\n");
    schema_dump(config_limits_options, &config->defaults, 2, &out);
    text_add(&out, only || config->database_count ? "databases:\n" : "databases: []\n");
    if (only)
        config_dump_database(only, &out);
    for (size_t i = 0; !only && i < config->database_count; i++)
        config_dump_database(&config->databases[i], &out);
    return text_take(&out);
}
