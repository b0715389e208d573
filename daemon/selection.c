/*
 * From names on the command line to files and tasks. Runs in the parent; the files themselves are
 * looked at by a discover worker, and what it says was checked as any worker's words are.
 */
#include "selection.h"

#include "event.h"
#include "job.h"
#include "log.h"
#include "memory.h"
#include "suggest.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SELECTION_FIND_MS = 60000, SELECTION_FILES = 100000 };

/* Names to choose from, for the message that says which there are. */
struct names {
    const char **items;
    size_t count;
};

static void names_add(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    names->items = memory_resize(names->items, names->count + 1, sizeof *names->items);
    names->items[names->count++] = name;
}

/* Only a glob needs no name; it is called by its path then. */
static const char *database_name(const struct config_database *database)
{
    return database->name ? database->name : database->path;
}

static struct selection_file *selection_add(struct selection *selection, const char *path)
{
    selection->files =
        memory_resize(selection->files, selection->file_count + 1, sizeof *selection->files);
    struct selection_file *file = &selection->files[selection->file_count++];
    *file = (struct selection_file){.name = memory_copy(path), .path = memory_copy(path)};
    return file;
}

static uint64_t selection_number(const json_t *event, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(event, key));
}

static void selection_event(void *argument, json_t *event)
{
    struct selection *selection = argument;
    bool refused = strcmp(event_kind(event), "refused") == 0;

    if ((refused || strcmp(event_kind(event), "found") == 0) &&
        selection->file_count < SELECTION_FILES) {
        struct selection_file *file =
            selection_add(selection, json_string_value(json_object_get(event, "path")));
        if (refused)
            error_set(&file->error, STATUS_REFUSED, "%s",
                      json_string_value(json_object_get(event, "reason")));
        else
            file->seen = (struct identity){
                .device = selection_number(event, "device"),
                .inode = selection_number(event, "inode"),
                .owner = (uid_t)selection_number(event, "owner"),
                .group = (gid_t)selection_number(event, "group"),
            };
    }
    json_decref(event);
}

enum status selection_find(struct session *session, const char *pattern,
                           struct selection *selection, struct error *error)
{
    json_t *job = job_discover(pattern);
    enum status status =
        session_run(session, job, SELECTION_FIND_MS, selection_event, selection, error);

    json_decref(job);
    return status;
}

/* A database that is one file is that file, found or not, under its own name. */
static void selection_settle(struct selection *selection, size_t first,
                             const struct config_database *database, const struct error *error)
{
    bool glob = config_is_glob(database);

    if (selection->file_count == first && glob && !error->status)
        log_notice("no file matches %s", database->path);
    if (selection->file_count == first && (!glob || error->status)) {
        struct selection_file *file = selection_add(selection, database->path);
        file->error = *error;
        if (!error->status)
            error_set(&file->error, STATUS_REFUSED, "there is no file %s", database->path);
    }
    for (size_t i = first; i < selection->file_count; i++) {
        struct selection_file *file = &selection->files[i];
        file->database = database;
        if (!glob) {
            free(file->name);
            file->name = memory_copy(database->name);
        }
    }
}

/* Leaves only the file at `path` of those from `first` on. */
static void selection_keep(struct selection *selection, size_t first, const char *path)
{
    size_t kept = first;

    for (size_t i = first; i < selection->file_count; i++) {
        struct selection_file *file = &selection->files[i];
        if (strcmp(file->path, path) == 0) {
            selection->files[kept++] = *file;
        } else {
            free(file->name);
            free(file->path);
        }
    }
    selection->file_count = kept;
}

static void selection_files(struct session *session, const struct config_database *database,
                            const char *path, struct selection *selection)
{
    size_t first = selection->file_count;
    struct error error = {0};

    if (selection_find(session, database->path, selection, &error) && !error.status)
        error.status = STATUS_FAILED;
    selection_settle(selection, first, database, &error);
    if (path)
        selection_keep(selection, first, path);
}

static bool task_chosen(const struct config_task *task, const char *kind, const char *target)
{
    return (!kind || strcmp(task->kind->name, kind) == 0) &&
           (!target || (task->target && strcasecmp(task->target, target) == 0));
}

static void selection_items(struct selection *selection, size_t file, const char *kind,
                            const char *target)
{
    const struct config_database *database = selection->files[file].database;

    for (size_t i = 0; i < database->task_count; i++) {
        if (!task_chosen(&database->tasks[i], kind, target))
            continue;
        selection->items =
            memory_resize(selection->items, selection->item_count + 1, sizeof *selection->items);
        selection->items[selection->item_count++] =
            (struct selection_item){file, &database->tasks[i]};
    }
}

/* Whether DB names this database, by its name or as the path of (one of) its files. */
static bool database_chosen(const struct config_database *database, const char *name)
{
    return !name || strcmp(database_name(database), name) == 0 ||
           strcmp(database->path, name) == 0 ||
           (name[0] == '/' && config_is_glob(database) &&
            fnmatch(database->path, name, FNM_PATHNAME | FNM_PERIOD) == 0);
}

/* The names on the command line against those that the policy has: DB, TASK, TARGET. */
struct words {
    const char *const *wanted;
    struct names there[3];
    bool known[3];
};

static void words_task(struct words *words, const struct config_task *task)
{
    names_add(&words->there[1], task->kind->name);
    if (!task_chosen(task, words->wanted[1], NULL))
        return;
    words->known[1] = true;
    if (task->target)
        names_add(&words->there[2], task->target);
    if (task_chosen(task, words->wanted[1], words->wanted[2]))
        words->known[2] = true;
}

static void words_database(struct words *words, const struct config_database *database)
{
    names_add(&words->there[0], database_name(database));
    if (!database_chosen(database, words->wanted[0]))
        return;
    words->known[0] = true;
    for (size_t i = 0; i < database->task_count; i++)
        words_task(words, &database->tasks[i]);
}

/* All names are looked up before any file is looked at. */
static int selection_check(const struct config *config, const char *command,
                           const struct command_line *line)
{
    static const char *const what[] = {"database", "task", "target"};
    struct words words = {.wanted = line->names};
    int status = -1;

    for (size_t i = 0; i < config->database_count; i++)
        words_database(&words, &config->databases[i]);
    for (int i = 0; i < 3 && status < 0; i++)
        if (line->names[i] && !words.known[i]) {
            suggest_report(command, what[i], line->names[i], words.there[i].items,
                           words.there[i].count);
            status = COMMAND_USAGE;
        }
    for (int i = 0; i < 3; i++)
        free(words.there[i].items);
    return status;
}

int selection_make(struct session *session, const struct config *config, const char *command,
                   const struct command_line *line, struct selection *selection)
{
    const char *name = line->names[0];
    int status = selection_check(config, command, line);
    bool whole_name = false; /* it is a database's own, which may well have no files now */

    for (size_t i = 0; status < 0 && i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];
        bool whole = !name || strcmp(database_name(database), name) == 0;
        if (database_chosen(database, name))
            selection_files(session, database, whole ? NULL : name, selection);
        whole_name = whole_name || whole;
        if (session_interrupted(session))
            status = COMMAND_INTERRUPTED;
    }
    if (status < 0 && config->database_count == 0)
        log_notice("the policy has no databases yet");
    if (status < 0 && name && name[0] == '/' && !whole_name && selection->file_count == 0) {
        log_error("there is no file %s", name);
        status = COMMAND_USAGE;
    }
    for (size_t file = 0; status < 0 && file < selection->file_count; file++)
        selection_items(selection, file, line->names[1], line->names[2]);
    if (status < 0 && selection->file_count > 0 && selection->item_count == 0)
        log_notice("the policy has no task for that");
    return status;
}

void selection_free(struct selection *selection)
{
    for (size_t i = 0; i < selection->file_count; i++) {
        free(selection->files[i].name);
        free(selection->files[i].path);
    }
    free(selection->files);
    free(selection->items);
    *selection = (struct selection){0};
}
