/* A database whose old rows a real run has archived, and what `litekeeper archive` says of it. */
#ifndef LIB_ARCHIVED_H
#define LIB_ARCHIVED_H

#include "lib_program.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>

enum { ARCHIVED_ROWS = 600 }; /* of which about half are old, four hours apart */

/* Writes the folder's policy.yaml: database app, table t, `options` (may be "") behind `keep`. */
void archived_policy(const char *options);
/* Makes app.db, whose rows are all still there. */
sqlite3 *archived_prepare(void);
/* Makes app.db and has its old rows archived in some twenty segments; returns a copy in memory as
 * it was before, the caller's. */
sqlite3 *archived_make(void);
/* The catalogue. */
sqlite3 *archived_history(void);

/* The files in the archive, as paths from the test's folder on, in order: an array. */
json_t *archived_files(void);

#define ARCHIVED_SEGMENT  ".jsonl.zst"
#define ARCHIVED_MANIFEST ".manifest.json"

/* The path of the file that is number `which` of those that end so; the caller's. */
char *archived_file(size_t which, const char *end);
/* Makes one bit of a file another. */
void archived_flip(const char *path, int64_t at, int bit);
int64_t archived_size(const char *path);

/* Runs `litekeeper archive WORDS` on that policy ("verify --json"); the exit status must be that.
 */
void archived_run(const char *words, int status, struct program_result *result);
/* The lines of it, an array of objects; fails where one is no JSON. */
json_t *archived_lines(const char *words, int status);
/* Of `archive verify`: the files (without their folders) of segments with a problem; an array. */
json_t *archived_problems(int status);

#endif
