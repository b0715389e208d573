/* An inspection's report for people: the file, its b-trees as a table, and what to think of it. */
#ifndef HEALTH_H
#define HEALTH_H

#include <jansson.h>
#include <stdbool.h>

/* Prints the report (with its `btrees`) on standard output, the largest b-tree first. */
void health_print(const json_t *report);

/* Whether anything in it is damaged. */
bool health_damaged(const json_t *report);

#endif
