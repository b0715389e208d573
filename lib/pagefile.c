/*
 * The snapshot, in WAL mode. A header of the wal-index that is the same before BEGIN and after the
 * first read is the one that SQLite's own read began with: every commit and every restart of the
 * log changes it. walindex_read takes nBackfill while that header stands, so it belongs to the
 * same log. Two cases:
 *
 * - nBackfill == mxFrame: all of the snapshot is in the database file. SQLite's reader then holds
 *   read mark 0, and no checkpoint may write to the file (but a writer may restart the log, which
 *   therefore must not be looked at); or, where the last frames were backfilled only after our
 *   read began, another mark of at most mxFrame, beyond which no checkpoint goes.
 * - else our mark is not 0 (mark 0 is only taken where the two are equal, and nBackfill does not
 *   go back within one log). While it is held nobody restarts the log, so frames 1 to mxFrame and
 *   their entries in the wal-index stay; and no checkpoint copies frames beyond our mark, so what
 *   has no frame is in the database file as the snapshot has it. That nBackfill grows meanwhile
 *   changes nothing: it copies what the frames hold.
 *
 * (walTryBeginRead, walCheckpoint, walRestartLog in SQLite's wal.c.)
 */
#include "pagefile.h"

#include "bytes.h"
#include "clock.h"
#include "pageset.h"
#include "vfs.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum { ATTEMPTS = 1000, FRAME_HEADER = 24, LOG_HEADER = 32 };

enum status pagefile_failure(sqlite3 *db, const char *what, struct error *error)
{
    static const struct {
        int code;
        enum status status;
    } meanings[] = {
        {SQLITE_BUSY, STATUS_BUSY},     {SQLITE_LOCKED, STATUS_BUSY},
        {SQLITE_PROTOCOL, STATUS_BUSY}, {SQLITE_INTERRUPT, STATUS_CANCELLED},
        {SQLITE_NOMEM, STATUS_FAILED},  {SQLITE_IOERR, STATUS_FAILED},
    };
    enum status status = STATUS_REFUSED;

    if ((sqlite3_errcode(db) & 0xFF) == SQLITE_CORRUPT && vfs_read_failed(db))
        return error_set(error, STATUS_FAILED, "%s: the disk fails: %s", what,
                         strerror(vfs_errno(db)));
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if ((sqlite3_errcode(db) & 0xFF) == meanings[i].code)
            status = meanings[i].status;
    return error_set(error, status, "%s: %s", what, sqlite3_errmsg(db));
}

static sqlite3_file *pagefile_handle(sqlite3 *db, int which)
{
    sqlite3_file *handle = NULL;

    if (sqlite3_file_control(db, "main", which, &handle) != SQLITE_OK)
        return NULL;
    return handle && handle->pMethods ? handle : NULL;
}

int64_t pagefile_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *query = NULL;
    int64_t number = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        number = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return number;
}

/* SQLite has refused the file; its header may tell more than "malformed". It is only asked for
 * the words of the message, so that no lock is held does no harm. */
static enum status pagefile_refuse(struct pagefile *file, struct error *error)
{
    unsigned char bytes[FILEHEADER_SIZE];
    struct fileheader header;
    sqlite3_file *handle = pagefile_handle(file->db, SQLITE_FCNTL_FILE_POINTER);
    sqlite3_int64 size = 0;
    enum status status = pagefile_failure(file->db, "SQLite can't read it", error);

    if (status != STATUS_REFUSED || !handle ||
        handle->pMethods->xFileSize(handle, &size) != SQLITE_OK ||
        handle->pMethods->xRead(handle, bytes, sizeof bytes, 0) != SQLITE_OK)
        return status;
    struct error better;
    if (fileheader_parse(bytes, &header, &better))
        return error_set(error, STATUS_REFUSED, "%s", better.text);
    if (header.valid_for == header.changes && header.pages > size / header.page_size)
        return error_set(error, STATUS_REFUSED,
                         "its header counts %" PRIu32 " pages of %" PRIu32
                         " bytes, but the file has %lld bytes",
                         header.pages, header.page_size, size);
    return status;
}

/* One BEGIN and the first read, which takes the lock. It needs no schema: the next one does, which
 * nobody can change any more. */
static enum status pagefile_begin(struct pagefile *file, struct error *error)
{
    if (sqlite3_exec(file->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(file->db, "PRAGMA main.user_version", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(file->db, "SELECT 1 FROM main.sqlite_schema LIMIT 1", NULL, NULL, NULL) ==
            SQLITE_OK) {
        file->open = true;
        return STATUS_OK;
    }
    enum status status = pagefile_refuse(file, error);
    sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

void pagefile_close(struct pagefile *file)
{
    if (file->open)
        sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
    file->open = false;
}

/* Begins, and in WAL mode again until it is known which snapshot it got. */
static enum status pagefile_snapshot(struct pagefile *file, struct error *error)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct walindex before = {0};
        bool known = walindex_read(file->db, &before, NULL) == STATUS_OK;
        enum status status = pagefile_begin(file, error);
        if (status)
            return status;
        file->wal = walindex_in_use(file->db);
        file->log = false;
        if (!file->wal)
            return STATUS_OK;
        status = walindex_read(file->db, &file->snapshot, error);
        if (status && status != STATUS_BUSY)
            return status;
        if (known && !status && !memcmp(before.header, file->snapshot.header, WALINDEX_HEADER)) {
            file->log = file->snapshot.backfilled != file->snapshot.max_frame;
            return STATUS_OK;
        }
        pagefile_close(file);
        sched_yield();
    }
    return error_set(error, STATUS_BUSY, "writers left no moment to begin a read in");
}

/* What SQLite believes, held against page 1 and the sizes of the files. */
static enum status pagefile_check(struct pagefile *file, int64_t page_size, struct error *error)
{
    sqlite3_file *handle = pagefile_handle(file->db, SQLITE_FCNTL_FILE_POINTER);
    sqlite3_int64 size = 0;

    if (file->header.page_size != page_size || (file->log && file->snapshot.page_size != page_size))
        return error_set(error, STATUS_REFUSED,
                         "its header has pages of %" PRIu32 " bytes, SQLite reads %lld",
                         file->header.page_size, (long long)page_size);
    if (!handle || handle->pMethods->xFileSize(handle, &size) != SQLITE_OK)
        return error_set(error, STATUS_FAILED, "the size of its file can't be read");
    int64_t most = size / page_size + 1 + (file->wal ? file->snapshot.max_frame : 0);
    if (file->pages > most)
        return error_set(error, STATUS_REFUSED,
                         "it counts %" PRIu32 " pages, but its files have room for %lld",
                         file->pages, (long long)most);
    if (file->pages > PAGESET_MAX)
        return error_set(error, STATUS_REFUSED,
                         "it has %" PRIu32 " pages, and at most %" PRIu32 " can be kept track of",
                         file->pages, PAGESET_MAX);
    return STATUS_OK;
}

static enum status pagefile_begin_slice(struct pagefile *file, struct error *error)
{
    unsigned char bytes[FILEHEADER_PAGE_MAX];
    enum status status = pagefile_snapshot(file, error);

    if (status)
        return status;
    file->slice_began = clock_monotonic_ms();
    int64_t pages = pagefile_number(file->db, "PRAGMA main.page_count");
    int64_t page_size = pagefile_number(file->db, "PRAGMA main.page_size");
    if (pages < 0 || pages > UINT32_MAX || page_size < 512 || page_size > FILEHEADER_PAGE_MAX)
        return pagefile_failure(file->db, "its page size and page count", error);
    file->pages = (uint32_t)pages;
    file->header = (struct fileheader){.page_size = (uint32_t)page_size};
    if (!pages)
        return STATUS_OK;
    status = pagefile_read(file, 1, bytes, error);
    if (!status)
        status = fileheader_parse(bytes, &file->header, error);
    if (status == STATUS_INVALID)
        error->status = status = STATUS_REFUSED;
    return status ? status : pagefile_check(file, page_size, error);
}

enum status pagefile_open(struct pagefile *file, sqlite3 *db, const struct pagefile_pace *pace,
                          struct error *error)
{
    *file = (struct pagefile){.db = db, .pace = *pace};
    if (!sqlite3_get_autocommit(db))
        return error_set(error, STATUS_FAILED, "a transaction is open on this connection");
    if (!pagefile_handle(db, SQLITE_FCNTL_FILE_POINTER))
        return error_set(error, STATUS_REFUSED, "it is not a database in a file");
    enum status status = pagefile_begin_slice(file, error);
    if (status)
        pagefile_close(file);
    return status;
}

/* What ends too soon is damaged; a disk that fails says nothing of what is on it. */
static enum status pagefile_read_at(sqlite3_file *handle, const char *of, const char *part,
                                    uint32_t number, void *bytes, int size, sqlite3_int64 at,
                                    struct error *error)
{
    int code = handle ? handle->pMethods->xRead(handle, bytes, size, at) : SQLITE_IOERR_READ;

    if (code == SQLITE_IOERR_SHORT_READ)
        return error_set(error, STATUS_INVALID, "%s %" PRIu32 " lies beyond the end of the %s",
                         part, number, of);
    if (code != SQLITE_OK)
        return error_set(error, STATUS_FAILED, "%s %" PRIu32 " of the %s can't be read: %s", part,
                         number, of, sqlite3_errstr(code));
    return STATUS_OK;
}

/* A frame of the log: its own header (page, commit size, salts, checksum), then the page
 * (fileformat2.html#walformat). */
static enum status pagefile_read_frame(struct pagefile *file, uint32_t page, uint32_t frame,
                                       unsigned char *bytes, struct error *error)
{
    sqlite3_file *log = pagefile_handle(file->db, SQLITE_FCNTL_JOURNAL_POINTER);
    int size = (int)file->header.page_size;
    sqlite3_int64 at = LOG_HEADER + (sqlite3_int64)(frame - 1) * (size + FRAME_HEADER);
    unsigned char header[FRAME_HEADER];

    enum status status =
        pagefile_read_at(log, "log", "frame", frame, header, FRAME_HEADER, at, error);
    if (status)
        return status;
    if (bytes_four(header) != page ||
        memcmp(header + 8, file->snapshot.salts, sizeof file->snapshot.salts))
        return error_set(error, STATUS_INVALID,
                         "frame %" PRIu32 " of the log does not hold page %" PRIu32, frame, page);
    return pagefile_read_at(log, "log", "frame", frame, bytes, size, at + FRAME_HEADER, error);
}

static enum status pagefile_read_file(struct pagefile *file, uint32_t page, unsigned char *bytes,
                                      struct error *error)
{
    sqlite3_file *handle = pagefile_handle(file->db, SQLITE_FCNTL_FILE_POINTER);
    int size = (int)file->header.page_size;

    return pagefile_read_at(handle, "file", "page", page, bytes, size,
                            (sqlite3_int64)(page - 1) * size, error);
}

enum status pagefile_read(struct pagefile *file, uint32_t page, unsigned char *bytes,
                          struct error *error)
{
    uint32_t frame = 0;

    if (page < 1 || page > file->pages)
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 " is not one of the file's %" PRIu32, page, file->pages);
    enum status status =
        file->log ? walindex_frame(file->db, &file->snapshot, page, &frame, error) : STATUS_OK;
    if (status)
        return status;
    file->reads++;
    return frame ? pagefile_read_frame(file, page, frame, bytes, error)
                 : pagefile_read_file(file, page, bytes, error);
}

static void pagefile_wait(double ms)
{
    int64_t ns = ms > 0 ? (int64_t)(ms * 1e6) : 0;
    struct timespec pause = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    if (ns)
        nanosleep(&pause, NULL);
}

enum status pagefile_breathe(struct pagefile *file, struct error *error)
{
    struct fileheader before = file->header;
    uint32_t pages = file->pages;

    if (file->pace.stopped && file->pace.stopped(file->pace.argument))
        return error_set(error, STATUS_CANCELLED, "stopped while it was measured");
    if (file->wal || clock_monotonic_ms() - file->slice_began < file->pace.slice_ms)
        return STATUS_OK;
    pagefile_close(file);
    pagefile_wait(file->pace.gap_ms);
    enum status status = pagefile_begin_slice(file, error);
    if (status)
        return status;
    if (file->header.changes != before.changes || file->pages != pages || file->wal)
        file->changes++;
    if (file->header.schema != before.schema || file->header.page_size != before.page_size) {
        file->schema_change = true;
        return error_set(error, STATUS_BUSY, "its schema changed while it was measured");
    }
    return STATUS_OK;
}
