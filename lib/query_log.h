/* Where an application logs its queries: a section of a database. Not built yet: its options. */
#ifndef QUERY_LOG_H
#define QUERY_LOG_H

#include "option.h"

struct query_log_options {
    char *table; /* NULL: there is none */
    char *sql, *time_ms, *at;
};

extern const struct option_section query_log_section;

#endif
