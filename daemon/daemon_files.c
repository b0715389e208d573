/*
 * What becomes of files that are found, gone or replaced: their duties, their alerts. A duty is
 * scheduled once the history has said what is known of its past.
 */
#include "daemon_inside.h"

#include "history_job.h"
#include "journal.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { FILES_SEEN = 200 /* tasks in one request */ };

struct alarms_database daemon_alarms_database(const struct file *file)
{
    return (struct alarms_database){file->database, file_name(file), file->path};
}

void daemon_arrive(struct daemon *daemon, struct file *file)
{
    struct arrivals *arrivals = &daemon->arrivals;

    if (file->arriving)
        return;
    file->arriving = true;
    arrivals->files = memory_resize(arrivals->files, arrivals->count + 1, sizeof *arrivals->files);
    arrivals->files[arrivals->count++] = file;
}

static void files_leave(struct daemon *daemon, struct file *file)
{
    if (!file->arriving)
        return;
    file->arriving = false;
    for (size_t i = 0; i < daemon->arrivals.count; i++)
        if (daemon->arrivals.files[i] == file)
            daemon->arrivals.files[i] = NULL;
}

/* Nothing more is done with it; what is under way ends at its next step. */
static void files_let_go(struct daemon *daemon, struct file *file)
{
    files_leave(daemon, file);
    for (size_t i = 0; i < file->duty_count; i++)
        scheduler_remove(daemon->scheduler, &file->duties[i]);
    if (file->run) {
        runs_stop(file->run, RUN_REPLANNED);
        file->run->file = NULL;
        file->run = NULL;
    }
    file_drop_duties(file);
}

static void files_found(void *argument, struct file *file)
{
    struct daemon *daemon = argument;
    struct alarms_database database = daemon_alarms_database(file);

    alarms_condition(daemon->alarms, &database, ALARM_DATABASE_MISSING, false, NULL, wakeup_now());
    if (daemon->searched)
        journal_event_of(JOURNAL_FOUND, database.name, file->path, "found the database %s (%s)",
                         database.name, file->path);
    file_make_duties(file);
    daemon_arrive(daemon, file);
}

static void files_gone(void *argument, struct file *file)
{
    struct daemon *daemon = argument;
    struct alarms_database database = daemon_alarms_database(file);

    files_let_go(daemon, file);
    journal_event_of(JOURNAL_GONE, database.name, file->path,
                     "the database %s (%s) can't be kept: %s", database.name, file->path,
                     file->why);
    if (!config_is_glob(file->database))
        alarms_condition(daemon->alarms, &database, ALARM_DATABASE_MISSING, true, file->why,
                         wakeup_now());
}

static void files_replaced(void *argument, struct file *file)
{
    struct daemon *daemon = argument;
    struct alarms_database database = daemon_alarms_database(file);

    files_let_go(daemon, file);
    alarms_condition(daemon->alarms, &database, ALARM_DATABASE_REPLACED, true,
                     "another file is in its place", wakeup_now());
}

static const struct config_database *files_database(void *argument, const char *path)
{
    const struct daemon *daemon = argument;
    const struct file *file = registry_file(daemon->registry, path);

    return file ? file->database : NULL;
}

static void files_searched(void *argument)
{
    struct daemon *daemon = argument;
    size_t count = registry_count(daemon->registry);

    if (!daemon->searched)
        journal_event(JOURNAL_FOUND, "found %zu %s", count, count == 1 ? "database" : "databases");
    daemon->searched = true;
    alarms_settle_all(daemon->alarms, files_database, daemon, wakeup_now());
    daemon_receive(daemon);
}

const struct registry_host daemon_registry_host = {files_found, files_gone, files_replaced,
                                                   files_searched, NULL};

static int64_t files_time(const json_t *row, const char *key)
{
    const json_t *time = json_object_get(row, key);

    return json_is_integer(time) ? json_integer_value(time) : -1;
}

/* A row of the history's "states". */
static void files_state(void *argument, const json_t *row)
{
    struct daemon *daemon = argument;
    struct file *file =
        registry_file(daemon->registry, json_string_value(json_object_get(row, "path")));
    struct duty *duty = NULL;

    if (file && file->arriving)
        duty = file_duty(file, json_string_value(json_object_get(row, "task")),
                         json_string_value(json_object_get(row, "target")));
    if (!duty)
        return;
    duty->told = true;
    if (duty->state != DUTY_NEW)
        return;
    duty->past.seen_us = files_time(row, "seen_us");
    duty->past.started_us = files_time(row, "started_us");
    duty->failures = (unsigned)json_integer_value(json_object_get(row, "failures"));
}

/* Tasks of which nothing is known yet: they are seen now, and so have missed nothing. */
struct files_seen {
    struct daemon *daemon;
    json_t *list;
    int64_t now_us;
};

static void files_send_seen(struct files_seen *seen)
{
    if (!json_array_size(seen->list))
        return;
    chronicle_ask(seen->daemon->chronicle, history_job_seen(seen->now_us, seen->list), NULL);
    seen->list = json_array();
}

static void files_see(struct files_seen *seen, struct duty *duty)
{
    duty->told = true;
    json_array_append_new(seen->list, json_pack("[s, s, s?]", duty->file->path,
                                                duty->task->kind->name, duty->task->target));
    if (json_array_size(seen->list) >= FILES_SEEN)
        files_send_seen(seen);
}

static void files_schedule(struct files_seen *seen, struct file *file)
{
    file->arriving = false;
    for (size_t i = 0; i < file->duty_count; i++) {
        struct duty *duty = &file->duties[i];
        schedule_settle(&duty->past, seen->now_us);
        if (!duty->told)
            files_see(seen, duty);
        if (duty->state == DUTY_NEW)
            scheduler_add(seen->daemon->scheduler, duty, seen->now_us);
    }
}

/* The history has said all that it knows, or can't. */
static void files_states_end(void *argument, const json_t *answer, const struct error *error)
{
    struct daemon *daemon = argument;
    struct arrivals *arrivals = &daemon->arrivals;
    struct files_seen seen = {daemon, json_array(), wakeup_now()};

    (void)answer;
    (void)error;
    for (size_t i = 0; i < arrivals->asked; i++)
        if (arrivals->files[i])
            files_schedule(&seen, arrivals->files[i]);
    files_send_seen(&seen);
    json_decref(seen.list);
    arrivals->count -= arrivals->asked;
    memmove(arrivals->files, arrivals->files + arrivals->asked,
            arrivals->count * sizeof *arrivals->files);
    arrivals->asked = 0;
    daemon_receive(daemon);
    daemon_pass(daemon);
}

/* A row of the history's "files": which file was there when litekeeper last knew it. */
static void files_known(void *argument, const json_t *row)
{
    struct daemon *daemon = argument;
    struct file *file =
        registry_file(daemon->registry, json_string_value(json_object_get(row, "path")));

    if (!file || !file->arriving)
        return;
    file->known = true;
    if ((uint64_t)json_integer_value(json_object_get(row, "device")) == file->seen.device &&
        (uint64_t)json_integer_value(json_object_get(row, "inode")) == file->seen.inode)
        return;
    struct alarms_database database = daemon_alarms_database(file);
    file->known = false;
    alarms_condition(daemon->alarms, &database, ALARM_DATABASE_REPLACED, true,
                     "another file is in its place than the one that the history knows",
                     wakeup_now());
}

static void files_known_end(void *argument, const json_t *answer, const struct error *error)
{
    struct daemon *daemon = argument;
    struct chronicle_answers answers = {files_state, files_states_end, daemon};

    (void)answer;
    (void)error;
    for (size_t i = 0; i < daemon->arrivals.asked; i++) {
        struct file *file = daemon->arrivals.files[i];
        if (file && !file->known)
            chronicle_ask(daemon->chronicle,
                          history_job_file(file->path, file->seen.device, file->seen.inode), NULL);
        if (file)
            file->known = true;
    }
    chronicle_ask(daemon->chronicle, history_job_states(), &answers);
}

void daemon_receive(struct daemon *daemon)
{
    struct chronicle_answers answers = {files_known, files_known_end, daemon};

    if (daemon->arrivals.asked || !daemon->arrivals.count || daemon->stopping)
        return;
    daemon->arrivals.asked = daemon->arrivals.count;
    chronicle_ask(daemon->chronicle, history_job_files(), &answers);
}
