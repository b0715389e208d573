/* Text: a growing buffer, and how numbers and names are written for people and for SQL. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; `bytes` is NULL or ends in NUL. Free with text_free. */
struct text {
    char *bytes;
    size_t length, capacity;
};

void text_reserve(struct text *text, size_t more); /* room, so that it does not move for so much */
void text_add(struct text *text, const char *more);
void text_add_length(struct text *text, const char *more, size_t length);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_identifier(struct text *text, const char *name); /* `name`, for SQL that we run */
void text_add_name(struct text *text, const char *name);       /* "name", for people */
void text_clear(struct text *text);
void text_free(struct text *text);
char *text_take(struct text *text); /* the bytes ("" if empty), now the caller's to free */

/* These write into a caller's buffer of TEXT_SHORT bytes and return it. */
enum { TEXT_SHORT = 48 };
char *text_count(char *buffer, int64_t number);   /* 812,344 */
char *text_bytes(char *buffer, int64_t bytes);    /* 288.0 MiB */
char *text_seconds(char *buffer, double seconds); /* 4 ms, 14.2 s, 3 min 20 s */
/* "1 row", "812,344 rows"; the noun, of at most 16 bytes, takes an s. */
char *text_counted(char *buffer, int64_t number, const char *noun);
char *text_time(char *buffer, int64_t time_us); /* 2026-11-23T12:00:00Z, UTC */

/* The length of the well-formed UTF-8 sequence at `s`, or 0; what follows `s` ends in NUL. */
size_t text_sequence(const unsigned char *s);

/* Makes hostile text fit for a terminal and for one line: controls and bad UTF-8 become '?'. */
void text_sanitize(char *text);

#endif
