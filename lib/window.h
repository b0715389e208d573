/*
 * Windows of time in which what blocks an application may run: "Sun 02:00-05:00 UTC". Wall-clock
 * time in their zone, past midnight if they end before they begin.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

struct window {
    unsigned weekdays; /* bit 0 is Monday: the days on which it begins; 0: all */
    int begin, end;    /* minutes of the day, up to 1440 */
    char *zone_name;   /* NULL: the host's own */
    struct zone *zone;
};

struct window_list {
    struct window *windows;
    size_t count;
};

/* "[weekdays] HH:MM-HH:MM [zone]", added to a list that begins as {0}. */
enum status window_parse(const char *text, struct window_list *list,
                         struct error *error) MUST_CHECK;
void window_list_free(struct window_list *list); /* the struct too */

void window_text(const struct window *window, struct text *out); /* canonical */
/* Whether one of them is open at that moment; a list that is NULL or empty never is. */
bool window_open(const struct window_list *list, int64_t now_us);

/* For how long from now on one of them is open without a break, 0 where none is; at most 8 days,
 * which is as good as always. Microseconds. */
int64_t window_left(const struct window_list *list, int64_t now_us);
/* When one of them opens, or goes on, at or after that moment; INT64_MAX: never. */
int64_t window_next(const struct window_list *list, int64_t now_us);
/* The same, where it then stays open for so long; INT64_MAX: none of them is ever that long. */
int64_t window_fits(const struct window_list *list, int64_t now_us, int64_t length_us);

#endif
