/* What the files that load a policy share; config.h is what others see. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config.h"
#include "config_options.h"
#include "node.h"

#include <stddef.h>

/* One file of the policy. It lives until the policy is loaded, as errors point into it. */
struct config_source {
    char *path;
    struct node *root;
};

/* Where a database of config->databases was written. */
struct config_origin {
    const char *path;
    const struct node *node;
};

struct config_loader {
    struct config *config;
    struct config_errors *errors;
    struct option *task_options; /* config_task_options() */
    struct config_source *sources;
    size_t source_count;
    struct config_origin *origins; /* as many as there are databases */
};

/* Parses a file's text; NULL where it is no YAML mapping, with the error added. */
const struct node *config_source(struct config_loader *loader, const char *path, const char *yaml,
                                 size_t length);
/* Reads a whole file, at most one byte more than is allowed. False with errno. */
bool config_read(const char *path, char **bytes, size_t *length);

/* Loads the databases of a file, `node` being what its `databases:` has. */
void config_databases(struct config_loader *loader, const struct node *node,
                      const struct place *place);
/* Checks a database's alerts, its tasks being loaded; `node` is what its `alerts:` has. */
void config_alerts(struct config_loader *loader, const struct config_database *database,
                   const struct node *node, const struct place *place);
/* Loads the files that `patterns` name; `node` is what `include:` has, in the file at `path`. */
void config_include(struct config_loader *loader, const char *path,
                    const struct option_texts *patterns, const struct node *node);

#endif
