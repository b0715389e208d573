/*
 * Feeds any text to the loader of policies. What it takes has a dump that loads to the same dump;
 * what it refuses has an error. Includes lead out of the text, and are not followed.
 */
#include "config_load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of lib/config_include.c. */
void config_include(struct config_loader *loader, const char *path,
                    const struct option_texts *patterns, const struct node *node)
{
    (void)loader;
    (void)path;
    (void)patterns;
    (void)node;
}

static char *dump_of(const char *yaml, size_t size)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    char *dump = NULL;

    if (config_parse("policy.yaml", yaml, size, &config, &errors) == STATUS_OK) {
        dump = config_dump(config, NULL);
        config_free(config);
    } else if (errors.count == 0) {
        abort();
    }
    config_errors_free(&errors);
    return dump;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first = dump_of((const char *)data, size);
    char *again = first ? dump_of(first, strlen(first)) : NULL;

    if (first && (!again || strcmp(first, again) != 0))
        abort();
    free(first);
    free(again);
    return 0;
}
