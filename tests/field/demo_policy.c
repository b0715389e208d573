/* config/demo.yaml, as the demo needs it: its own places, and times that are now. */
#include "demo.h"
#include "log.h"
#include "memory.h"
#include "stamp.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR = 3600 };

const char demo_policy_source[] = "config/demo.yaml";
static const char policy_due[] = "due now";

/* Keys whose values the demo has of its own; a schedule's only where the line says so. */
enum policy_key {
    POLICY_PATH,
    POLICY_STATE,
    POLICY_SOCKET,
    POLICY_DIRECTORY,
    POLICY_WINDOW,
    POLICY_SCHEDULE
};

static const char *const policy_keys[] = {
    [POLICY_PATH] = "path: ",     [POLICY_STATE] = "state: ",
    [POLICY_SOCKET] = "socket: ", [POLICY_DIRECTORY] = "directory: ",
    [POLICY_WINDOW] = "window: ", [POLICY_SCHEDULE] = "schedule: ",
};

/* In the folder of the demo. */
static const char *const policy_places[] = {
    [POLICY_STATE] = "state", [POLICY_SOCKET] = "socket", [POLICY_DIRECTORY] = "archive"};

enum { POLICY_KEYS = sizeof policy_keys / sizeof *policy_keys };

static struct tm policy_time(int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;

    gmtime_r(&time, &parts);
    return parts;
}

/* Some hours long, and either they have begun or they are far off. */
static char *policy_window(bool open)
{
    int64_t now = stamp_now() / 1000000, begin = open ? now - HOUR : now + 12 * HOUR;
    struct tm from = policy_time(begin), to = policy_time(begin + 6 * HOUR);

    return memory_format("%02d:%02d-%02d:%02d UTC", from.tm_hour, from.tm_min, to.tm_hour,
                         to.tm_min);
}

/* A moment as a calendar expression, which elapses once. */
static char *policy_moment(int64_t time_us)
{
    struct tm at = policy_time(time_us / 1000000);
    char text[64];

    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &at);
    return memory_copy(text);
}

static char *policy_value(const struct demo *demo, enum policy_key key, bool open, int64_t number)
{
    if (key == POLICY_PATH)
        return memory_copy(demo->database);
    if (key == POLICY_WINDOW)
        return policy_window(open);
    if (key == POLICY_SCHEDULE)
        return policy_moment(demo->due_us + number * 1000000);
    return memory_format("%s/%s", demo->folder, policy_places[key]);
}

/* Where the value of one of the keys begins in the line, and which it is; NULL: nowhere. */
static const char *policy_find(const char *line, enum policy_key *key)
{
    const char *comment = strchr(line, '#');

    for (size_t i = 0; i < POLICY_KEYS; i++) {
        const char *found = strstr(line, policy_keys[i]);
        if (!found || (comment && comment < found) ||
            (i == POLICY_SCHEDULE && !strstr(line, policy_due)))
            continue;
        *key = (enum policy_key)i;
        return found + strlen(policy_keys[i]);
    }
    return NULL;
}

/* JSON's strings are YAML's, so a folder may have any name. */
static void policy_add(struct text *policy, const char *value)
{
    json_t *string = json_string(value);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    if (!quoted)
        log_fatal("%s: not UTF-8; name another with --folder", value);
    text_add(policy, quoted);
    free(quoted);
    json_decref(string);
}

/* Tasks that are due now are due a second after each other, in the file's order. */
static void policy_line(const struct demo *demo, bool open, const char *line, int64_t *number,
                        struct text *policy)
{
    enum policy_key key;
    const char *value = policy_find(line, &key);

    if (!value) {
        text_add(policy, line);
        return;
    }
    if (key == POLICY_SCHEDULE)
        (*number)++;
    char *own = policy_value(demo, key, open, *number);
    text_add_length(policy, line, (size_t)(value - line));
    policy_add(policy, own);
    free(own);
    text_add(policy, " ");
    text_add(policy, value + strcspn(value, ",}#\n"));
}

void demo_policy_write(const struct demo *demo, bool open)
{
    struct text policy = {0};
    char line[512];
    int64_t number = 0;
    char *archive = policy_value(demo, POLICY_DIRECTORY, open, 0);
    FILE *in = fopen(demo_policy_source, "r"), *out = fopen(demo->policy, "w");

    if (!in || !out)
        log_fatal("%s or %s: %s", demo_policy_source, demo->policy, strerror(errno));
    while (fgets(line, sizeof line, in))
        policy_line(demo, open, line, &number, &policy);
    fputs(policy.bytes, out);
    fclose(in);
    if (fclose(out))
        log_fatal("%s: %s", demo->policy, strerror(errno));
    text_free(&policy);
    free(stage_folder(archive));
    free(archive);
}
