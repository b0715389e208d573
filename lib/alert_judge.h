/*
 * Holds what a sample says against an alert's threshold, and puts it into words. Pure: whether the
 * alert is raised already is told by who asks.
 */
#ifndef ALERT_JUDGE_H
#define ALERT_JUDGE_H

#include "alert.h"
#include "config.h"

enum { ALERT_TEXT = OUTCOME_REASON };

struct alert_judgement {
    bool raised;             /* from now on */
    double value, threshold; /* in the metric's unit */
    char text[ALERT_TEXT];   /* "logs has 2.1 GB, above 2 GB" */
};

/* Judges a sample's effect by an alert of `database`, one on a value, that was `raised` before or
 * not. It is raised beyond the threshold, and stays so until the value has come back by a tenth of
 * it. False where the effect does not have the value, and nothing is known. */
bool alert_judge(const struct config_database *database, const struct alert_options *alert,
                 const json_t *effect, bool raised, struct alert_judgement *judgement);

/* The same of a value alone. */
bool alert_beyond(const struct alert_options *alert, double value, bool raised);
/* The threshold, in the metric's unit. */
double alert_threshold(const struct alert_options *alert);

#endif
