/*
 * The wal-index, mapped by SQLite and read here (walformat.html#the_wal_index_file_format). Runs
 * in workers. It reads words that other processes change at the same time, in the order in which
 * SQLite itself does (walIndexTryHdr), and believes none of them before it is checked.
 */
#include "walindex.h"

#include <inttypes.h>
#include <string.h>

enum {
    REGION = 32768,      /* bytes of one mapped piece of the wal-index */
    REGION_HASH = 16384, /* where its hash table begins; before it are page numbers */
    SLOTS = 8192,
    FRAMES = 4096,       /* frames that a piece knows ... */
    FRAMES_FIRST = 4062, /* ... and the first one, which begins with the headers */
    HEADERS = 136,
    VERSION_KNOWN = 3007000,
    ATTEMPTS = 1000
};

/* The words of one header; bytes 12 to 15 are isInit, bigEndCksum and the page size. */
enum { WORD_VERSION, WORD_CHANGES = 2, WORD_PAGE_SIZE, WORD_MAX_FRAME, WORD_PAGES };
enum { WORD_SALTS = 8, WORD_CHECKSUM = 10, WORDS = 12, WORD_BACKFILLED = 24, WORD_MARKS };

bool walindex_in_use(sqlite3 *db)
{
    sqlite3_stmt *query = NULL;
    bool wal = false;

    if (sqlite3_prepare_v2(db, "PRAGMA main.journal_mode", -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(query, 0);
        wal = mode && !strcmp(mode, "wal");
    }
    sqlite3_finalize(query);
    return wal;
}

static sqlite3_file *walindex_file(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK)
        return NULL;
    return file && file->pMethods && file->pMethods->iVersion >= 2 ? file : NULL;
}

/* A piece of the wal-index as SQLite has it mapped, or NULL where there is none. */
static const volatile void *walindex_region(sqlite3_file *file, uint32_t region)
{
    volatile void *mapped = NULL;
    int code = file->pMethods->xShmMap(file, (int)region, REGION, 0, &mapped);

    return code == SQLITE_OK || code == SQLITE_READONLY ? mapped : NULL;
}

static void walindex_copy(uint32_t *words, const volatile uint32_t *shared)
{
    for (int i = 0; i < WORDS; i++)
        words[i] = shared[i];
}

/* The header's checksum in this host's byte order (walformat.html, fileformat2.html#walformat). */
static bool walindex_sound(const uint32_t *words)
{
    uint32_t sum = 0, other = 0;

    for (int i = 0; i < WORD_CHECKSUM; i += 2) {
        sum += words[i] + other;
        other += words[i + 1] + sum;
    }
    return sum == words[WORD_CHECKSUM] && other == words[WORD_CHECKSUM + 1];
}

static void walindex_fill(struct walindex *index, const uint32_t *words)
{
    uint16_t size;

    memcpy(&size, (const unsigned char *)words + WORD_PAGE_SIZE * 4 + 2, sizeof size);
    index->changes = words[WORD_CHANGES];
    index->page_size = (size & 0xFE00U) + ((size & 1U) << 16); /* 1 stands for 65536 */
    index->max_frame = words[WORD_MAX_FRAME];
    index->pages = words[WORD_PAGES];
    memcpy(index->salts, words + WORD_SALTS, sizeof index->salts);
    memcpy(index->header, words, sizeof index->header);
}

/* One attempt. A writer changes the second copy first; a reader therefore takes the first one
 * first. What comes behind the copies counts only if the header still stands afterwards: then the
 * log has not begun anew meanwhile, and `backfilled` belongs to it. */
static bool walindex_attempt(sqlite3_file *file, const volatile uint32_t *shared,
                             struct walindex *index)
{
    struct walindex found = {0};
    uint32_t first[WORDS], second[WORDS], again[WORDS];

    walindex_copy(first, shared);
    file->pMethods->xShmBarrier(file);
    walindex_copy(second, shared + WORDS);
    if (memcmp(first, second, sizeof first) || !walindex_sound(first) ||
        !((const unsigned char *)first)[WORD_PAGE_SIZE * 4])
        return false;
    file->pMethods->xShmBarrier(file);
    found.backfilled = shared[WORD_BACKFILLED];
    for (int i = 0; i < WALINDEX_MARKS; i++)
        found.marks[i] = shared[WORD_MARKS + i];
    file->pMethods->xShmBarrier(file);
    walindex_copy(again, shared);
    if (memcmp(first, again, sizeof first))
        return false;
    walindex_fill(&found, first);
    *index = found;
    return true;
}

/* Asked first: mapping the -shm of a database that is not in WAL mode would make that file. */
enum status walindex_read(sqlite3 *db, struct walindex *index, struct error *error)
{
    if (!walindex_in_use(db))
        return error_set(error, STATUS_REFUSED, "it is not in WAL mode");
    return walindex_look(db, index, error);
}

enum status walindex_look(sqlite3 *db, struct walindex *index, struct error *error)
{
    sqlite3_file *file = walindex_file(db);
    const volatile uint32_t *shared = file ? walindex_region(file, 0) : NULL;
    if (!shared)
        return error_set(error, STATUS_REFUSED, "its -shm file can't be mapped");
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!walindex_attempt(file, shared, index))
            continue;
        uint32_t version;
        memcpy(&version, index->header + WORD_VERSION, sizeof version);
        if (version != VERSION_KNOWN)
            return error_set(error, STATUS_REFUSED,
                             "its -shm file has version %" PRIu32 ", and only %d is known", version,
                             VERSION_KNOWN);
        return STATUS_OK;
    }
    return error_set(error, STATUS_BUSY, "its wal-index kept changing");
}

/* One piece of the wal-index: the page that each frame has, and a hash table from page to frame. */
struct walindex_piece {
    const volatile uint32_t *pages; /* of frame `before` + 1 and so on */
    const volatile uint16_t *slots; /* frames, counted from `before`; 0 is empty */
    uint32_t before, frames;
};

static bool walindex_piece(sqlite3_file *file, uint32_t region, struct walindex_piece *piece)
{
    const volatile unsigned char *bytes = walindex_region(file, region);

    if (!bytes)
        return false;
    piece->slots = (const volatile uint16_t *)(bytes + REGION_HASH);
    piece->pages = (const volatile uint32_t *)(bytes + (region ? 0 : HEADERS));
    piece->frames = region ? FRAMES : FRAMES_FIRST;
    piece->before = region ? FRAMES_FIRST + (region - 1) * FRAMES : 0;
    return true;
}

/* The newest frame of this piece that has `page`. Writers may add slots at the same time; what
 * they add lies beyond max_frame, and what was there stays (walFindFrame). */
static uint32_t walindex_probe(const struct walindex_piece *piece, uint32_t page,
                               uint32_t max_frame)
{
    uint32_t newest = 0, key = page * 383 % SLOTS;

    for (uint32_t probes = 0; probes < SLOTS; probes++, key = (key + 1) % SLOTS) {
        uint32_t slot = piece->slots[key];
        if (!slot)
            break;
        uint32_t frame = piece->before + slot;
        if (slot <= piece->frames && frame <= max_frame && frame > newest &&
            piece->pages[slot - 1] == page)
            newest = frame;
    }
    return newest;
}

/* Which piece has this frame, counted from 1. */
static uint32_t walindex_region_of(uint32_t frame)
{
    return frame <= FRAMES_FIRST ? 0 : 1 + (frame - FRAMES_FIRST - 1) / FRAMES;
}

static enum status walindex_short(const struct walindex *index, struct error *error)
{
    return error_set(error, STATUS_INVALID,
                     "its -shm file ends before the last of %" PRIu32 " frames", index->max_frame);
}

enum status walindex_frame(sqlite3 *db, const struct walindex *index, uint32_t page,
                           uint32_t *frame, struct error *error)
{
    sqlite3_file *file = walindex_file(db);
    uint32_t found = 0;

    for (uint32_t region = walindex_region_of(index->max_frame) + 1; region-- > 0 && !found;) {
        struct walindex_piece piece;
        if (!file || !walindex_piece(file, region, &piece))
            return walindex_short(index, error);
        found = walindex_probe(&piece, page, index->max_frame);
    }
    *frame = found;
    return STATUS_OK;
}

enum status walindex_written(sqlite3 *db, const struct walindex *index, uint32_t after,
                             void (*take)(void *argument, uint32_t page), void *argument,
                             struct error *error)
{
    sqlite3_file *file = walindex_file(db);

    for (uint32_t frame = after + 1; frame <= index->max_frame;) {
        struct walindex_piece piece;
        if (!file || !walindex_piece(file, walindex_region_of(frame), &piece))
            return walindex_short(index, error);
        for (; frame <= index->max_frame && frame - piece.before <= piece.frames; frame++)
            take(argument, piece.pages[frame - piece.before - 1]);
    }
    return STATUS_OK;
}
