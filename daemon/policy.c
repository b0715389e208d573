/* Counts who works by a policy. Runs in the daemon, which swaps its one pointer at a reload. */
#include "policy.h"

#include "config_options.h"
#include "memory.h"
#include "schema.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct policy *policy_new(struct config *config)
{
    struct policy *policy = memory_new(struct policy);

    policy->config = config;
    return policy_hold(policy);
}

struct policy *policy_hold(struct policy *policy)
{
    policy->holders++;
    return policy;
}

void policy_release(struct policy *policy)
{
    if (!policy || --policy->holders)
        return;
    config_free(policy->config);
    free(policy);
}

/* All that a running task was told of the policy, as text. */
static void policy_task_text(const struct config_database *database, const struct config_task *task,
                             struct text *out)
{
    schema_dump(config_limits_options, &database->limits, 0, out);
    schema_dump(task->kind->section.options, task->options, 0, out);
}

bool policy_same_task(const struct config_database *database, const struct config_task *task,
                      const struct config_database *other_database,
                      const struct config_task *other_task)
{
    struct text one = {0}, other = {0};

    policy_task_text(database, task, &one);
    policy_task_text(other_database, other_task, &other);
    bool same = one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
    text_free(&one);
    text_free(&other);
    return same;
}
