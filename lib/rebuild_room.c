/*
 * Room for the copy: enough on the disk, and in the right place of the file. SQLite takes free
 * pages first, wherever they are, and an index in pages that another one has left is as scattered
 * as that was. So they are filled with zeros as long as the copy grows.
 */
#include "rebuild_inside.h"

#include "memory.h"
#include "pace.h"
#include "pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>

enum {
    ROOM_ROW = 16, /* pages that a row of zeros takes */
    ROOM_FEW = 8,  /* free pages that don't matter */
    ROOM_TIMES = 4 /* more free pages than this many copies have stay free */
};

static const double room_margin = 1.3; /* the copy may be larger than what it was taken from */

/* --- how much is needed ------------------------------------------------------------------- */

static bool room_stopped(void *argument)
{
    const struct engine_host *host = argument;

    return host->stopped(host->argument);
}

enum status rebuild_measure(struct rebuild *rebuild, struct error *error)
{
    struct engine_host host = *database_host(rebuild->database);
    double slice_ms = rebuild_slice_ms(rebuild);
    struct pages_limits limits = {.slice_ms = slice_ms,
                                  .gap_ms = pace_busy_step(slice_ms),
                                  .only_table = rebuild->shape.table,
                                  .stopped = room_stopped,
                                  .argument = &host};
    struct pages_report report;
    enum status status = pages_measure(database_sql(rebuild->database), &limits, &report, error);

    if (status)
        return status;
    for (size_t i = 0; status == STATUS_OK && i < report.btree_count; i++) {
        const struct pages_btree *btree = &report.btrees[i];
        if (strcmp(btree->name, rebuild->shape.index) != 0)
            continue;
        rebuild->index_pages = btree->bytes / (int64_t)report.page_size;
        rebuild->index_entries = btree->entries;
        if (btree->error)
            status = error_set(error, STATUS_REFUSED,
                               "the index %s is damaged (%s), so it is not "
                               "copied: run REINDEX after PRAGMA integrity_check",
                               btree->name, btree->error);
    }
    pages_report_free(&report);
    return status;
}

/* In WAL mode what is written is in the log, too, till a checkpoint. */
enum status rebuild_check_space(const struct rebuild *rebuild, int64_t pages, struct error *error)
{
    const struct database_facts *facts = database_facts(rebuild->database);
    double needed = (double)pages * facts->page_size * room_margin * (facts->wal ? 2 : 1);
    char has[TEXT_SHORT], wants[TEXT_SHORT];
    struct statvfs disk;

    if (statvfs(".", &disk) < 0)
        return error_set(error, STATUS_FAILED, "the free space of the disk can't be asked for");
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    if (free_bytes >= needed)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "%s needs %s on the disk while it is being built, which has %s free",
                     rebuild->shape.index, text_bytes(wants, (int64_t)needed),
                     text_bytes(has, (int64_t)free_bytes));
}

/* --- the free pages ----------------------------------------------------------------------- */

static enum status room_free(struct rebuild *rebuild, int64_t *pages, struct error *error)
{
    return database_integer(rebuild->database, "PRAGMA freelist_count", 0, pages, error);
}

struct room {
    sqlite3_stmt *insert;
    int64_t free;
};

static enum status room_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct room *room = argument;
    int64_t page = (int64_t)database_facts(rebuild->database)->page_size;
    enum status status = room_free(rebuild, &room->free, error);
    bool row;

    while (status == STATUS_OK && room->free > ROOM_FEW) {
        int64_t pages = room->free - 1 < ROOM_ROW ? room->free - 1 : ROOM_ROW;
        sqlite3_bind_int64(room->insert, 1, pages * (page - 64));
        status = database_step(rebuild->database, room->insert, &row, error);
        sqlite3_reset(room->insert);
        if (status == STATUS_OK)
            status = room_free(rebuild, &room->free, error);
        if (lease_spent(rebuild->lease))
            break;
    }
    return status;
}

static enum status room_fill(struct rebuild *rebuild, struct error *error)
{
    struct room room = {0};
    bool done = false;
    enum status status =
        database_prepare(rebuild->database,
                         "INSERT INTO " REBUILD_FILLED "(zeros) VALUES(zeroblob(?1))", &room.insert,
                         error);

    while (status == STATUS_OK && !(done && room.free <= ROOM_FEW))
        status = rebuild_step(rebuild, room_work, &room, &done, error);
    sqlite3_finalize(room.insert);
    return status;
}

/* Where auto_vacuum is full there are no free pages between two transactions. */
enum status rebuild_make_room(struct rebuild *rebuild, struct error *error)
{
    int64_t free_pages = 0;
    enum status status = room_free(rebuild, &free_pages, error);

    if (status || free_pages <= ROOM_FEW || rebuild->index_pages <= ROOM_FEW)
        return status;
    if (free_pages > ROOM_TIMES * rebuild->index_pages) {
        rebuild->result->scattered = true;
        return STATUS_OK;
    }
    return room_fill(rebuild, error);
}
