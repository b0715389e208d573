/* What the operator has paused: everything, a database, a task of all or of one. */
#ifndef PAUSES_H
#define PAUSES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct pauses;

struct pauses *pauses_new(void);
void pauses_free(struct pauses *pauses);

/* `database` and `task` may each be NULL: all of them. `until_us` INT64_MAX: until it is resumed.
 * A pause of the same scope is replaced. */
void pauses_add(struct pauses *pauses, const char *database, const char *task, int64_t until_us);
/* Ends the pause of exactly that scope; false: there is none. */
bool pauses_end(struct pauses *pauses, const char *database, const char *task);

/* Until when that task is paused, 0: it is not. */
int64_t pauses_until(const struct pauses *pauses, const char *database, const char *task,
                     int64_t now_us);

/* Those that hold now: an array of {"database","task","until","until_us"}, the texts null for all,
 * "until" as RFC 3339 has it, both null where it has no end. */
json_t *pauses_list(const struct pauses *pauses, int64_t now_us);

#endif
