/* Alerts: a list in a database. Not built yet: their options, and a table of what they watch. */
#ifndef ALERT_H
#define ALERT_H

#include "option.h"

enum alert_severity { ALERT_WARNING, ALERT_CRITICAL };

/* The thresholds are texts, because their unit is the metric's. */
struct alert_options {
    char *metric, *of, *table;
    char *above, *below;
    int severity; /* enum alert_severity */
    char *run;    /* a kind of task */
};

extern const struct option_section alert_section;

#endif
