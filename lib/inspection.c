/* The JSON of `inspect`. */
#include "inspection.h"

#include "library.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 4096 }; /* a b-tree's event has to fit into one line of a worker's pipe */

static const char *const inspection_auto_vacuum[] = {"none", "full", "incremental"};

/* Hostile text as a JSON string; NULL becomes null. A character cut in two at the end becomes '?'
 * too. */
static json_t *inspection_text(const char *hostile)
{
    if (!hostile)
        return json_null();
    char *text = memory_copy_length(hostile, strnlen(hostile, TEXT_MOST));
    text_sanitize(text);
    json_t *string = json_string(text);
    free(text);
    return string;
}

enum status inspection_look(sqlite3 *db, struct inspection *inspection, struct error *error)
{
    sqlite3_stmt *query = NULL;
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;
    enum status status = STATUS_OK;

    if (sqlite3_prepare_v2(db, "PRAGMA main.journal_mode", -1, &query, NULL) != SQLITE_OK ||
        sqlite3_step(query) != SQLITE_ROW) {
        status = error_set(error, STATUS_FAILED, "its journal mode: %s", sqlite3_errmsg(db));
    } else {
        snprintf(inspection->journal_mode, sizeof inspection->journal_mode, "%s",
                 (const char *)sqlite3_column_text(query, 0));
        inspection->library = sqlite3_libversion_number();
        inspection->wal_bytes = 0;
        if (!strcmp(inspection->journal_mode, "wal") &&
            sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
            log && log->pMethods && log->pMethods->xFileSize(log, &size) == SQLITE_OK)
            inspection->wal_bytes = size;
    }
    sqlite3_finalize(query);
    return status;
}

json_t *inspection_btree(const struct pages_btree *btree)
{
    return json_pack(
        "{s:s, s:o, s:s, s:o, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:f, "
        "s:o}",
        "event", "btree", "name", inspection_text(btree->name), "type", btree->type, "table",
        inspection_text(btree->table), "root", (json_int_t)btree->root, "depth", btree->depth,
        "interior_pages", (json_int_t)btree->interior_pages, "leaf_pages",
        (json_int_t)btree->leaf_pages, "overflow_pages", (json_int_t)btree->overflow_pages,
        "overflow_error", (json_int_t)btree->overflow_error, "bytes", (json_int_t)btree->bytes,
        "leaves_read", (json_int_t)btree->leaves_read, "entry_bytes", btree->entry_bytes, "entries",
        (json_int_t)btree->entries, "fragmentation", btree->fragmentation, "density",
        btree->density, "error", inspection_text(btree->error));
}

static json_t *inspection_sqlite(const struct inspection *inspection)
{
    char library[LIBRARY_VERSION], writer[LIBRARY_VERSION];
    int last_writer = (int)(inspection->pages->last_writer_version & INT32_MAX);

    /* 0: an empty file, which nobody has written to, or a SQLite before 3.7.0 */
    return json_pack("{s:s, s:b, s:s?, s:b}", "version",
                     library_version(library, inspection->library), "wal_reset_bug",
                     library_has_wal_reset_bug(inspection->library), "last_writer_version",
                     last_writer ? library_version(writer, last_writer) : NULL,
                     "last_writer_wal_reset_bug", library_has_wal_reset_bug(last_writer));
}

json_t *inspection_summary(const struct inspection *inspection)
{
    const struct pages_report *pages = inspection->pages;

    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:o, s:I, s:b, s:o}", "event",
                     "inspection", "path", inspection_text(inspection->path), "page_size",
                     (json_int_t)pages->page_size, "pages", (json_int_t)pages->pages, "free_pages",
                     (json_int_t)pages->free_pages, "wal_bytes", (json_int_t)inspection->wal_bytes,
                     "journal_mode", inspection->journal_mode, "auto_vacuum",
                     inspection_auto_vacuum[pages->auto_vacuum], "sqlite",
                     inspection_sqlite(inspection), "pages_read", (json_int_t)pages->pages_read,
                     "approximate", pages->approximate, "freelist_error",
                     inspection_text(pages->freelist_error));
}
