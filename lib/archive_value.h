/*
 * One value of SQLite's as JSON and back, so that not a bit of it is lost, and what JSON can say is
 * said as any program would say it:
 *   NULL      null
 *   INTEGER   a number without a point: 9007199254740993 (readers need 64 bits)
 *   REAL      a number with a point or an exponent, the shortest that reads back as the same bits:
 *             0.1, 5.0, 1e+300, -0.0; the infinities, which JSON has not: "$real:Infinity",
 *             "$real:-Infinity"
 *   TEXT      a string; NULs are \u0000. Text that is not UTF-8, and text that looks like one of
 *             these escapes: "$text:" and its bytes in base64 (RFC 4648)
 *   BLOB      "$blob:" and base64
 * This is litekeeper-archive(5).
 */
#ifndef ARCHIVE_VALUE_H
#define ARCHIVE_VALUE_H

#include "digest.h"
#include "error.h"
#include "text.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_value {
    int type; /* SQLITE_INTEGER, ... */
    int64_t integer;
    double real;
    const char *bytes; /* of text and blob, borrowed; NUL behind text's */
    size_t length;
    void *owned; /* where the bytes had to be decoded, for archive_value_free */
};

/* A column of a statement's row; the bytes are the statement's, until its next step. */
void archive_value_of(sqlite3_stmt *row, int column, struct archive_value *value);
/* A value that was written as JSON; its bytes are `json`'s or its own. STATUS_INVALID: none of the
 * above. */
enum status archive_value_parse(const json_t *json, struct archive_value *value,
                                struct error *error) MUST_CHECK;
/* The same of the string that a JSON string stands for; NUL behind it. */
enum status archive_value_parse_text(const char *text, size_t length, struct archive_value *value,
                                     struct error *error) MUST_CHECK;
void archive_value_free(struct archive_value *value);

/* Appends it as JSON. */
void archive_value_write(const struct archive_value *value, struct text *json);
/* Appends any UTF-8 text as a JSON string. */
void archive_value_write_text(const char *text, size_t length, struct text *json);

/* The same type and the same bits: NULL is NULL, 1 is not 1.0, 0.0 is not -0.0. */
bool archive_value_same(const struct archive_value *one, const struct archive_value *other);

/* Binds it to a parameter; its bytes must stay until that is bound anew. */
void archive_value_bind(const struct archive_value *value, sqlite3_stmt *statement, int parameter);

/* Adds it to a digest, in a form that knows nothing of JSON: a letter for its type (n, i, r, t, b),
 * then 8 bytes, big-endian: the integer, the real's bits, or the length of the bytes that follow;
 * n is alone. */
void archive_value_digest(const struct archive_value *value, struct digest *digest);

#endif
