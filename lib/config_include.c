/*
 * The files that a policy includes: found by glob, read, and their databases loaded. They have
 * databases alone and include nothing, so there are no cycles but a file that includes itself.
 */
#include "config_load.h"

#include "memory.h"
#include "schema.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Who includes: the file, and the place of the pattern in it. */
struct includer {
    struct config_loader *loader;
    const char *path;
    const struct place *place;
    const struct node *node;
};

static bool config_include_same(const char *a, const char *b)
{
    struct stat left, right;

    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

static void config_include_databases(struct config_loader *loader, const char *path,
                                     const char *bytes, size_t length)
{
    struct config_file file = {0};
    struct schema_part part = {config_included_options, &file, NULL};
    const struct node *root = config_source(loader, path, bytes, length);

    if (!root)
        return;
    struct place place = {.file = loader->sources[loader->source_count - 1].path};
    struct place databases = {.up = &place, .key = "databases"};
    schema_load(&part, 1, root, &place, loader->errors);
    if (file.databases)
        config_databases(loader, file.databases, &databases);
}

static void config_include_file(const struct includer *includer, const char *path)
{
    struct config_errors *errors = includer->loader->errors;
    char *bytes = NULL;
    size_t length = 0;

    if (config_include_same(includer->path, path)) {
        config_errors_add(errors, includer->place, includer->node,
                          "%s includes itself; keep what is included in a folder of its own", path);
    } else if (!config_read(path, &bytes, &length)) {
        config_errors_add(errors, includer->place, includer->node, "%s can't be read: %s", path,
                          strerror(errno));
    } else {
        config_include_databases(includer->loader, path, bytes, length);
    }
    free(bytes);
}

static void config_include_pattern(const struct includer *includer, const char *pattern)
{
    const char *slash = strrchr(includer->path, '/');
    int folder = *pattern == '/' || !slash ? 0 : (int)(slash - includer->path) + 1;
    char *whole = memory_format("%.*s%s", folder, includer->path, pattern);
    glob_t found = {0};
    int result = glob(whole, GLOB_ERR, NULL, &found);

    for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
        config_include_file(includer, found.gl_pathv[i]);
    if (result == GLOB_NOMATCH && !strpbrk(pattern, "*?["))
        config_include_file(includer, whole); /* which tells why not */
    else if (result != 0 && result != GLOB_NOMATCH)
        config_errors_add(includer->loader->errors, includer->place, includer->node,
                          "%s can't be searched: %s", whole, strerror(errno));
    globfree(&found);
    free(whole);
}

void config_include(struct config_loader *loader, const char *path,
                    const struct option_texts *patterns, const struct node *node)
{
    struct place root = {.file = path};
    struct place include = {.up = &root, .key = "include"};

    for (size_t i = 0; i < patterns->count; i++) {
        bool list = node->kind == NODE_LIST;
        struct place item = {.up = &include, .index = i};
        struct includer includer = {loader, path, list ? &item : &include,
                                    list ? node->items[i] : node};
        config_include_pattern(&includer, patterns->items[i]);
    }
}
