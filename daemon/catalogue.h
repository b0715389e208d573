/*
 * What the catalogue of archives (the history's table `segment`) says of a table's segments, held
 * against what lies in its folder. Pure: rows and events in, words out.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <jansson.h>
#include <stdbool.h>

/* Of the catalogue's rows (events "segment") those of one table: an object of them by file, a new
 * reference. `prefix` is the table's folder in the directory, with a '/' at its end. NULL for NULL,
 * a catalogue that can't be read. */
json_t *catalogue_of(const json_t *rows, const char *directory, const char *prefix);

/* Makes of an event "shelved" what is to be said of that segment: without the marks that are of no
 * interest, and with
 *   state      its own, or "stray" (a file without a manifest), "damaged" (a manifest that can't be
 *              read), "missing"
 *   catalogue  "known", "rebuilt" (known from its manifest alone), "unknown", "differs", "unread"
 *   problem    what is wrong, or null
 *   note       what is worth a line and nothing wrong, or null
 * A run may work on it while it is looked at: where the catalogue said something else `before` than
 * `after`, nothing is wrong with it, and it is "changing", which is its state where it has none.
 * New reference. */
json_t *catalogue_judge(const json_t *before, const json_t *after, const json_t *shelved);

/* What is wrong with a segment by a catalogue that was read before, while a run may have gone on
 * since: a word, "sha256"; NULL: nothing is. */
const char *catalogue_doubts(const json_t *before, const json_t *shelved);

/* Appends the segments that the catalogue knows, before and after, and which `judged` has not. */
void catalogue_add_missing(const json_t *before, const json_t *after, json_t *judged);

/* Whether the catalogue ought to be told of it anew (`litekeeper archive verify --rebuild`). */
bool catalogue_lacks(const json_t *judged);
/* What to tell it, as history_job_segment takes it; a new reference. */
json_t *catalogue_entry(const json_t *judged, const char *directory, const char *database,
                        const char *table);

#endif
