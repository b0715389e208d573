/* The progress bar of `run`: one line on a terminal, drawn over again; nothing anywhere else. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <jansson.h>
#include <stddef.h>

/* Draws the bar for a progress event. Draws nothing but on a terminal, and not too often. */
void progress_show(const json_t *event);
/* Takes the bar away, so that other lines can be printed. */
void progress_clear(void);

/* The line itself, at most `width` columns: "worklog retention logs  [=====>     ]  47%  381,231
 * rows  57,003/s  7.1 s left  lock 41%". What doesn't fit is left out, the least important first.
 * The caller's to free. */
char *progress_line(const json_t *event, size_t width);

#endif
