/*
 * Alerts: what can be watched, what a policy says of it, and what to do when it is too much. Pure:
 * no clock, no file, no database. alert_judge.h holds values against it, and the daemon's alarms
 * remember what is raised.
 */
#ifndef ALERT_H
#define ALERT_H

#include "option.h"

#include <jansson.h>

enum alert_severity { ALERT_WARNING, ALERT_CRITICAL };

enum alert_flag {
    ALERT_OF_TABLE = 1,     /* may be that of one table */
    ALERT_NEEDS_TABLE = 2,  /* ... and must be */
    ALERT_CONDITION = 4,    /* has no value: it is there or not, and always watched */
    ALERT_OF_TASK = 8,      /* a condition of one task of a database */
    ALERT_OF_DAEMON = 16,   /* a condition of litekeeper itself, in no database's policy */
    ALERT_UNREACHABLE = 32, /* a condition in which no task can run */
    ALERT_PASSING = 64,     /* a condition that nothing ends: it is over after a day */
    ALERT_NOT_YET = 128     /* checked, then refused: "not supported yet" */
};

struct alert_scope;
struct alert_figure;

/* Something that can be watched. */
struct alert_metric {
    const char *name; /* in the policy, the journal, the history; NULL ends the table */
    unsigned flags;
    enum option_type unit;        /* of its thresholds; of a condition none */
    enum alert_severity severity; /* where the policy says none */
    const char *help;             /* what it is, for the manual: a phrase */
    const char *advice;           /* what to do about it: sentences, with their full stops */
    /* What a sample says of it; false: nothing. Of a condition NULL. */
    bool (*figure)(const json_t *effect, const struct alert_scope *scope,
                   struct alert_figure *figure);
    /* Before a figure's name, between it and the value, behind the value; before its bytes. */
    const char *words[4];
};

extern const struct alert_metric alert_metrics[];
const struct alert_metric *alert_metric(const char *name); /* NULL: there is none */
const char *alert_advice(const char *name);                /* "" where there is no such metric */
const char *alert_severity_name(enum alert_severity severity);
/* False where there is no such severity. */
bool alert_severity_read(const char *name, enum alert_severity *severity);

/* A row of the policy. The threshold is a text, because its unit is the metric's. */
struct alert_options {
    char *metric, *of, *table;
    char *above, *below; /* one of them, of a condition none */
    int severity;        /* enum alert_severity; -1: the metric's own */
    char *run;           /* a kind of task */
};

extern const struct option_section alert_section;

/* The severity of a row, of the metric itself where `alert` is NULL. */
enum alert_severity alert_severity(const struct alert_metric *metric,
                                   const struct alert_options *alert);

/* The row of that metric, table (NULL: none) and severity in a list of struct alert_options; of a
 * condition, which has one row at most, that one. NULL: there is none. */
const struct alert_options *alert_find(const struct option_list *alerts,
                                       const struct alert_metric *metric, const char *table,
                                       enum alert_severity severity);

#endif
