/*
 * seed-database: makes the database that litekeeper is proven on: a worklog dashboard's, with all
 * its tables, indexes and flaws, a million log lines, fragmented and full of free pages.
 */
#include "arguments.h"
#include "log.h"
#include "rows.h"
#include "sql.h"
#include "worklog_rows.h" /* from the .sql files of these names */
#include "worklog_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct settings {
    struct rows_plan logs, worklogs;
    const struct stamp_format *format;
    const char *timestamps, *journal, *auto_vacuum, *file;
    int64_t page_size, now;
    bool delete_none, delete_stretches;
};

static void read_settings(struct settings *s, int argc, char **argv)
{
    const struct argument arguments[] = {
        {"logs", ARGUMENT_NUMBER, &s->logs.count, "rows of logs (1000000)"},
        {"days", ARGUMENT_NUMBER, &s->logs.days, "spread over so many up to now (400)"},
        {"worklogs", ARGUMENT_NUMBER, &s->worklogs.count, "rows of worklogs (300000)"},
        {"worklog-days", ARGUMENT_NUMBER, &s->worklogs.days, "spread likewise (900)"},
        {"delete-none", ARGUMENT_FLAG, &s->delete_none,
         "insert just these; else half as many again, then delete a third"},
        {"delete-stretches", ARGUMENT_FLAG, &s->delete_stretches,
         "insert 9 for each 5, then delete whole stretches: two fifths of the pages are free"},
        {"timestamps", ARGUMENT_TEXT, &s->timestamps,
         "how logs have them: iso (default), datetime, unix or unix_ms"},
        {"journal", ARGUMENT_TEXT, &s->journal, "wal (default) or delete"},
        {"page-size", ARGUMENT_NUMBER, &s->page_size, "bytes (4096)"},
        {"auto-vacuum", ARGUMENT_TEXT, &s->auto_vacuum, "none (default), full or incremental"},
        {"now", ARGUMENT_NUMBER, &s->now, "seconds since 1970 (the clock's)"},
        {"seed", ARGUMENT_NUMBER, &s->logs.seed, "the same seed and now, the same rows (1)"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };
    int operand = arguments_read("seed-database [OPTION]... FILE", arguments, 1, argc, argv);

    s->file = argv[operand];
    s->format = stamp_find(s->timestamps);
    if (!s->format)
        arguments_wrong("--timestamps takes iso, datetime, unix or unix_ms");
    if (s->logs.days < 1 || s->worklogs.days < 1)
        arguments_wrong("rows need at least one day");
    s->logs.now_us = s->worklogs.now_us = s->now * 1000000;
    s->logs.loss = s->worklogs.loss = s->delete_none        ? ROWS_NONE
                                      : s->delete_stretches ? ROWS_STRETCHES
                                                            : ROWS_THIRD;
    s->worklogs.seed = ~s->logs.seed;
}

/* Nobody else has the file yet, and a run that is cut short leaves nothing worth keeping: so no
 * journal and no fsync while it is filled. */
static sqlite3 *create(const struct settings *s)
{
    if (access(s->file, F_OK) == 0)
        log_fatal("%s is already there", s->file);
    sqlite3 *db = sql_open(s->file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sql_run(db, "PRAGMA page_size=%lld", s->page_size);
    sql_run(db, "PRAGMA auto_vacuum=%w", s->auto_vacuum);
    sql_run(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
                "PRAGMA secure_delete=OFF; PRAGMA cache_size=-1500000; PRAGMA temp_store=MEMORY");
    sql_run(db, "CREATE TEMP TABLE clock AS SELECT datetime(%lld, 'unixepoch') AS now", s->now);
    return db;
}

/* Else the kernel would be writing it back while someone measures beside it. */
static void settle(const char *file)
{
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0 || fsync(descriptor))
        log_fatal("%s: %s", file, strerror(errno));
    close(descriptor);
}

int main(int argc, char **argv)
{
    struct settings s = {
        .logs = {.count = 1000000, .days = 400, .seed = 1},
        .worklogs = {.count = 300000, .days = 900},
        .timestamps = "iso",
        .journal = "wal",
        .auto_vacuum = "none",
        .page_size = 4096,
        .now = stamp_now() / 1000000,
    };

    log_start("seed-database", false);
    read_settings(&s, argc, argv);
    sqlite3 *db = create(&s);
    sql_run(db, "BEGIN; %s; COMMIT", worklog_tables);
    sql_run(db, "BEGIN; %s; COMMIT", worklog_rows);
    rows_worklogs(db, &s.worklogs);
    rows_logs(db, &s.logs, s.format);
    rows_lose(db, &s.logs, &s.worklogs);
    rows_classifications(db);
    sql_run(db, "PRAGMA locking_mode=NORMAL");
    sql_run(db, "PRAGMA journal_mode=%w", s.journal);
    sqlite3_close(db);
    settle(s.file);
    return 0;
}
