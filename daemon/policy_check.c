/*
 * Checks a policy for the operator. Runs in the foreground; reads the policy and the files that
 * it includes, and opens no database.
 */
#include "policy_check.h"

#include "config.h"
#include "memory.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>

enum { POLICY_VALID = 0, POLICY_INVALID = 78 /* EX_CONFIG of sysexits.h */ };

static const char *policy_check_name(const struct config_database *database)
{
    return database->name ? database->name : database->path;
}

static void policy_check_print_database(const struct config_database *database, FILE *out)
{
    struct text line = {0};

    text_addf(&line, "  %s:%s", policy_check_name(database),
              database->task_count ? "" : " no tasks");
    for (size_t i = 0; i < database->task_count; i++) {
        const struct config_task *task = &database->tasks[i];
        text_addf(&line, "%s %s%s%s", i ? "," : "", task->kind->name, task->target ? " " : "",
                  task->target ? task->target : "");
    }
    text_sanitize(line.bytes);
    fprintf(out, "%s\n", line.bytes);
    text_free(&line);
}

static void policy_check_print(const struct config *config, const char *path, FILE *out)
{
    char database_words[TEXT_SHORT], task_words[TEXT_SHORT];

    fprintf(out, "%s: ok, %s, %s\n", path,
            text_counted(database_words, (int64_t)config->database_count, "database"),
            text_counted(task_words, (int64_t)config_task_count(config), "task"));
    for (size_t i = 0; i < config->database_count; i++)
        policy_check_print_database(&config->databases[i], out);
}

static json_t *policy_check_json_database(const struct config_database *database)
{
    json_t *list = json_array();

    for (size_t i = 0; i < database->task_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s?}", "task", database->tasks[i].kind->name,
                                              "target", database->tasks[i].target));
    return json_pack("{s:s, s:s, s:b, s:o}", "database", policy_check_name(database), "path",
                     database->path, "glob", (int)config_is_glob(database), "tasks", list);
}

static void policy_check_print_json(const struct config *config, const char *path,
                                    const struct config_errors *errors, FILE *out)
{
    json_t *databases = json_array(), *wrong = json_array();
    char *policy = memory_copy(path);

    for (size_t i = 0; config && i < config->database_count; i++)
        json_array_append_new(databases, policy_check_json_database(&config->databases[i]));
    for (size_t i = 0; i < errors->count; i++)
        json_array_append_new(wrong, json_string(errors->lines[i]));
    text_sanitize(policy); /* JSON is UTF-8, paths may not be */
    json_t *whole = json_pack("{s:s, s:b, s:o, s:o}", "policy", policy, "valid", config != NULL,
                              "databases", databases, "errors", wrong);
    json_dumpf(whole, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(whole);
    free(policy);
}

static void policy_check_dump(const struct config *config, FILE *out)
{
    char *dump = config_dump(config, NULL);

    fputs(dump, out);
    free(dump);
}

int policy_check(const char *path, enum policy_form form, FILE *out, FILE *wrong)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    enum status status = config_load(path, &config, &errors);

    if (form == POLICY_JSON)
        policy_check_print_json(config, path, &errors, out);
    for (size_t i = 0; form != POLICY_JSON && i < errors.count; i++)
        fprintf(wrong, "%s\n", errors.lines[i]);
    if (status == STATUS_OK && form == POLICY_TEXT)
        policy_check_print(config, path, out);
    if (status == STATUS_OK && form == POLICY_DUMP)
        policy_check_dump(config, out);
    config_free(config);
    config_errors_free(&errors);
    return status == STATUS_OK ? POLICY_VALID : POLICY_INVALID;
}
