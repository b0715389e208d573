/* The policy in force: a config that lives as long as anyone works by it. */
#ifndef POLICY_H
#define POLICY_H

#include "config.h"

struct policy {
    struct config *config;
    int holders;
};

/* Takes over the config; its first holder is the caller. */
struct policy *policy_new(struct config *config);
struct policy *policy_hold(struct policy *policy);
void policy_release(struct policy *policy); /* safe on NULL */

/* Whether a task of one policy is the same in another: its options, and its database's limits. */
bool policy_same_task(const struct config_database *database, const struct config_task *task,
                      const struct config_database *other_database,
                      const struct config_task *other_task);

#endif
