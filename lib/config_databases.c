/* Loads the databases of a policy: each with its limits and tasks, and what they must be. */
#include "config_load.h"

#include "memory.h"
#include "schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LENGTH = 128 };

/* Letters, digits, . _ -; or its path, as the match of a glob is called. */
static bool config_database_name_valid(const struct config_database *database)
{
    const char *name = database->name;

    if (database->path && strcmp(name, database->path) == 0)
        return true;
    if ((!isalnum((unsigned char)*name) && *name != '_') || strlen(name) > NAME_MAX_LENGTH)
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return true;
}

static bool config_database_ends_in(const char *path, const char *end)
{
    size_t length = strlen(path), tail = strlen(end);

    return length > tail && strcmp(path + length - tail, end) == 0;
}

static void config_database_check_name(struct config_loader *loader,
                                       const struct config_database *database,
                                       const struct node *node, const struct place *place)
{
    struct place here = {.up = place, .key = "name"};
    const struct node *at = node_get(node, "name");

    if (!at && database->path && !config_is_glob(database))
        config_errors_add(loader->errors, &here, node, "is missing; only a glob needs none");
    if (database->name && !config_database_name_valid(database))
        config_errors_add(loader->errors, &here, at,
                          "\"%s\": must be of letters, digits, '.', '_' and '-', begin with a "
                          "letter, digit or '_', and have at most %d characters",
                          database->name, NAME_MAX_LENGTH);
}

static void config_database_check_path(struct config_loader *loader,
                                       const struct config_database *database,
                                       const struct node *node, const struct place *place)
{
    static const char *const logs[] = {"-wal", "-shm", "-journal"};
    struct place here = {.up = place, .key = "path"};

    for (size_t i = 0; database->path && i < 3; i++)
        if (config_database_ends_in(database->path, logs[i]))
            config_errors_add(loader->errors, &here, node_get(node, "path"),
                              "\"%s\" belongs to a database and is none; leave off the %s",
                              database->path, logs[i]);
}

/* Reports that `key`, which must differ, is as in an earlier database. */
static void config_database_check_twin(struct config_loader *loader, const char *key,
                                       const char *value, size_t earlier, const char *other,
                                       const struct node *node, const struct place *place)
{
    const struct config_origin *origin = &loader->origins[earlier];
    struct place here = {.up = place, .key = key};

    if (value && other && strcmp(value, other) == 0)
        config_errors_add(loader->errors, &here, node_get(node, key),
                          "\"%s\" is also the %s of the database at %s:%d:%d", value, key,
                          origin->path, origin->node->line, origin->node->column);
}

static void config_database_check(struct config_loader *loader,
                                  const struct config_database *database, const struct node *node,
                                  const struct place *place)
{
    const struct config *config = loader->config;

    config_database_check_name(loader, database, node, place);
    config_database_check_path(loader, database, node, place);
    config_alerts(loader, database, node_get(node, "alerts"), place);
    for (size_t i = 0; i < config->database_count; i++) {
        config_database_check_twin(loader, "name", database->name, i, config->databases[i].name,
                                   node, place);
        config_database_check_twin(loader, "path", database->path, i, config->databases[i].path,
                                   node, place);
    }
}

/* Two tasks of one kind must not work on the same target; SQLite's names ignore case. */
static void config_database_check_targets(struct config_loader *loader,
                                          const struct config_database *database, size_t first,
                                          const struct node *node, const struct place *place)
{
    for (size_t i = first + 1; i < database->task_count; i++)
        for (size_t j = first; j < i; j++) {
            const char *target = database->tasks[i].target, *other = database->tasks[j].target;
            struct place here = {.up = place, .index = i - first};
            if (target && other && strcasecmp(target, other) == 0)
                config_errors_add(loader->errors, &here, node->items[i - first],
                                  "\"%s\" has one already, in line %d", target,
                                  node->items[j - first]->line);
        }
}

/* Makes tasks of a kind from what the schema has loaded, which they take over. */
static void config_database_tasks(struct config_loader *loader, struct config_database *database,
                                  const struct task_kind *kind, struct option_list *list,
                                  const struct node *node, const struct place *place)
{
    size_t first = database->task_count, size = kind->section.size;
    struct place here = {.up = place, .key = kind->name};

    if (node && node->kind == NODE_LIST && !(kind->flags & TASK_LIST))
        config_errors_add(loader->errors, &here, node,
                          "is a list; a database has one, a mapping of keys");
    database->tasks = memory_resize(database->tasks, first + list->count, sizeof *database->tasks);
    for (size_t i = 0; i < list->count; i++) {
        void *options = memory_zeroed(1, size);
        memcpy(options, (const char *)list->items + i * size, size);
        const char *target = kind->target ? kind->target(options) : NULL;
        database->tasks[database->task_count++] = (struct config_task){kind, options, target};
    }
    free(list->items);
    if (kind->flags & TASK_LIST)
        config_database_check_targets(loader, database, first, node, &here);
}

static void config_database_append(struct config_loader *loader,
                                   const struct config_database *database, const struct node *node,
                                   const char *path)
{
    struct config *config = loader->config;
    size_t count = config->database_count++;

    config->databases = memory_resize(config->databases, count + 1, sizeof *config->databases);
    config->databases[count] = *database;
    loader->origins = memory_resize(loader->origins, count + 1, sizeof *loader->origins);
    loader->origins[count] = (struct config_origin){path, node};
}

static void config_database_load(struct config_loader *loader, const struct node *node,
                                 const struct place *place)
{
    struct config_database database = {0};
    size_t kinds = 0;

    if (node->kind != NODE_MAP) {
        config_errors_add(loader->errors, place, node, "is %s; a database is a mapping of keys",
                          node_kind_name(node->kind));
        return;
    }
    while (tasks[kinds])
        kinds++;
    struct option_list *lists = memory_zeroed(kinds, sizeof *lists);
    const struct schema_part parts[] = {
        {config_database_options, &database, NULL},
        {config_limits_options, &database.limits, &loader->config->defaults},
        {loader->task_options, lists, NULL},
    };
    schema_load(parts, 3, node, place, loader->errors);
    for (size_t i = 0; i < kinds; i++)
        config_database_tasks(loader, &database, tasks[i], &lists[i],
                              node_get(node, tasks[i]->name), place);
    free(lists);
    config_database_check(loader, &database, node, place);
    config_database_append(loader, &database, node, loader->sources[loader->source_count - 1].path);
}

void config_databases(struct config_loader *loader, const struct node *node,
                      const struct place *place)
{
    if (node_empty(node)) /* all of them commented out */
        return;
    if (node->kind != NODE_LIST) {
        config_errors_add(loader->errors, place, node, "is %s; must be a list of databases",
                          node_kind_name(node->kind));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        struct place here = {.up = place, .index = i};
        config_database_load(loader, node->items[i], &here);
    }
}
