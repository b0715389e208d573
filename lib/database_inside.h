/* An open database, for database.c, which opens it, and database_learn.c, which looks at it. */
#ifndef DATABASE_INSIDE_H
#define DATABASE_INSIDE_H

#include "database.h"

struct database {
    sqlite3 *sql;
    char *name;
    struct identity seen;
    struct database_facts facts;
    const struct engine_host *host;
    enum database_mode mode;
    bool had_log; /* there was a -wal before we came */
    double busy_ms, busy_since_ms, waited_ms;
    double stop_at_ms, asked_ms;
    bool overran;
    bool persists; /* it does not stop when the host wants it to */
};

/* STATUS_REFUSED: not a database, or of a newer file format. Sets the facts about versions. */
enum status database_check_header(struct database *database, struct error *error) MUST_CHECK;
/* Reads the schema for the first time, which is where locks and damage show. */
enum status database_read_schema(struct database *database, struct error *error) MUST_CHECK;
/* Sets the other facts. */
enum status database_learn(struct database *database, struct error *error) MUST_CHECK;

#endif
