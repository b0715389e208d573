/* A small worklog.db, a policy for it, and questions to databases. */
#ifndef LIB_WORKLOG_H
#define LIB_WORKLOG_H

#include <sqlite3.h>

/* With @ for the test's folder, see lib_expect.h. */
#define POLICY                           \
    "daemon: { state: \"@/state\" }\n"   \
    "databases:\n"                       \
    "  - name: worklog\n"                \
    "    path: \"@/worklog.db\"\n"       \
    "    busy_timeout: 200ms\n"          \
    "    sample: { schedule: hourly }\n" \
    "    retention:\n"                   \
    "      - table: logs\n"              \
    "        column: timestamp\n"        \
    "        zone: UTC\n"                \
    "        keep: 100d\n"

/* A log of `rows` rows, the oldest 200 days old, half of them over 100; in WAL mode. */
void worklog_make(const char *name, int rows);

/* One that waits for whoever has it locked; the caller's to close. */
sqlite3 *worklog_open(const char *name);
void worklog_do(sqlite3 *db, const char *sql);
/* All columns of all rows, with "|" between them and NULL as it is; the caller's to free. */
char *worklog_ask(const char *name, const char *sql);
void worklog_check(const char *name, const char *sql, const char *expected);

#endif
