/* Sets of weekdays as systemd.time(7) writes them: "Mon..Fri,Sun". Bit 0 is Monday. */
#ifndef WEEKDAYS_H
#define WEEKDAYS_H

#include "text.h"

#include <stdbool.h>

enum { WEEKDAYS_ALL = 127 };

/* Reads the weekdays that `*text` begins with and the spaces behind them, and moves it on. True
 * with none at all (`*days` is 0) where no name of a weekday stands there; false where what
 * begins with one goes wrong. */
bool weekdays_parse(const char **text, unsigned *days);
void weekdays_text(unsigned days, struct text *out);

#endif
