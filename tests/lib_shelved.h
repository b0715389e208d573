/* Archives as a run would leave them, made without one: segments with rows and manifests. */
#ifndef LIB_SHELVED_H
#define LIB_SHELVED_H

#include "archive_manifest.h"

#include <stdint.h>

#define SHELVED_DAY INT64_C(86400000000)

struct shelved {
    const char *part;  /* "year=2025"; NULL: none */
    const char *stamp; /* of the names: "20250101T000000.000000Z" */
    int64_t first_us;  /* of its rows, which are a second apart */
    int rows;
    enum manifest_state state;
};

/* Three of one table, the first two of a year: "first" by its rows, not by its name. */
extern const struct shelved shelved_first, shelved_second, shelved_third;
#define SHELVED_DAYS(n) (INT64_C(1735689600000000) + (n)*SHELVED_DAY) /* from 2025-01-01 on */
#define SHELVED_FIRST   "part-20260101T000000.000001Z.jsonl.zst"
#define SHELVED_SECOND  "part-20260101T000000.000000Z.jsonl.zst"
#define SHELVED_THIRD   "part-20260101T000000.000002Z.jsonl.zst"

/* A fixture: the test's folder with that of the table in it. */
void shelved_set_up(void);
/* The folder "cold/app/t" in the test's folder (lib_folder.h), and those above; the caller's. */
char *shelved_folder(void);
/* Writes a segment with its manifest, or, where it is not done, _unfinished.json. The columns are
 * id INTEGER, at INTEGER (seconds) and x TEXT. */
void shelved_make(const struct shelved *shelved);

/* PART/NAME of its file and of its manifest in the table's folder; the caller's. */
char *shelved_file(const struct shelved *shelved);
char *shelved_manifest(const struct shelved *shelved);
/* The same as whole paths. */
char *shelved_path(char *name);

/* What the shelf has, a line each: name, state, rows, and what is wrong with it; the caller's. */
char *shelved_shown(void);
/* Fails the test unless it begins so, or has that in it. */
void shelved_shows(const char *expected);
void shelved_has(const char *part);
/* Writes a file. */
void shelved_put(char *path, const char *text);

#endif
