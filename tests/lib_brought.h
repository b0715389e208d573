/* Rows that were archived and come back: the commands for both, and the comparison with what was
 * there before, value by value and rowid by rowid. */
#ifndef LIB_BROUGHT_H
#define LIB_BROUGHT_H

#include "lib_proof.h"

#include <sqlite3.h>

/* Makes the archive's directory "cold" in the folder, the database and the policy; returns the
 * database as it is (proof_make, with what has no `model`), and lets retention archive what is
 * old. */
sqlite3 *brought_archive(const struct proof_case *c, const char *journal);

/* Runs `restore -c @/policy.yaml --json d t WORDS`, which must end with that exit status. Returns
 * the outcome's effect, or an empty object; a new reference. */
json_t *brought_restore(const char *words, int status);
/* A number of an effect; 0 where it has none. */
int64_t brought_count(const json_t *effect, const char *key);

/* Fails the test unless these are the counts ("put there conflicting refused"), and `named` (may be
 * NULL) is part of the effect as JSON. */
void brought_check(const char *name, const json_t *effect, const char *counts, const char *named);

/* A database in the test's folder: opened, asked (proof_text), changed. */
sqlite3 *brought_open(const char *name);
void brought_query(const char *name, const char *sql, const char *expected);
void brought_change(const char *sql); /* of t.db */

/* Fails the test unless both queries give the same rows, to the last bit. */
void brought_same(sqlite3 *one, sqlite3 *other, const char *query, const char *what);

#endif
