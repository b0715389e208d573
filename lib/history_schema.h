/* The tables of the history, as the steps that lead to them. */
#ifndef HISTORY_SCHEMA_H
#define HISTORY_SCHEMA_H

/* Step N takes a file of user_version N to N + 1. Steps are only ever added. */
extern const char *const history_schema[];
extern const int history_schema_version;

#endif
