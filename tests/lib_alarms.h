/* Outcomes and policies for the tests of alerts. */
#ifndef LIB_ALARMS_H
#define LIB_ALARMS_H

#include "config.h"

#include <jansson.h>

#define MINUTE INT64_C(60000000)

/* A policy up to its alerts, to be ended by "]}]". */
#define HEAD                                                                         \
    "databases: [{ name: w, path: /srv/w.db, sample: {}, retention: [{ table: logs," \
    " column: at, keep: 90d }, { table: events, column: at, keep: 90d }], alerts: [ "

/* Outcomes without their database, as JSON with ' for ". */
#define RUN(task, target, became, more)                                                      \
    "{'task':'" task "','target':" target ",'outcome':'" became "','reason':'as it is'" more \
    ",'effect':null}"
#define LOGS(became, more) RUN("retention", "'logs'", became, more)
#define BUSY               LOGS("skipped", ",'busy':true")
#define CHECKED(became, problems)                                                      \
    "{'task':'integrity','target':null,'outcome':'" became "','reason':'x','effect':{" \
    "'problems':" problems "}}"
#define DOUBT LOGS("skipped", ",'guard':'clock'")

/* JSON with ' for "; what isn't fails the test. */
json_t *alarms_json(const char *text);
/* A policy that is valid. */
struct config *alarms_policy(const char *yaml);
/* The outcome of a sample that has found so many bytes in the table logs; NULL: it doesn't say. */
json_t *alarms_sized(const char *bytes);

#endif
