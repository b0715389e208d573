/*
 * A table of files by path, kept true by searches. A file is met in a search or it is not: who was
 * not met is gone.
 */
#include "registry.h"

#include "event.h"
#include "log.h"
#include "memory.h"
#include "search.h"

#include <stdlib.h>
#include <string.h>

enum { REGISTRY_BUCKETS = 8192 };

struct registry {
    uv_loop_t *loop;
    struct registry_host host;
    const struct config *config;
    struct search *search;
    unsigned searches; /* so far */
    bool again;        /* search once more after this one */
    size_t there;
    struct file *buckets[REGISTRY_BUCKETS];
};

static struct file **registry_bucket(const struct registry *registry, const char *path)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (const char *c = path; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    return (struct file **)&registry->buckets[hash % REGISTRY_BUCKETS];
}

struct file *registry_file(const struct registry *registry, const char *path)
{
    struct file *file = *registry_bucket(registry, path);

    while (file && strcmp(file->path, path) != 0)
        file = file->chain;
    return file;
}

static struct file *registry_add(struct registry *registry, const char *path,
                                 const struct config_database *database)
{
    struct file **bucket = registry_bucket(registry, path), *file = memory_new(struct file);

    file->path = memory_copy(path);
    file->database = database;
    file->chain = *bucket;
    *bucket = file;
    return file;
}

static void registry_free_file(struct file *file)
{
    free(file->path);
    free(file->why);
    free(file->duties);
    free(file);
}

static void registry_remove(struct registry *registry, struct file *file)
{
    struct file **place = registry_bucket(registry, file->path);

    while (*place != file)
        place = &(*place)->chain;
    *place = file->chain;
    registry_free_file(file);
}

/* Tells why it can't be worked on, unless that was told before. */
static void registry_lose(struct registry *registry, struct file *file, const char *why)
{
    if (file->why && strcmp(file->why, why) == 0)
        return;
    free(file->why);
    file->why = memory_copy(why);
    registry->there -= file->there;
    file->there = false;
    registry->host.gone(registry->host.argument, file);
}

static void registry_find(struct registry *registry, struct file *file, const struct identity *seen)
{
    bool same = identity_same(&file->seen, seen);

    if (file->there && same)
        return;
    if (file->seen.inode && !same)
        registry->host.replaced(registry->host.argument, file);
    registry->there += !file->there;
    free(file->why);
    file->why = NULL;
    file->seen = *seen;
    file->there = true;
    registry->host.found(registry->host.argument, file);
}

static uint64_t registry_number(const json_t *event, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(event, key));
}

static const struct config_database *
registry_database(const struct config_database *const *databases, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(databases[i]->path, path) == 0)
            return databases[i];
    return databases[0];
}

/* Whether a file that both have is the first one's: a name goes before globs, and those go in the
 * policy's order. Both are of one config. */
static bool registry_goes_before(const struct config_database *one,
                                 const struct config_database *other)
{
    bool globs = config_is_glob(one) && config_is_glob(other);

    return globs ? one < other : !config_is_glob(one);
}

static void registry_event(void *argument, const struct config_database *const *databases,
                           size_t count, const json_t *event)
{
    struct registry *registry = argument;
    const char *path = json_string_value(json_object_get(event, "path"));
    const struct config_database *database = registry_database(databases, count, path);
    struct file *file = registry_file(registry, path);

    if (file && file->database != database && registry_goes_before(file->database, database))
        return;
    if (file && file->database != database)
        registry_lose(registry, file, "another part of the policy has it now");
    if (!file)
        file = registry_add(registry, path, database);
    file->database = database;
    file->search = registry->searches;
    if (strcmp(event_kind(event), "refused") == 0) {
        registry_lose(registry, file, json_string_value(json_object_get(event, "reason")));
        return;
    }
    struct identity seen = {.device = registry_number(event, "device"),
                            .inode = registry_number(event, "inode"),
                            .owner = (uid_t)registry_number(event, "owner"),
                            .group = (gid_t)registry_number(event, "group")};
    registry_find(registry, file, &seen);
}

static void registry_looked(void *argument, const struct config_database *const *databases,
                            size_t count)
{
    struct registry *registry = argument;
    struct file *next;

    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        for (struct file *file = registry->buckets[i]; file; file = next) {
            next = file->chain;
            bool looked_for = false;
            for (size_t j = 0; j < count && !looked_for; j++)
                looked_for = file->database == databases[j];
            if (!looked_for || file->search == registry->searches)
                continue;
            registry_lose(registry, file, "there is no such file any more");
            if (config_is_glob(file->database))
                registry_remove(registry, file);
        }
}

static void registry_failed(void *argument, const struct config_database *database,
                            const struct error *error)
{
    struct registry *registry = argument;
    struct file *file = registry_file(registry, database->path);

    if (config_is_glob(database)) { /* what was there may well be there still */
        log_warning("%s can't be looked for: %s", database->path, error->text);
        return;
    }
    if (!file)
        file = registry_add(registry, database->path, database);
    registry_lose(registry, file, error->text);
}

static void registry_done(void *argument)
{
    struct registry *registry = argument;

    registry->host.searched(registry->host.argument);
    if (registry->again)
        registry_search(registry);
}

struct registry *registry_new(uv_loop_t *loop, const struct registry_host *host)
{
    struct registry *registry = memory_new(struct registry);

    registry->loop = loop;
    registry->host = *host;
    return registry;
}

void registry_free(struct registry *registry)
{
    struct file *next;

    if (!registry)
        return;
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        for (struct file *file = registry->buckets[i]; file; file = next) {
            next = file->chain;
            registry_free_file(file);
        }
    search_free(registry->search);
    free(registry);
}

void registry_policy(struct registry *registry, const struct config *config)
{
    struct search_handlers handlers = {registry_event, registry_looked, registry_failed,
                                       registry_done, registry};
    struct file *next;

    search_free(registry->search);
    registry->search = search_new(registry->loop, config, &handlers);
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        for (struct file *file = registry->buckets[i]; file; file = next) {
            next = file->chain;
            const struct config_database *database = config_database(config, file->database->path);
            if (database) {
                file->database = database;
                continue;
            }
            registry_lose(registry, file, "the policy does not name it any more");
            registry_remove(registry, file);
        }
    registry->config = config;
}

void registry_search(struct registry *registry)
{
    registry->again = search_busy(registry->search);
    if (registry->again)
        return;
    registry->searches++;
    search_begin(registry->search);
}

void registry_stop(struct registry *registry)
{
    search_free(registry->search);
    registry->search = NULL;
}

bool registry_searching(const struct registry *registry)
{
    return registry->search && search_busy(registry->search);
}

size_t registry_count(const struct registry *registry)
{
    return registry->there;
}

void registry_walk(const struct registry *registry, void (*walk)(void *argument, struct file *file),
                   void *argument)
{
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        for (struct file *file = registry->buckets[i]; file; file = file->chain)
            walk(argument, file);
}
