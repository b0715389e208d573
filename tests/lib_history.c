#include "lib_history.h"

#include "event.h"
#include "lib_chronicle.h"
#include "lib_folder.h"
#include "text.h"

#include <check.h>
#include <stdlib.h>

struct history *histories_open(void)
{
    char *folder = folder_path(".");
    struct history *history = NULL;
    struct error error = {0};

    ck_assert_msg(history_open(folder, &history, &error) == 0, "%s", error.text);
    free(folder);
    return history;
}

void histories_record(struct history *history, const char *path, const char *task,
                      const char *target, const char *outcome, int64_t started_us)
{
    json_t *event = chronicled_outcome(task, outcome, 1);
    struct error error = {0};

    if (target)
        json_object_set_new(event, "target", json_string(target));
    ck_assert_msg(history_record(history, event, path, started_us, &error) == 0, "%s", error.text);
    json_decref(event);
}

static void add_row(void *argument, json_t *row)
{
    char *line = event_line(row);

    text_add(argument, line);
    text_add(argument, "\n");
    free(line);
    json_decref(row);
}

char *histories_list(struct history *history, enum history_list list)
{
    struct text text = {0};
    struct history_rows rows = {add_row, &text};
    struct error error = {0};

    ck_assert_msg(history_list(history, list, &rows, &error) == 0, "%s", error.text);
    return text_take(&text);
}

char *histories_runs(struct history *history, const char *path, const char *task,
                     const char *target, int64_t since_us, int64_t limit)
{
    struct history_subject subject = {path, task, target};
    struct text text = {0};
    struct history_rows rows = {add_row, &text};
    struct error error = {0};

    ck_assert_msg(history_runs(history, &subject, since_us, limit, &rows, &error) == 0, "%s",
                  error.text);
    return text_take(&text);
}
