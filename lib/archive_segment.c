/* Writes and reads segments, with as much memory as their longest line takes. In a worker. */
#include "archive_segment.h"

#include "memory.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* Compression has a thread of its own where libzstd has threads: rows are read meanwhile. A job is
 * what it is given at once, and a small one costs no bytes but spares memory. */
enum { SEGMENT_LEVEL = 7, SEGMENT_JOB = 1 << 20, SEGMENT_BUFFER = 128 * 1024 };
enum {
    SEGMENT_WINDOW = 24,     /* log of the memory that a frame may ask of its reader: 16 MiB */
    SEGMENT_LINE = 64 << 20, /* bytes: a worker's memory has room for one row of that */
};

struct segment_writer {
    int folder, fd;
    char *name, *shown;
    ZSTD_CCtx *stream;
    struct digest digest;
    int64_t bytes;
    char buffer[SEGMENT_BUFFER];
};

struct segment_reader {
    int fd;
    char *shown;
    ZSTD_DCtx *stream;
    struct digest digest;
    int64_t bytes;
    ZSTD_inBuffer input;
    int64_t room;       /* for so many bytes of text, unless it is damaged */
    bool within;        /* a frame has begun and not ended */
    bool more;          /* of the input that was taken there is more to come */
    bool ended;         /* no bytes are left in the file */
    struct text text;   /* decompressed ... */
    size_t at, scanned; /* ... of which so much was given out, and so much has no newline */
    char buffer[SEGMENT_BUFFER];
};

static enum status segment_failed(const char *what, const char *shown, int problem,
                                  struct error *error)
{
    return error_set(error, STATUS_FAILED, "can't %s %s: %s", what, shown, strerror(problem));
}

/* A worker of any user but root may have no process or thread besides itself; to ask for one would
 * fail later. */
static int segment_helpers(void)
{
    struct rlimit limit;

    return geteuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur == 0 ? 0 : 1;
}

enum status segment_create(int folder, const char *name, mode_t mode, const char *shown,
                           struct segment_writer **result, struct error *error)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd < 0)
        return segment_failed("make", shown, errno, error);
    fchmod(fd, mode); /* as it was asked for, whatever the umask is */
    struct segment_writer *writer = memory_new(struct segment_writer);
    writer->folder = folder;
    writer->fd = fd;
    writer->name = memory_copy(name);
    writer->shown = memory_copy(shown);
    writer->stream = ZSTD_createCCtx();
    if (!writer->stream)
        abort(); /* as memory.h has it */
    ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_compressionLevel, SEGMENT_LEVEL);
    ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_checksumFlag, 1);
    if (segment_helpers()) {
        ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_nbWorkers, 1);
        ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_jobSize, SEGMENT_JOB);
    }
    digest_begin(&writer->digest);
    *result = writer;
    return STATUS_OK;
}

/* A disk that is full may take a part of what it is given. */
static enum status segment_put(struct segment_writer *writer, size_t length, struct error *error)
{
    size_t done = 0;

    while (done < length) {
        ssize_t written = write(writer->fd, writer->buffer + done, length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return segment_failed("write", writer->shown, written ? errno : ENOSPC, error);
        done += (size_t)written;
    }
    digest_add(&writer->digest, writer->buffer, length);
    writer->bytes += (int64_t)length;
    return STATUS_OK;
}

static enum status segment_compress(struct segment_writer *writer, const char *bytes, size_t length,
                                    ZSTD_EndDirective how, struct error *error)
{
    ZSTD_inBuffer input = {bytes, length, 0};
    enum status status = STATUS_OK;
    size_t left = 1;

    while (!status && (input.pos < input.size || (how == ZSTD_e_end && left))) {
        ZSTD_outBuffer output = {writer->buffer, sizeof writer->buffer, 0};
        left = ZSTD_compressStream2(writer->stream, &output, &input, how);
        if (ZSTD_isError(left))
            return error_set(error, STATUS_FAILED, "can't compress %s: %s", writer->shown,
                             ZSTD_getErrorName(left));
        status = segment_put(writer, output.pos, error);
    }
    return status;
}

enum status segment_write(struct segment_writer *writer, const char *bytes, size_t length,
                          struct error *error)
{
    return segment_compress(writer, bytes, length, ZSTD_e_continue, error);
}

static void segment_free_writer(struct segment_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    ZSTD_freeCCtx(writer->stream);
    free(writer->name);
    free(writer->shown);
    free(writer);
}

void segment_abandon(struct segment_writer *writer)
{
    if (!writer)
        return;
    unlinkat(writer->folder, writer->name, 0);
    segment_free_writer(writer);
}

enum status segment_finish(struct segment_writer *writer, struct segment_file *file,
                           struct error *error)
{
    enum status status = segment_compress(writer, NULL, 0, ZSTD_e_end, error);

    if (!status && fsync(writer->fd) < 0)
        status = segment_failed("write", writer->shown, errno, error);
    if (!status && close(writer->fd) < 0) /* some file systems say only now that they are full */
        status = segment_failed("write", writer->shown, errno, error);
    if (!status)
        writer->fd = -1;
    if (status) {
        segment_abandon(writer);
        return status;
    }
    file->bytes = writer->bytes;
    digest_end(&writer->digest, file->sha256);
    segment_free_writer(writer);
    return STATUS_OK;
}

enum status segment_open(int folder, const char *name, const char *shown,
                         struct segment_reader **result, struct error *error)
{
    /* a pipe in its place must not keep us waiting */
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat about;

    if (fd < 0)
        return segment_failed("open", shown, errno, error);
    if (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return error_set(error, STATUS_INVALID, "%s is not a regular file", shown);
    }
    struct segment_reader *reader = memory_new(struct segment_reader);
    reader->fd = fd;
    reader->shown = memory_copy(shown);
    reader->stream = ZSTD_createDCtx();
    if (!reader->stream)
        abort();
    ZSTD_DCtx_setParameter(reader->stream, ZSTD_d_windowLogMax, SEGMENT_WINDOW);
    reader->room = INT64_MAX;
    digest_begin(&reader->digest);
    *result = reader;
    return STATUS_OK;
}

void segment_limit(struct segment_reader *reader, int64_t text_bytes)
{
    reader->room = text_bytes;
}

static enum status segment_fill(struct segment_reader *reader, struct error *error)
{
    ssize_t length;

    do
        length = read(reader->fd, reader->buffer, sizeof reader->buffer);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return segment_failed("read", reader->shown, errno, error);
    reader->ended = length == 0;
    reader->bytes += length;
    digest_add(&reader->digest, reader->buffer, (size_t)length);
    reader->input = (ZSTD_inBuffer){reader->buffer, (size_t)length, 0};
    return STATUS_OK;
}

/* Adds some more to the text. */
static enum status segment_expand(struct segment_reader *reader, struct error *error)
{
    char bytes[SEGMENT_BUFFER];
    ZSTD_outBuffer output = {bytes, sizeof bytes, 0};

    if (!reader->more && reader->input.pos == reader->input.size) {
        enum status status = segment_fill(reader, error);
        if (status || reader->ended)
            return status;
    }
    size_t left = ZSTD_decompressStream(reader->stream, &output, &reader->input);
    if (ZSTD_isError(left))
        return error_set(error, STATUS_INVALID, "%s is damaged: %s", reader->shown,
                         ZSTD_getErrorName(left));
    reader->within = left > 0;
    reader->more = output.pos == output.size;
    reader->room -= (int64_t)output.pos;
    if (reader->room < 0 || reader->text.length > SEGMENT_LINE)
        return error_set(error, STATUS_INVALID, "%s is damaged: it has %s", reader->shown,
                         reader->room < 0 ? "more text than was written" : "too long a line");
    text_add_length(&reader->text, bytes, output.pos);
    return STATUS_OK;
}

/* What was given out makes room. */
static void segment_drop(struct segment_reader *reader)
{
    reader->text.length -= reader->at;
    reader->scanned -= reader->at;
    if (reader->text.length)
        memmove(reader->text.bytes, reader->text.bytes + reader->at, reader->text.length);
    reader->at = 0;
}

static char *segment_newline(struct segment_reader *reader)
{
    char *from = reader->text.bytes + reader->scanned;
    char *newline = reader->text.length > reader->scanned
                        ? memchr(from, '\n', reader->text.length - reader->scanned)
                        : NULL;

    reader->scanned = newline ? (size_t)(newline - reader->text.bytes) + 1 : reader->text.length;
    return newline;
}

enum status segment_line(struct segment_reader *reader, const char **line, size_t *length,
                         struct error *error)
{
    enum status status;
    char *newline;

    while (!(newline = segment_newline(reader)) && !reader->ended) {
        segment_drop(reader);
        if ((status = segment_expand(reader, error)))
            return status;
    }
    if (newline) {
        *line = reader->text.bytes + reader->at;
        *length = (size_t)(newline - *line);
        reader->at = reader->scanned;
        return STATUS_OK;
    }
    if (reader->within || reader->at < reader->text.length || !reader->bytes)
        return error_set(error, STATUS_INVALID, "%s ends too early", reader->shown);
    *line = NULL;
    *length = 0;
    return STATUS_OK;
}

void segment_read(struct segment_reader *reader, struct segment_file *file)
{
    file->bytes = reader->bytes;
    digest_end(&reader->digest, file->sha256);
}

void segment_close(struct segment_reader *reader)
{
    if (!reader)
        return;
    close(reader->fd);
    ZSTD_freeDCtx(reader->stream);
    text_free(&reader->text);
    free(reader->shown);
    free(reader);
}
