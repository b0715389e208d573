/* The terminal, if there is one: how wide it is, and text laid out for that. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns of the terminal that `out` is; 0: it is none. Asked anew each time, so that a window
 * may change its size. */
size_t terminal_width(FILE *out);

/* Whether a line on `out` can be drawn over again and again. */
bool terminal_redraws(FILE *out);

size_t terminal_columns(const char *text); /* characters of UTF-8 text */

/* Prints `text` and a newline. On a terminal it breaks lines between words, and what follows the
 * first is indented by `hanging` columns; elsewhere it is one line. The text begins in column
 * `column`, where the caller has printed as much already. */
void terminal_print(FILE *out, const char *text, size_t column, size_t hanging);

#endif
