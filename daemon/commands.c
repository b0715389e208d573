/* The table of commands and of their options: what the command line can say, and its help. */
#include "command.h"
#include "worker.h"

/* clang-format off */
#define CONFIG {'c', "config", "FILE", offsetof(struct command_line, config), \
                "the policy to use instead of the one in the standard place"}
#define JSON   {0, "json", NULL, offsetof(struct command_line, json), \
                "print JSON, one object a line"}
#define SOCKET {0, "socket", "PATH", offsetof(struct command_line, socket), \
                "the daemon's control socket, whatever the policy says"}
#define SINCE  {0, "since", "TIME", offsetof(struct command_line, since), \
                "rows since: 2026-11-23T04:00:00Z, or \"2026-11-23 04:00\" in UTC"}
#define UNTIL  {0, "until", "TIME", offsetof(struct command_line, until), \
                "rows before then"}
#define WHERE  {0, "where", "SQL", offsetof(struct command_line, where), \
                "rows of which this expression on the columns is true"}
#define END    {0}

static const struct command_option check_options[] = {
    CONFIG,
    {0, "dump", NULL, offsetof(struct command_line, dump),
     "print the whole policy with every default; it loads to the same policy"},
    JSON,
    END,
};

static const struct command_option plan_options[] = {
    CONFIG,
    {0, "at", "TIME", offsetof(struct command_line, at),
     "plan as of then: 2026-11-23T04:00:00Z, or \"2026-11-23 04:00\" in UTC"},
    JSON,
    END,
};

static const struct command_option run_options[] = {
    CONFIG,
    {0, "force", NULL, offsetof(struct command_line, force),
     "act below the policy's thresholds too; guards still refuse"},
    {0, "outside-window", NULL, offsetof(struct command_line, outside_window),
     "act although the policy's window is not open"},
    {0, "trust-clock", NULL, offsetof(struct command_line, trust_clock),
     "your word that the clock is right: delete although it is in doubt"},
    JSON,
    END,
};

static const struct command_option daemon_options[] = {CONFIG, END};
/* Of a command that asks the daemon. */
static const struct command_option ask_options[] = {CONFIG, SOCKET, JSON, END};

static const struct command_option history_options[] = {
    CONFIG,
    SOCKET,
    {0, "since", "TIME", offsetof(struct command_line, since),
     "runs since: 2026-11-23T04:00:00Z, \"2026-11-23 04:00\" in UTC, or 7d"},
    {0, "limit", "N", offsetof(struct command_line, limit),
     "at most so many runs, the newest; 50 unless given"},
    JSON,
    END,
};

static const struct command_option pause_options[] = {
    CONFIG,
    SOCKET,
    {0, "for", "SPAN", offsetof(struct command_line, span),
     "for so long, as in 2h or 3d; else until it is resumed"},
    JSON,
    END,
};

static const struct command_option archive_list_options[] = {CONFIG, JSON, END};

static const struct command_option archive_verify_options[] = {
    CONFIG,
    {0, "rebuild", NULL, offsetof(struct command_line, rebuild),
     "enter in the catalogue what fits to its manifest, marked as rebuilt"},
    JSON,
    END,
};

static const struct command_option archive_cat_options[] = {
    CONFIG,
    SINCE,
    UNTIL,
    WHERE,
    {0, "unfinished", NULL, offsetof(struct command_line, unfinished),
     "rows of unfinished segments, too: they may still be in the database"},
    END,
};

static const struct command_option restore_options[] = {
    CONFIG,
    SINCE,
    UNTIL,
    WHERE,
    {0, "into", "FILE", offsetof(struct command_line, into),
     "into a new SQLite file with the table, made as the database's owner"},
    {0, "into-table", NULL, offsetof(struct command_line, into_table),
     "into the table that they left; they are held from retention then"},
    {0, "lift", NULL, offsetof(struct command_line, lift),
     "instead: lift all holds of the table; retention takes its rows again"},
    JSON,
    END,
};

static const struct command_option inspect_options[] = {JSON, END};
static const struct command_option no_options[] = {END};

#define UNREACHABLE "Exit status: 0 all well, 69 the daemon can't be reached"

const struct command commands[] = {
    {"check", "", "load the policy and print all that is wrong with it",
     "Exit status: 0 the policy is valid, 78 it is not.\n",
     check_options, 0, 0, false, cmd_check},
    {"daemon", "", "keep the policy's schedule: stays in the foreground",
     "A service manager runs it; litekeeper.service is its unit for systemd. SIGHUP\n"
     "loads the policy anew, SIGTERM ends it: what runs stops at its next step.\n",
     daemon_options, 0, 0, false, cmd_daemon},
    {"plan", "[DB [TASK [TARGET]]]", "say what each task would do now, and why; changes nothing",
     "DB is a database's name in the policy, or the path of one file that a glob there\n"
     "matches. Without names: all tasks of all databases. What a task would do is\n"
     "found by looking at the database itself, without changing anything in it.\n",
     plan_options, 0, 3, false, cmd_plan},
    {"run", "DB [TASK [TARGET]]", "run tasks now, in the foreground, whatever the schedule says",
     "DB is a database's name in the policy, or the path of one file that a glob there\n"
     "matches. Without TASK all tasks of the database run, one after the other. An\n"
     "interrupt (Ctrl-C) stops at the next step; what is done is done and sound.\n"
     "\n"
     "Exit status: 0 all well, skipped included; 1 a task failed; 75 the database\n"
     "stayed busy or is being worked on, try later; 78 the policy is not valid;\n"
     "130 interrupted.\n",
     run_options, 1, 3, false, cmd_run},
    {"inspect", "FILE", "print a health report on any SQLite database",
     "Reads about 1% of the pages and needs no policy. Fragmentation is the share of\n"
     "the steps from one leaf page to the next, in key order, that go backwards or far\n"
     "ahead; density is how full the leaf pages are.\n",
     inspect_options, 1, 1, false, cmd_inspect},
    {"status", "[DB [TASK [TARGET]]]", "say what the daemon does now, and what comes next",
     "What runs with its progress, what waits and why, the 20 tasks that are due next\n"
     "(of DB all), and the alerts that are raised.\n"
     "\n"
     UNREACHABLE ".\n",
     ask_options, 0, 3, false, cmd_status},
    {"history", "[DB [TASK [TARGET]]]", "list the runs that the daemon remembers, newest first",
     UNREACHABLE ".\n",
     history_options, 0, 3, false, cmd_history},
    {"alerts", "[DB]", "list the alerts that are raised now",
     "Exit status: 0 none is raised, 1 there are some, 69 the daemon can't be reached.\n",
     ask_options, 0, 1, false, cmd_alerts},
    {"reload", "", "make the daemon load its policy anew",
     "A policy with errors changes nothing: they are printed, and the old one stays.\n"
     "\n"
     UNREACHABLE ",\n"
     "78 the policy is not valid.\n",
     ask_options, 0, 0, false, cmd_reload},
    {"cancel", "DB [TASK [TARGET]]", "stop tasks of a database that are running",
     "They stop at their next step; what is done is done and sound.\n"
     "\n"
     "Exit status: 0 told to stop, 1 nothing was running, 69 the daemon can't be\n"
     "reached.\n",
     ask_options, 1, 3, false, cmd_cancel},
    {"pause", "[DB [TASK]]", "begin no more tasks: none at all, or of a database",
     "What runs goes on to its end; stop it with cancel. A pause outlasts a restart.\n"
     "\n"
     UNREACHABLE ".\n",
     pause_options, 0, 2, false, cmd_pause},
    {"resume", "[DB [TASK]]", "end a pause",
     "Ends the pause of just these names, as `litekeeper status` shows them.\n"
     "\n"
     UNREACHABLE ".\n",
     ask_options, 0, 2, false, cmd_resume},
    {"archive list", "[DB [TABLE]]", "list the segments of archives, with rows and times",
     "From the manifests alone, so it is quick. Where folder and catalogue disagree, a\n"
     "line says so.\n",
     archive_list_options, 0, 2, false, cmd_archive_list},
    {"archive verify", "[DB [TABLE]]", "read archives to the last byte, and check it",
     "Each file is held against its manifest, and each manifest against the catalogue\n"
     "in litekeeper's history. What is damaged, missing or not known is named. Where\n"
     "the catalogue is lost, --rebuild makes it anew from the manifests.\n"
     "\n"
     "Exit status: 0 all is as it was written, 1 something is not.\n",
     archive_verify_options, 0, 2, false, cmd_archive_verify},
    {"archive cat", "DB TABLE", "print archived rows as lines of JSON",
     "Segment after segment, by the times of their first rows. A row is printed once\n"
     "its segment was read and found right; one that is not is named, and the others\n"
     "come. The expression of --where is SQLite's, as after WHERE.\n"
     "\n"
     "Exit status: 0 all well, 1 a segment is damaged or missing.\n",
     archive_cat_options, 2, 2, false, cmd_archive_cat},
    {"restore", "DB TABLE", "put archived rows back, into their table or a new file",
     "A row that is in the table already is left as it is, whether it is the same or\n"
     "has changed since. Rows that were put back are held: retention leaves them alone\n"
     "until --lift. A segment that is not what it was is named and left out.\n"
     "\n"
     "Exit status: 0 all well; 1 it failed, or a segment can't be used; 75 the\n"
     "database stayed busy or is being worked on, try later; 130 interrupted.\n",
     restore_options, 2, 2, false, cmd_restore},
    {"worker", "", "the engine, as a child of another command", NULL,
     no_options, 0, 0, true, worker_main},
    {0},
};
/* clang-format on */
