/* Foreign keys whose parents are not there (PRAGMA foreign_key_check), table by table. */
#ifndef INTEGRITY_KEYS_H
#define INTEGRITY_KEYS_H

#include "database.h"
#include "error.h"
#include "text.h"

#include <jansson.h>
#include <stdint.h>

struct integrity_keys {
    int64_t tables;     /* looked at */
    int64_t violations; /* rows, once for each key */
    json_t *messages;   /* about the first of them; NULL: none */
};

/* STATUS_REFUSED: the table can't be checked, and why. */
enum status integrity_keys_check(struct integrity_keys *keys, struct database *database,
                                 const char *table, struct error *error) MUST_CHECK;
/* Appends "; 12 rows refer to ..."; nothing where there was nothing to look at. */
void integrity_keys_say(const struct integrity_keys *keys, struct text *reason);
json_t *integrity_keys_json(const struct integrity_keys *keys); /* a new reference */
void integrity_keys_free(struct integrity_keys *keys);

#endif
