/* Outcomes: their names and what they hold. */
#include "outcome.h"

const char *outcome_name(enum outcome_kind kind)
{
    static const char *const names[] = {"done", "skipped", "failed", "cancelled"};

    return names[kind];
}

void outcome_free(struct outcome *outcome)
{
    json_decref(outcome->effect);
    outcome->effect = NULL;
}
