/*
 * A segment: one file of an archive, lines compressed by zstd (RFC 8878). It is written under a
 * name of its own in a folder that is already open, never through a symbolic link, and fsynced.
 * Nothing here knows what the lines mean, nor when a file gets its final name.
 */
#ifndef ARCHIVE_SEGMENT_H
#define ARCHIVE_SEGMENT_H

#include "digest.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct segment_writer;
struct segment_reader;

/* What became of the file. */
struct segment_file {
    int64_t bytes;
    char sha256[DIGEST_HEX];
};

/* A new file `name` in `folder`, which stays the caller's; one that is there already is an error.
 * `shown` is what messages call it. */
enum status segment_create(int folder, const char *name, mode_t mode, const char *shown,
                           struct segment_writer **writer, struct error *error) MUST_CHECK;
enum status segment_write(struct segment_writer *writer, const char *bytes, size_t length,
                          struct error *error) MUST_CHECK;
/* Ends the file, so that it is on the disk whatever happens, and frees the writer, even on failure:
 * then the file is removed. */
enum status segment_finish(struct segment_writer *writer, struct segment_file *file,
                           struct error *error) MUST_CHECK;
/* Removes the file and frees the writer. Safe on NULL. */
void segment_abandon(struct segment_writer *writer);

enum status segment_open(int folder, const char *name, const char *shown,
                         struct segment_reader **reader, struct error *error) MUST_CHECK;
/* From now on it is damaged if it has more text than that: a few bytes can stand for any number. */
void segment_limit(struct segment_reader *reader, int64_t text_bytes);
/* The next line, without its newline, good until the next call; `*line` is NULL at the end of the
 * file. STATUS_INVALID: it is damaged, or ends too early. */
enum status segment_line(struct segment_reader *reader, const char **line, size_t *length,
                         struct error *error) MUST_CHECK;
/* What was read: the whole file, once the end was reached. */
void segment_read(struct segment_reader *reader, struct segment_file *file);
void segment_close(struct segment_reader *reader); /* safe on NULL */

#endif
