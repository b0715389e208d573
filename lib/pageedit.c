/*
 * The pages of a write transaction: a table from page numbers to bytes, filled by SELECT from
 * sqlite_dbpage and emptied by UPDATE. Truncation is "INSERT ... VALUES(N, NULL)": the pages from N
 * on go at the commit, if no page is written after it (dbpage.html). Runs in a worker, under the
 * lease, whose transaction it uses and never begins or ends one.
 */
#include "pageedit.h"

#include "bytes.h"
#include "memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024, CHUNK_PAGES = 64 };

/* Where the fields of page 1 are that change; fileformat2.html#the_database_header. */
enum { AT_PAGES = 28, AT_SCHEMA = 40 };

struct pageedit_page {
    uint32_t number; /* 0: the slot is free */
    bool changed;
    unsigned char *bytes;
};

struct pageedit {
    struct database *database;
    sqlite3_stmt *read, *write, *truncate;
    struct fileheader header;
    struct pageedit_page *slots; /* by hash, with linear probing */
    size_t room, count;          /* room is a power of two */
    size_t changed;
    unsigned char **chunks; /* of memory for CHUNK_PAGES pages each, kept from one to the next */
    size_t chunk_count;
    unsigned char *looked; /* a page's, for pageedit_look */
    uint32_t schema;       /* the cookie of the schema when SQLite's copies were dropped last */
};

/* --- opening ------------------------------------------------------------------------------ */

static enum status edit_prepare(struct pageedit *edit, struct error *error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        {"SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1", &edit->read},
        {"UPDATE sqlite_dbpage SET data = ?1 WHERE pgno = ?2 AND schema = 'main'", &edit->write},
        {"INSERT INTO sqlite_dbpage(pgno, data) VALUES(?1, NULL)", &edit->truncate},
    };
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof statements / sizeof *statements && !status; i++)
        status =
            database_prepare(edit->database, statements[i].sql, statements[i].statement, error);
    return status;
}

enum status pageedit_open(struct database *database, struct pageedit **result, struct error *error)
{
    struct pageedit *edit = memory_new(struct pageedit);

    edit->database = database;
    edit->room = SLOTS_FIRST;
    edit->slots = memory_zeroed(edit->room, sizeof *edit->slots);
    sqlite3_db_config(database_sql(database), SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    enum status status = edit_prepare(edit, error);
    if (status)
        pageedit_close(edit);
    else
        *result = edit;
    return status;
}

void pageedit_close(struct pageedit *edit)
{
    if (!edit)
        return;
    sqlite3_finalize(edit->read);
    sqlite3_finalize(edit->write);
    sqlite3_finalize(edit->truncate);
    pageedit_end(edit);
    sqlite3_db_config(database_sql(edit->database), SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    for (size_t i = 0; i < edit->chunk_count; i++)
        free(edit->chunks[i]);
    free(edit->chunks);
    free(edit->looked);
    free(edit->slots);
    free(edit);
}

/* --- the table ---------------------------------------------------------------------------- */

static struct pageedit_page *edit_slot(const struct pageedit *edit, uint32_t number)
{
    size_t at = number * (size_t)2654435761U & (edit->room - 1);

    while (edit->slots[at].number && edit->slots[at].number != number)
        at = (at + 1) & (edit->room - 1);
    return &edit->slots[at];
}

static void edit_grow(struct pageedit *edit)
{
    struct pageedit_page *old = edit->slots;
    size_t room = edit->room;

    edit->room *= 2;
    edit->slots = memory_zeroed(edit->room, sizeof *edit->slots);
    for (size_t i = 0; i < room; i++)
        if (old[i].number)
            *edit_slot(edit, old[i].number) = old[i];
    free(old);
}

/* Where the bytes of one more page go. */
static unsigned char *edit_room(struct pageedit *edit)
{
    size_t size = database_facts(edit->database)->page_size, chunk = edit->count / CHUNK_PAGES;

    if (chunk == edit->chunk_count) {
        edit->chunks = memory_resize(edit->chunks, chunk + 1, sizeof *edit->chunks);
        edit->chunks[edit->chunk_count++] = memory_resize(NULL, CHUNK_PAGES, size);
    }
    return edit->chunks[chunk] + edit->count % CHUNK_PAGES * size;
}

/* SQLite reads the schema, and nothing else, as a b-tree: anew whenever the cookie is another one.
 * What it keeps of that must not outlive this transaction, since the next one may move it. */
void pageedit_end(struct pageedit *edit)
{
    if (edit->count)
        memset(edit->slots, 0, edit->room * sizeof *edit->slots);
    edit->count = edit->changed = 0;
    if (edit->schema == edit->header.schema)
        return;
    sqlite3_db_release_memory(database_sql(edit->database));
    edit->schema = edit->header.schema;
}

int64_t pageedit_bytes(const struct pageedit *edit)
{
    return (int64_t)edit->changed * edit->header.page_size;
}

/* --- reading ------------------------------------------------------------------------------ */

/* The row is only good until the statement is reset. */
static enum status edit_fetch(struct pageedit *edit, uint32_t number, unsigned char *into,
                              struct error *error)
{
    size_t size = database_facts(edit->database)->page_size;
    bool row = false;

    sqlite3_bind_int64(edit->read, 1, number);
    enum status status = database_step(edit->database, edit->read, &row, error);
    const void *bytes = status == STATUS_OK && row ? sqlite3_column_blob(edit->read, 0) : NULL;
    if (status == STATUS_OK && (!bytes || (size_t)sqlite3_column_bytes(edit->read, 0) != size))
        status = error_set(error, STATUS_INVALID, "page %" PRIu32 " can't be read", number);
    if (status == STATUS_OK)
        memcpy(into, bytes, size);
    sqlite3_reset(edit->read);
    return status;
}

static enum status edit_page(struct pageedit *edit, uint32_t number, struct pageedit_page **result,
                             struct error *error)
{
    struct pageedit_page *slot = edit_slot(edit, number);

    if (slot->number) {
        *result = slot;
        return STATUS_OK;
    }
    struct pageedit_page page = {.number = number, .bytes = edit_room(edit)};
    enum status status = edit_fetch(edit, number, page.bytes, error);
    if (status)
        return status;
    if (edit->count * 2 >= edit->room)
        edit_grow(edit);
    slot = edit_slot(edit, number);
    *slot = page;
    edit->count++;
    *result = slot;
    return STATUS_OK;
}

static enum status edit_check(const struct pageedit *edit, uint32_t number, struct error *error)
{
    if (number < 1 || number > edit->header.pages)
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 " is not one of the file's %" PRIu32, number,
                         edit->header.pages);
    if (number == fileheader_lock_page(&edit->header))
        return error_set(error, STATUS_INVALID, "page %" PRIu32 " is the lock-byte page", number);
    return STATUS_OK;
}

enum status pageedit_read(struct pageedit *edit, uint32_t number, const unsigned char **bytes,
                          struct error *error)
{
    struct pageedit_page *page = NULL;
    enum status status = edit_check(edit, number, error);

    if (status == STATUS_OK)
        status = edit_page(edit, number, &page, error);
    if (status == STATUS_OK)
        *bytes = page->bytes;
    return status;
}

enum status pageedit_look(struct pageedit *edit, uint32_t number, const unsigned char **bytes,
                          struct error *error)
{
    enum status status = edit_check(edit, number, error);
    const struct pageedit_page *slot = status ? NULL : edit_slot(edit, number);

    if (status || slot->number) {
        *bytes = status ? NULL : slot->bytes;
        return status;
    }
    if (!edit->looked)
        edit->looked = memory_resize(NULL, database_facts(edit->database)->page_size, 1);
    status = edit_fetch(edit, number, edit->looked, error);
    if (status == STATUS_OK)
        *bytes = edit->looked;
    return status;
}

enum status pageedit_change(struct pageedit *edit, uint32_t number, unsigned char **bytes,
                            struct error *error)
{
    struct pageedit_page *page = NULL;
    enum status status = edit_check(edit, number, error);

    if (status == STATUS_OK)
        status = edit_page(edit, number, &page, error);
    if (status)
        return status;
    edit->changed += !page->changed;
    page->changed = true;
    *bytes = page->bytes;
    return STATUS_OK;
}

/* --- the transaction ---------------------------------------------------------------------- */

/* Reserved bytes may be a checksum's or a cipher's, which the page would lack in its new place. */
enum status pageedit_refuse(const struct fileheader *header, struct error *error)
{
    if (header->usable != header->page_size)
        return error_set(error, STATUS_REFUSED,
                         "each page has %" PRIu32 " reserved bytes, as files with checksums or "
                         "encryption have: take mode: full for it",
                         header->page_size - header->usable);
    if (header->largest_root)
        return error_set(error, STATUS_REFUSED,
                         "the file has auto_vacuum: mode: incremental is for it");
    if (header->valid_for != header->changes)
        return error_set(error, STATUS_REFUSED,
                         "the size in its header is not valid (bytes 24 to 27 are not bytes 92 to "
                         "95), since an SQLite older than 3.7.0 has written last");
    if (header->free_pages >= header->pages || (header->freelist == 0) != (header->free_pages == 0))
        return error_set(error, STATUS_REFUSED,
                         "its header counts %" PRIu32 " free pages of %" PRIu32
                         ", which can't be: run the integrity task",
                         header->free_pages, header->pages);
    return STATUS_OK;
}

enum status pageedit_begin(struct pageedit *edit, struct error *error)
{
    struct pageedit_page *first = NULL;
    enum status status = edit_page(edit, 1, &first, error);

    if (status == STATUS_OK)
        status = fileheader_parse(first->bytes, &edit->header, error);
    if (status == STATUS_OK)
        status = pageedit_refuse(&edit->header, error);
    return status;
}

const struct fileheader *pageedit_header(const struct pageedit *edit)
{
    return &edit->header;
}

static enum status edit_write(struct pageedit *edit, const struct pageedit_page *page,
                              struct error *error)
{
    bool row;

    sqlite3_bind_blob(edit->write, 1, page->bytes, (int)edit->header.page_size, SQLITE_STATIC);
    sqlite3_bind_int64(edit->write, 2, page->number);
    enum status status = database_step(edit->database, edit->write, &row, error);
    sqlite3_reset(edit->write);
    sqlite3_clear_bindings(edit->write);
    return status;
}

static enum status edit_truncate(struct pageedit *edit, uint32_t pages, struct error *error)
{
    bool row;

    if (pages == edit->header.pages)
        return STATUS_OK;
    sqlite3_bind_int64(edit->truncate, 1, (sqlite3_int64)pages + 1);
    enum status status = database_step(edit->database, edit->truncate, &row, error);
    sqlite3_reset(edit->truncate);
    return status;
}

enum status pageedit_store(struct pageedit *edit, uint32_t pages, bool schema, struct error *error)
{
    struct pageedit_page *first = NULL;
    enum status status = edit_page(edit, 1, &first, error);

    assert(!schema || pages == edit->header.pages);
    for (size_t i = 0; i < edit->room && !status; i++) {
        const struct pageedit_page *page = &edit->slots[i];
        if (page->changed && page->number != 1 && page->number <= pages)
            status = edit_write(edit, page, error);
    }
    if (status)
        return status;
    bytes_put_four(first->bytes + AT_PAGES, pages);
    if (schema)
        bytes_put_four(first->bytes + AT_SCHEMA, edit->header.schema + 1);
    status = edit_write(edit, first, error);
    return status ? status : edit_truncate(edit, pages, error);
}
