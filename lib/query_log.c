/* The options of `query_log:`. */
#include "query_log.h"

#define FIELD(name) offsetof(struct query_log_options, name)

static const struct option query_log_options[] = {
    {"table", OPTION_TEXT, OPTION_REQUIRED, FIELD(table), NULL, NULL, NULL, NULL, NULL,
     "the table that the application logs its queries in"},
    {"sql", OPTION_TEXT, OPTION_REQUIRED, FIELD(sql), NULL, NULL, NULL, NULL, NULL,
     "its column with the query"},
    {"time_ms", OPTION_TEXT, OPTION_REQUIRED, FIELD(time_ms), NULL, NULL, NULL, NULL, NULL,
     "its column with the milliseconds that the query took"},
    {"at", OPTION_TEXT, OPTION_REQUIRED, FIELD(at), NULL, NULL, NULL, NULL, NULL,
     "its column with the time at which it was logged"},
    {.name = NULL}};

const struct option_section query_log_section = {sizeof(struct query_log_options),
                                                 query_log_options, NULL};
