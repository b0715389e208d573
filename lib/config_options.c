/* The rows of `daemon:`, of `defaults:`, of databases and of the file itself. */
#include "config_options.h"

#include "alert.h"
#include "memory.h"
#include "query_log.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define FIELD(name) offsetof(struct config_daemon, name)

const struct option config_daemon_options[] = {
    {"workers", OPTION_COUNT, 0, FIELD(workers), "2", "1", "64", NULL, NULL,
     "databases worked on at the same time"},
    {"state", OPTION_PATH, 0, FIELD(state), NULL, NULL, NULL, NULL, NULL,
     "the folder of the history, made if missing; else /var/lib/litekeeper, or for another user "
     "than root litekeeper in $XDG_STATE_HOME"},
    {"socket", OPTION_PATH, 0, FIELD(socket), NULL, NULL, NULL, NULL, NULL,
     "the control socket, its folder made if missing; else /run/litekeeper/litekeeper.sock, or for "
     "another user than root litekeeper/litekeeper.sock in $XDG_RUNTIME_DIR"},
    {"metrics", OPTION_PATH, OPTION_NOT_YET, FIELD(metrics), NULL, NULL, NULL, NULL, NULL,
     "a file for the textfile collector of node_exporter"},
    {"history", OPTION_SPAN, 0, FIELD(history), "400d", "1d", NULL, NULL, NULL,
     "how long runs and samples are remembered"},
    {.name = NULL}};

#undef FIELD
#define FIELD(name) offsetof(struct config_limits, name)

const struct option config_limits_options[] = {
    {"observe", OPTION_BOOL, OPTION_INHERITED, FIELD(observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"max_lock", OPTION_SPAN, OPTION_INHERITED, FIELD(max_lock), "10ms", "1ms", "10s", NULL, NULL,
     "what one step may hold the write lock; with many writers 30ms makes them wait less"},
    {"duty", OPTION_SHARE, OPTION_INHERITED, FIELD(duty), "75%", "1%", "100%", NULL, NULL,
     "the share of the time that a task may work"},
    {"busy_timeout", OPTION_SPAN, OPTION_INHERITED, FIELD(busy_timeout), "5s", "0", "10min", NULL,
     NULL, "how long a step waits for the application's lock before it tries later"},
    {"max_wal", OPTION_SIZE, OPTION_INHERITED, FIELD(max_wal), "256MiB", "1MiB", NULL, NULL, NULL,
     "pause while more than this of the WAL waits to be checkpointed"},
    {"time_limit", OPTION_SPAN, OPTION_INHERITED, FIELD(time_limit), "6h", "1s", NULL, NULL, NULL,
     "how long one task may take"},
    {"window", OPTION_WINDOWS, OPTION_INHERITED, FIELD(window), NULL, NULL, NULL, NULL, NULL,
     "when a task that blocks the application may run; without it, never"},
    {"temp", OPTION_PATH, OPTION_INHERITED, FIELD(temp), NULL, NULL, NULL, NULL, NULL,
     "the folder where a full VACUUM puts its temporary file; else beside the database"},
    {"jitter", OPTION_SPAN, OPTION_INHERITED, FIELD(jitter), "0", NULL, "1d", NULL, NULL,
     "tasks are due up to this much later than scheduled, each database always by the same part of "
     "it, so that many do not begin at once"},
    {.name = NULL}};

#undef FIELD
#define FIELD(name) offsetof(struct config_database, name)

const struct option config_database_options[] = {
    {"name", OPTION_TEXT, 0, FIELD(name), NULL, NULL, NULL, NULL, NULL,
     "what the database is called: letters, digits, '.', '_' and '-'; a glob needs none"},
    {"path", OPTION_PATH, OPTION_REQUIRED, FIELD(path), NULL, NULL, NULL, NULL, NULL,
     "its file; with *, ? or [ it is a glob, and each file that matches a database, named by its "
     "path"},
    {"query_log", OPTION_SECTION, OPTION_NOT_YET, FIELD(query_log), NULL, NULL, NULL, NULL,
     &query_log_section, "where the application logs its queries"},
    {"alerts", OPTION_SECTIONS, 0, FIELD(alerts), NULL, NULL, NULL, NULL, &alert_section,
     "what is watched, and what is too much"},
    {.name = NULL}};

/* unix(7): sun_path has 108 bytes, the NUL included. */
static const char *config_daemon_check(const void *values, char *why)
{
    const struct config_daemon *daemon = values;
    const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;

    if (!daemon->socket || strlen(daemon->socket) <= most)
        return NULL;
    snprintf(why, WHY_SIZE, "has %zu bytes; the kernel takes a socket's path of at most %zu",
             strlen(daemon->socket), most);
    return "socket";
}

static const struct option_section daemon_section = {sizeof(struct config_daemon),
                                                     config_daemon_options, config_daemon_check};
static const struct option_section limits_section = {sizeof(struct config_limits),
                                                     config_limits_options, NULL};

#undef FIELD
#define FIELD(name) offsetof(struct config_file, name)

const struct option config_file_options[] = {
    {"include", OPTION_TEXTS, 0, FIELD(include), NULL, NULL, NULL, NULL, NULL,
     "more files with databases, a path or glob, relative to this file's folder"},
    {"daemon", OPTION_SECTION, 0, FIELD(daemon), NULL, NULL, NULL, NULL, &daemon_section,
     "of litekeeper itself"},
    {"defaults", OPTION_SECTION, 0, FIELD(defaults), NULL, NULL, NULL, NULL, &limits_section,
     "what every database takes unless it says otherwise"},
    {"databases", OPTION_NODE, 0, FIELD(databases), NULL, NULL, NULL, NULL, NULL,
     "the list of databases"},
    {.name = NULL}};

const struct option config_included_options[] = {{"databases", OPTION_NODE, OPTION_REQUIRED,
                                                  FIELD(databases), NULL, NULL, NULL, NULL, NULL,
                                                  "the list of databases"},
                                                 {.name = NULL}};

struct option *config_task_options(void)
{
    size_t count = 0;

    while (tasks[count])
        count++;
    struct option *rows = memory_zeroed(count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct option){
            .name = tasks[i]->name,
            .type = OPTION_SECTIONS,
            .flags = tasks[i]->flags & TASK_NOT_YET ? OPTION_NOT_YET : 0,
            .offset = i * sizeof(struct option_list),
            .section = &tasks[i]->section,
            .help = tasks[i]->help,
        };
    return rows;
}
