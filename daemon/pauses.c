/* A short list of pauses. Runs in the daemon; keeps nothing over a restart by itself. */
#include "pauses.h"

#include "memory.h"
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct pause {
    char *database, *task; /* NULL: all */
    int64_t until_us;
};

struct pauses {
    struct pause *items;
    size_t count;
};

struct pauses *pauses_new(void)
{
    return memory_new(struct pauses);
}

static void pauses_clear(struct pause *pause)
{
    free(pause->database);
    free(pause->task);
}

void pauses_free(struct pauses *pauses)
{
    if (!pauses)
        return;
    for (size_t i = 0; i < pauses->count; i++)
        pauses_clear(&pauses->items[i]);
    free(pauses->items);
    free(pauses);
}

static bool pauses_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

void pauses_add(struct pauses *pauses, const char *database, const char *task, int64_t until_us)
{
    for (size_t i = 0; i < pauses->count; i++) {
        struct pause *pause = &pauses->items[i];
        if (pauses_same(pause->database, database) && pauses_same(pause->task, task)) {
            pause->until_us = until_us;
            return;
        }
    }
    pauses->items = memory_resize(pauses->items, pauses->count + 1, sizeof *pauses->items);
    pauses->items[pauses->count++] =
        (struct pause){memory_copy(database), memory_copy(task), until_us};
}

bool pauses_end(struct pauses *pauses, const char *database, const char *task)
{
    for (size_t i = 0; i < pauses->count; i++) {
        struct pause *pause = &pauses->items[i];
        if (!pauses_same(pause->database, database) || !pauses_same(pause->task, task))
            continue;
        pauses_clear(pause);
        *pause = pauses->items[--pauses->count];
        return true;
    }
    return false;
}

/* Whether `wide` (NULL: all) has `narrow` in it. */
static bool pauses_covers(const char *wide, const char *narrow)
{
    return !wide || (narrow && strcmp(wide, narrow) == 0);
}

int64_t pauses_until(const struct pauses *pauses, const char *database, const char *task,
                     int64_t now_us)
{
    int64_t until_us = 0;

    for (size_t i = 0; i < pauses->count; i++) {
        const struct pause *pause = &pauses->items[i];
        if (pauses_covers(pause->database, database) && pauses_covers(pause->task, task) &&
            pause->until_us > now_us && pause->until_us > until_us)
            until_us = pause->until_us;
    }
    return until_us;
}

json_t *pauses_list(const struct pauses *pauses, int64_t now_us)
{
    json_t *list = json_array();
    char time[TEXT_SHORT];

    for (size_t i = 0; i < pauses->count; i++) {
        const struct pause *pause = &pauses->items[i];
        if (pause->until_us <= now_us)
            continue;
        bool ends = pause->until_us < INT64_MAX;
        json_array_append_new(
            list, json_pack("{s:s?, s:s?, s:s?, s:o}", "database", pause->database, "task",
                            pause->task, "until", ends ? text_time(time, pause->until_us) : NULL,
                            "until_us", ends ? json_integer(pause->until_us) : json_null()));
    }
    return list;
}
