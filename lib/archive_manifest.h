/*
 * What is known of one segment: the JSON file beside it, _PART.manifest.json, and, until the
 * segment is done, _unfinished.json in the table's folder. This is litekeeper-archive(5).
 */
#ifndef ARCHIVE_MANIFEST_H
#define ARCHIVE_MANIFEST_H

#include "archive_row.h"
#include "digest.h"
#include "error.h"

#include <jansson.h>
#include <stdint.h>

/* The order in which a segment goes through them; what each means is in archive.h. */
enum manifest_state {
    MANIFEST_WRITING,
    MANIFEST_WRITTEN,
    MANIFEST_DELETING,
    MANIFEST_SETTLED,
    MANIFEST_DONE,
    MANIFEST_REMOVED /* its file went by `keep_archives`; the manifest stays */
};

struct archive_manifest {
    enum manifest_state state;
    char *part;        /* its folder in the table's, "year=2025/month=03"; "" */
    char *name;        /* of the file, "part-20261125T214100.123456Z.jsonl.zst" */
    json_t *about;     /* version, database, table, schema, columns: archive_manifest_about */
    json_t *first_key; /* arrays; NULL where there are no rows */
    json_t *last_key;
    int64_t rows, bytes, line_bytes; /* of the file, and before compression */
    int64_t first_us, last_us;       /* times of the oldest and the youngest row; -1 none */
    int64_t cutoff_us, made_us;
    int64_t removed_us; /* -1: it is there */
    char
        *store; /* the SQLite file that its rows go into (archive_db.h); NULL: they stay as lines */
    int64_t store_first, store_last;                  /* rowids there; 0: they are not there yet */
    char sha256[DIGEST_HEX], sha256_rows[DIGEST_HEX]; /* "": not known yet */
};

void archive_manifest_free(struct archive_manifest *manifest);
/* What it says of the table: an object. `schema` is its SQL. */
json_t *archive_manifest_about(const char *database, const char *path, const char *table,
                               const char *schema, const struct archive_columns *columns);

/* Says in it that the table has no time: its rows went because of what they refer to, and the times
 * are of rows of that table. */
void archive_manifest_follows(json_t *about, const char *table);

/* Its columns, as they were. STATUS_INVALID: there are none. */
enum status archive_manifest_columns(const struct archive_manifest *manifest,
                                     struct archive_columns *columns,
                                     struct error *error) MUST_CHECK;

const char *archive_manifest_state(enum manifest_state state); /* "written", ... */
/* As JSON, the caller's to free. */
char *archive_manifest_text(const struct archive_manifest *manifest);
/* STATUS_INVALID: it is none. */
enum status archive_manifest_parse(const char *text, size_t length,
                                   struct archive_manifest *manifest,
                                   struct error *error) MUST_CHECK;
/* Its file's name, the caller's to free. */
char *archive_manifest_file(const struct archive_manifest *manifest);

#endif
