/*
 * Loads, finds and frees policies. Runs in every process of litekeeper; it prints nothing, and
 * whatever is in the text, it comes back with a policy or with all errors.
 */
#include "config_load.h"

#include "memory.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool config_read(const char *path, char **bytes, size_t *length)
{
    size_t room = 0, used = 0;
    char *made = NULL;
    ssize_t got = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (file < 0)
        return false;
    do {
        if (used == room) {
            room = room ? room * 2 : 16384;
            made = memory_resize(made, room, 1);
        }
        got = read(file, made + used, room - used);
        used += got > 0 ? (size_t)got : 0;
    } while (used <= NODE_BYTES && (got > 0 || (got < 0 && errno == EINTR)));
    int reason = errno;
    close(file);
    if (got < 0) {
        free(made);
        errno = reason;
        return false;
    }
    *bytes = made;
    *length = used;
    return true;
}

const struct node *config_source(struct config_loader *loader, const char *path, const char *yaml,
                                 size_t length)
{
    struct node_position where;
    struct node *root = NULL;
    struct place place = {.file = path};
    struct error error;

    if (node_parse(yaml, length, &root, &where, &error) != STATUS_OK) {
        config_errors_at(loader->errors, &place, where.line, where.column, "%s", error.text);
        return NULL;
    }
    loader->sources =
        memory_resize(loader->sources, loader->source_count + 1, sizeof *loader->sources);
    loader->sources[loader->source_count++] = (struct config_source){memory_copy(path), root};
    return root;
}

/* The main file and, through it, all others. */
static void config_file(struct config_loader *loader, const char *path, const struct node *root)
{
    struct config_file file = {0};
    struct schema_part part = {config_file_options, &file, NULL};
    struct place place = {.file = loader->sources[0].path};
    struct place databases = {.up = &place, .key = "databases"};

    schema_load(&part, 1, root, &place, loader->errors);
    loader->config->daemon = file.daemon;
    loader->config->defaults = file.defaults;
    if (file.databases)
        config_databases(loader, file.databases, &databases);
    else if (!node_get(root, "include"))
        config_errors_add(loader->errors, &databases, root,
                          "is missing; a policy has databases or includes files that do");
    config_include(loader, path, &file.include, node_get(root, "include"));
    for (size_t i = 0; i < file.include.count; i++)
        free(file.include.items[i]);
    free(file.include.items);
}

static void config_loader_free(struct config_loader *loader)
{
    for (size_t i = 0; i < loader->source_count; i++) {
        free(loader->sources[i].path);
        node_free(loader->sources[i].root);
    }
    free(loader->sources);
    free(loader->origins);
    free(loader->task_options);
}

/* As much of it as can be loaded. */
static struct config *config_gather(const char *path, const char *yaml, size_t length,
                                    struct config_errors *errors)
{
    struct config_loader loader = {
        .config = memory_new(struct config),
        .errors = errors,
        .task_options = config_task_options(),
    };
    const struct node *root = config_source(&loader, path, yaml, length);

    if (root)
        config_file(&loader, path, root);
    config_loader_free(&loader);
    return loader.config;
}

enum status config_parse(const char *path, const char *yaml, size_t length, struct config **config,
                         struct config_errors *errors)
{
    size_t before = errors->count;
    struct config *made = config_gather(path, yaml, length, errors);

    if (errors->count > before) {
        config_free(made);
        return STATUS_INVALID;
    }
    *config = made;
    return STATUS_OK;
}

enum status config_load(const char *path, struct config **config, struct config_errors *errors)
{
    struct place place = {.file = path};
    char *bytes = NULL;
    size_t length = 0;

    if (!config_read(path, &bytes, &length)) {
        config_errors_at(errors, &place, 0, 0, "can't be read: %s%s", strerror(errno),
                         errno == ENOENT ? "; write it, or name another with -c FILE" : "");
        return STATUS_INVALID;
    }
    enum status status = config_parse(path, bytes, length, config, errors);
    free(bytes);
    return status;
}

char *config_socket(const char *path)
{
    struct config_errors errors = {0};
    char *bytes = NULL, *socket = NULL;
    size_t length = 0;

    if (!config_read(path, &bytes, &length))
        return NULL;
    struct config *config = config_gather(path, bytes, length, &errors);
    if (config->daemon.socket)
        socket = memory_copy(config->daemon.socket);
    config_free(config);
    config_errors_free(&errors);
    free(bytes);
    return socket;
}

static void config_database_free(struct config_database *database)
{
    for (size_t i = 0; i < database->task_count; i++) {
        schema_free(database->tasks[i].kind->section.options, database->tasks[i].options);
        free(database->tasks[i].options);
    }
    free(database->tasks);
    schema_free(config_database_options, database);
    schema_free(config_limits_options, &database->limits);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->database_count; i++)
        config_database_free(&config->databases[i]);
    free(config->databases);
    schema_free(config_daemon_options, &config->daemon);
    schema_free(config_limits_options, &config->defaults);
    free(config);
}

const struct config_database *config_database(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];
        if ((database->name && strcmp(database->name, name) == 0) ||
            strcmp(database->path, name) == 0)
            return database;
    }
    return NULL;
}

size_t config_task_count(const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->database_count; i++)
        count += config->databases[i].task_count;
    return count;
}

bool config_is_glob(const struct config_database *database)
{
    return strpbrk(database->path, "*?[") != NULL;
}
