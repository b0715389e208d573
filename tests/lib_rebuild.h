/* Rebuilds indexes of "app.db" of lib_opened.h, and tells whether an index is what it should be. */
#ifndef LIB_REBUILD_H
#define LIB_REBUILD_H

#include "rebuild.h"

/* 2 ms a hold. A test may change it. */
extern struct rebuild_limits lib_rebuild_limits;

/* Opens the database as a worker does, rebuilds the index or builds a new one, and closes it. */
enum status lib_rebuild(const char *index, struct rebuild_result *result, struct error *error);
enum status lib_rebuild_create(const char *sql, struct rebuild_result *result, struct error *error);
enum status lib_rebuild_retire(const char *index, struct rebuild_result *result,
                               struct error *error);
/* Cleans up as the next start does. It must not fail. */
void lib_rebuild_clean(void);

/* Fails the test unless integrity_check is content, nothing of ours is left, and the index has the
 * very entries, byte for byte and in order, that SQLite gives it after a REINDEX. NULL: there is
 * no index to look at. */
void lib_rebuild_check(const char *index);
/* The same of all indexes that there are. */
void lib_rebuild_check_all(void);

/* What may be said of a rebuild in the middle, or of one that was killed: fails the test unless
 * integrity_check finds nothing but NULLs in the copy, which is a table of ours. */
void lib_rebuild_sound(void);
bool lib_rebuild_sound_line(const char *line); /* whether a line of its may be there */
/* Tables, triggers and indexes of ours that the schema has. */
int64_t lib_rebuild_ours(void);

#endif
