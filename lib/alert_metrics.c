/*
 * The metrics: one row each, from which the policy's checks, the judging, the manual and the
 * journal's catalog learn of it. Values alone.
 */
#include "alert_figure.h"

#include <string.h>

const struct alert_metric alert_metrics[] = {
    {
        .name = "table_size",
        .flags = ALERT_OF_TABLE | ALERT_NEEDS_TABLE,
        .unit = OPTION_SIZE,
        .help = "what a table takes: its pages, those of overflow too, without its indexes",
        .advice = "Let retention remove old rows, or raise the threshold where the table is meant "
                  "to grow. What retention removes becomes free pages inside the file, which no "
                  "longer count as the table's.",
        .figure = alert_figure_table_size,
        .words = {"", " has ", ""},
    },
    {
        .name = "table_rows",
        .flags = ALERT_OF_TABLE | ALERT_NEEDS_TABLE,
        .unit = OPTION_COUNT,
        .help = "the rows of a table, estimated from a sample of its pages",
        .advice = "Let retention remove old rows, or change the threshold where so many or so few "
                  "are meant to be there.",
        .figure = alert_figure_table_rows,
        .words = {"", " has about ", " rows"},
    },
    {
        .name = "file_size",
        .unit = OPTION_SIZE,
        .help = "the size of the database's file, without its -wal",
        .advice = "\"litekeeper inspect FILE\" says what takes the space, and how much of it is "
                  "free. Retention removes rows, which makes room inside the file; vacuum then "
                  "gives it back to the file system.",
        .figure = alert_figure_file_size,
        .words = {"the file", " has ", ""},
    },
    {
        .name = "free_ratio",
        .unit = OPTION_SHARE,
        .help = "the share of the file that is free pages",
        .advice = "Free pages serve new rows, and harm nothing but the space that they take. A "
                  "vacuum task gives them back to the file system.",
        .figure = alert_figure_free_ratio,
        .words = {"", "", " of the file are free pages", ": "},
    },
    {
        .name = "wal_size",
        .unit = OPTION_SIZE,
        .help = "the part of the WAL that is not checkpointed yet; the -wal file itself stays as "
                "long as it ever was",
        .advice = "No checkpoint gets through, mostly because a read transaction stays open, or "
                  "because the application has switched checkpoints off. Find out who has the "
                  "database open (\"fuser FILE-shm\"), and end what reads without end. Until then "
                  "the WAL grows, and reading gets slower with it.",
        .figure = alert_figure_wal_size,
        .words = {"", "", " of the WAL wait to be checkpointed", "; the -wal file has "},
    },
    {
        .name = "disk_free",
        .unit = OPTION_SHARE,
        .help = "the share of the database's file system that is left, as df(1) counts: without "
                "what is kept for root",
        .advice = "Make room before the application's writes fail with \"database or disk is "
                  "full\". Retention stops a database from growing, and vacuum makes it smaller; "
                  "but a full VACUUM first needs room for a copy.",
        .figure = alert_figure_disk_free,
        .words = {"", "", " of the disk are free", ": "},
    },
    {
        .name = "index_fragmentation",
        .flags = ALERT_OF_TABLE,
        .unit = OPTION_SHARE,
        .help = "of the worst index of the table, or of the whole database: the share of the steps "
                "from one leaf to the next that go backwards or far ahead",
        .advice =
            "Long scans of the index jump about on the disk. A reindex task rebuilds it where "
            "that can help, and says where it can't.",
        .figure = alert_figure_index_fragmentation,
        .words = {"", " is ", " fragmented"},
    },
    {
        .name = "index_density",
        .flags = ALERT_OF_TABLE,
        .unit = OPTION_SHARE,
        .help = "of the worst index of the table, or of the whole database: how full its leaves "
                "are",
        .advice = "The index takes more of the disk and of the cache than its entries need. A "
                  "reindex task rebuilds it.",
        .figure = alert_figure_index_density,
        .words = {"the leaves of ", " are ", " full"},
    },
    {
        .name = "query_time",
        .flags = ALERT_NOT_YET,
        .unit = OPTION_SPAN,
        .help = "the longest query of the application's log",
        .advice = "An index may help the query.",
    },
    {
        .name = "days_until",
        .flags = ALERT_OF_TABLE | ALERT_NOT_YET,
        .unit = OPTION_COUNT,
        .help = "in how many days another metric will be above its threshold",
        .advice = "There is time left to do what that metric asks for.",
    },
    {
        .name = "task_failed",
        .flags = ALERT_CONDITION | ALERT_OF_TASK,
        .severity = ALERT_WARNING,
        .help = "a task has failed, or the database was too busy for it three times in a row",
        .advice = "\"litekeeper history\" shows the reasons of its last runs. litekeeper tries "
                  "again by itself; once the cause is done away with, \"litekeeper run\" with the "
                  "database and the task tries at once.",
    },
    {
        .name = "integrity",
        .flags = ALERT_CONDITION | ALERT_OF_TASK,
        .severity = ALERT_CRITICAL,
        .help = "an integrity check, or a sample, has found damage in the file, or rows whose "
                "foreign keys lead nowhere",
        .advice =
            "Where the file is damaged, stop the application, and keep a copy of the file together "
            "with its -wal before anything else writes to it. \"PRAGMA integrity_check\" "
            "says what is wrong: where it is indexes alone, REINDEX mends them; else restore "
            "a backup, or save what can be read with the sqlite3 shell's .recover. Rows whose "
            "foreign keys lead nowhere are no damage: \"PRAGMA foreign_key_check\" lists "
            "them, and the application has to put them right.",
    },
    {
        .name = "index_repaired",
        .flags = ALERT_CONDITION | ALERT_OF_TASK | ALERT_PASSING,
        .severity = ALERT_WARNING,
        .help = "the check after an online rebuild has found something wrong with the index; over "
                "after a day",
        .advice = "Where a plain REINDEX was made at once, the index is right again. Something has "
                  "written without litekeeper's triggers seeing it: a connection that has switched "
                  "triggers off, or sqlite3_blob_write(). Have that database's indexes rebuilt in "
                  "the window: mode: offline. Run the task integrity if nothing of the kind is "
                  "known.",
    },
    {
        .name = "query_plan",
        .flags = ALERT_CONDITION | ALERT_OF_TASK,
        .severity = ALERT_WARNING,
        .help = "a query that the task indexes watches has a worse plan than before",
        .advice =
            "\"litekeeper history\" shows the plan as it was and as it is. A query that reads "
            "the whole table again needs its index back: put it under ensure, or let "
            "optimize renew the statistics that SQLite plans by.",
    },
    {
        .name = "clock",
        .flags = ALERT_CONDITION | ALERT_OF_TASK,
        .severity = ALERT_WARNING,
        .help = "retention deletes nothing, because the host's clock is in doubt",
        .advice = "Have the clock synchronised (\"timedatectl\" shows whether it is). If it is "
                  "right, say so once: \"litekeeper run --trust-clock\" with the database and "
                  "retention.",
    },
    {
        .name = "database_missing",
        .flags = ALERT_CONDITION | ALERT_UNREACHABLE,
        .severity = ALERT_CRITICAL,
        .help = "the file is not there, or litekeeper may not work on it",
        .advice = "Mount its file system, put the file back, or take it out of the policy. Its "
                  "tasks wait until it is there again.",
    },
    {
        .name = "database_replaced",
        .flags = ALERT_CONDITION | ALERT_PASSING,
        .severity = ALERT_WARNING,
        .help = "another file is at the path than before; over after a day",
        .advice = "That is well after a restore or a move; litekeeper goes on with the new file. "
                  "See to it that the -wal and -shm of the old one were not left beside it, which "
                  "would damage it.",
    },
    {
        .name = "history_lost",
        .flags = ALERT_CONDITION | ALERT_OF_DAEMON,
        .severity = ALERT_CRITICAL,
        .help = "litekeeper can't read or write its own history",
        .advice = "Tasks go on, but their runs are not remembered. Make room in the state folder, "
                  "or give it back to the user of litekeeper with mode 0700. A damaged history.db "
                  "may be moved away: litekeeper makes a new one.",
    },
    {.name = NULL},
};

const struct alert_metric *alert_metric(const char *name)
{
    for (const struct alert_metric *metric = alert_metrics; name && metric->name; metric++)
        if (strcmp(metric->name, name) == 0)
            return metric;
    return NULL;
}

const char *alert_advice(const char *name)
{
    const struct alert_metric *metric = alert_metric(name);

    return metric ? metric->advice : "";
}
