/*
 * The registry: which database files there are, by the policy in force. It has them looked for by
 * children, now and then, and tells what has come, gone or been replaced. Runs in the daemon, and
 * looks at no file itself.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "config.h"
#include "file.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct registry;

struct registry_host {
    void (*found)(void *argument, struct file *file); /* it can be worked on now */
    /* It can't, or can't any more: file->why says why. A glob's match is gone for good with the
     * return, unless it was refused. */
    void (*gone)(void *argument, struct file *file);
    /* Another file is in its place: `seen` is still the old one's; `found` follows. */
    void (*replaced)(void *argument, struct file *file);
    void (*searched)(void *argument); /* all patterns have been looked for */
    void *argument;
};

struct registry *registry_new(uv_loop_t *loop, const struct registry_host *host);
void registry_free(struct registry *registry); /* no search may be under way */

/* Goes by another config from now on: each file belongs to the database that has its pattern;
 * `gone` is called for those that none has any more. A file that several have is that one's which
 * names it, else the first glob's; `gone` and `found` are called where it changes hands. The duties
 * are the caller's to make anew. */
void registry_policy(struct registry *registry, const struct config *config);
/* Looks for all patterns; where a search is under way it begins again after that. */
void registry_search(struct registry *registry);
/* Ends a search that is under way. `searched` is not called any more. */
void registry_stop(struct registry *registry);
bool registry_searching(const struct registry *registry);

/* The file of that path, or NULL. */
struct file *registry_file(const struct registry *registry, const char *path);
size_t registry_count(const struct registry *registry); /* that can be worked on */
void registry_walk(const struct registry *registry, void (*walk)(void *argument, struct file *file),
                   void *argument);

#endif
