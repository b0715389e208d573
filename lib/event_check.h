/* The check of an event against its row of the table. */
#ifndef EVENT_CHECK_H
#define EVENT_CHECK_H

#include "error.h"
#include "event_table.h"

#include <jansson.h>

/* A new object with the `keys` that `object` has, in the table's order, each checked and made
 * harmless; other keys of `object` are left behind. `where` is for the messages. */
enum status event_check(const char *where, const struct event_key *keys, json_t *object,
                        json_t **checked, struct error *error) MUST_CHECK;

/* A JSON string of `text`, cut to `limit` bytes and made fit for a terminal. */
json_t *event_check_text(const char *text, size_t length, size_t limit);

#endif
