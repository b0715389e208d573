/* Rows of a settled segment go into a SQLite file of the archive, and out of it again. */
#include "archive_db_inside.h"
#include "archive_read.h"
#include "memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct load {
    struct archive_db db;
    const struct archive_manifest *manifest;
    const struct archive_columns *columns;
    struct db_segment segment;
};

static const char load_segments[] =
    "CREATE TABLE IF NOT EXISTS _litekeeper_segment(name TEXT PRIMARY KEY, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, sha256_rows TEXT NOT NULL)";

/* --- the table ---------------------------------------------------------------------------- */

/* A declared type as SQL may have it: VARCHAR(30). What else a manifest might say is left out. */
static void load_type(const char *type, struct text *sql)
{
    for (const char *at = type; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(" _,()", *at))
            return;
    text_addf(sql, " %s", type);
}

static enum status load_run(const struct load *load, struct text *sql, struct error *error)
{
    enum status status = db_do(&load->db, sql->bytes, error);

    text_free(sql);
    return status;
}

static enum status load_make_table(const struct load *load, struct error *error)
{
    const struct archive_columns *columns = load->columns;
    struct text sql = {0};

    text_add(&sql, "CREATE TABLE ");
    text_add_identifier(&sql, load->db.table);
    for (size_t i = 0; i < columns->count; i++) {
        text_add(&sql, i ? ", " : "(");
        text_add_identifier(&sql, columns->list[i].name);
        load_type(columns->list[i].type, &sql);
    }
    text_add(&sql, ")");
    return load_run(load, &sql, error);
}

static enum status load_index(const struct load *load, const char *name, const size_t *columns,
                              size_t count, struct error *error)
{
    struct text sql = {0};

    text_addf(&sql, "CREATE INDEX IF NOT EXISTS %s ON ", name);
    text_add_identifier(&sql, load->db.table);
    for (size_t i = 0; i < count; i++) {
        text_add(&sql, i ? ", " : "(");
        text_add_identifier(&sql, load->columns->list[columns[i]].name);
    }
    text_add(&sql, ")");
    return load_run(load, &sql, error);
}

/* One that the table has got since the file was made. */
static enum status load_add_column(const struct load *load, const struct archive_column *column,
                                   struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "ALTER TABLE ");
    text_add_identifier(&sql, load->db.table);
    text_add(&sql, " ADD COLUMN ");
    text_add_identifier(&sql, column->name);
    load_type(column->type, &sql);
    return load_run(load, &sql, error);
}

static enum status load_has(const struct load *load, const char *column, bool *has,
                            struct error *error)
{
    sqlite3_stmt *row = NULL;
    enum status status = db_prepare(&load->db,
                                    "SELECT 1 FROM pragma_table_info(?1) WHERE ?2 IS NULL OR"
                                    " name = ?2 COLLATE NOCASE",
                                    &row, error);

    if (status)
        return status;
    sqlite3_bind_text(row, 1, load->db.table, -1, SQLITE_STATIC);
    sqlite3_bind_text(row, 2, column, -1, SQLITE_STATIC);
    status = db_step(&load->db, row, has, error);
    sqlite3_finalize(row);
    return status;
}

static enum status load_table(struct load *load, struct error *error)
{
    const struct archive_columns *columns = load->columns;
    bool has = false;
    enum status status = load_has(load, NULL, &has, error);

    if (!status && !has)
        status = load_make_table(load, error);
    for (size_t i = 0; !status && has && i < columns->count; i++) {
        bool there = false;
        if (!(status = load_has(load, columns->list[i].name, &there, error)) && !there)
            status = load_add_column(load, &columns->list[i], error);
    }
    if (!status)
        status = load_index(load, "_litekeeper_key", columns->key, columns->key_count, error);
    if (!status && columns->time != columns->key[0])
        status = load_index(load, "_litekeeper_time", &columns->time, 1, error);
    return status ? status : db_find_rowid(&load->db, error);
}

/* --- the rows ----------------------------------------------------------------------------- */

static void load_bind(sqlite3_stmt *insert, int parameter, const struct archive_value *value)
{
    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(insert, parameter, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(insert, parameter, value->real);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text64(insert, parameter, value->bytes, value->length, SQLITE_STATIC,
                            SQLITE_UTF8);
    else if (value->type == SQLITE_BLOB)
        sqlite3_bind_blob64(insert, parameter, value->length ? value->bytes : "", value->length,
                            SQLITE_STATIC);
    else
        sqlite3_bind_null(insert, parameter);
}

static enum status load_prepare_insert(const struct load *load, sqlite3_stmt **insert,
                                       struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "INSERT INTO ");
    text_add_identifier(&sql, load->db.table);
    text_addf(&sql, "(%s, ", load->db.rowid);
    archive_columns_sql(load->columns, &sql);
    text_add(&sql, ") VALUES(?");
    for (size_t i = 0; i < load->columns->count; i++)
        text_add(&sql, ", ?");
    text_add(&sql, ")");
    enum status status = db_prepare(&load->db, sql.bytes, insert, error);
    text_free(&sql);
    return status;
}

static enum status load_insert(struct load *load, struct archive_read *read, sqlite3_stmt *insert,
                               struct error *error)
{
    const struct archive_row *row = NULL;
    enum status status;
    bool ignored;

    load->segment.last = load->segment.first - 1;
    while (!(status = archive_read_row(read, &row, error)) && row) {
        sqlite3_bind_int64(insert, 1, ++load->segment.last);
        for (size_t i = 0; i < row->count; i++)
            load_bind(insert, 2 + (int)i, &row->values[i]);
        if ((status = db_step(&load->db, insert, &ignored, error)))
            return status;
        sqlite3_reset(insert);
    }
    return status;
}

static enum status load_next_rowid(struct load *load, struct error *error)
{
    sqlite3_stmt *row = NULL;
    struct text sql = {0};
    bool found = false;

    text_addf(&sql, "SELECT ifnull(max(%s), 0) + 1 FROM ", load->db.rowid);
    text_add_identifier(&sql, load->db.table);
    enum status status = db_prepare(&load->db, sql.bytes, &row, error);
    if (!status)
        status = db_step(&load->db, row, &found, error);
    load->segment.first = found ? sqlite3_column_int64(row, 0) : 1;
    sqlite3_finalize(row);
    text_free(&sql);
    return status;
}

/* What is about to be committed, read back: a column's affinity could have changed a value. */
static enum status load_compare(struct load *load, struct error *error)
{
    char sha256[DIGEST_HEX];
    sqlite3_stmt *select = NULL;
    struct archive_row row;
    struct digest digest;
    bool found = true;
    enum status status = db_select(&load->db, load->columns, &load->segment, &select, error);

    archive_row_init(load->columns, &row);
    digest_begin(&digest);
    while (!status && !(status = db_step(&load->db, select, &found, error)) && found) {
        archive_row_of(select, 0, &row);
        archive_row_digest(&row, &digest);
    }
    archive_row_free(&row);
    sqlite3_finalize(select);
    digest_end(&digest, sha256);
    return status || strcmp(sha256, load->manifest->sha256_rows) == 0
               ? status
               : error_set(error, STATUS_FAILED,
                           "%s does not give back the values that it was given; the rows stay in "
                           "%s: archive them to lines",
                           load->db.name, load->manifest->name);
}

static enum status load_note(struct load *load, struct error *error)
{
    sqlite3_stmt *note = NULL;
    bool ignored;
    enum status status =
        db_prepare(&load->db, "INSERT INTO _litekeeper_segment VALUES(?1, ?2, ?3, ?4)", &note,
                   error);

    if (status)
        return status;
    sqlite3_bind_text(note, 1, load->manifest->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(note, 2, load->segment.first);
    sqlite3_bind_int64(note, 3, load->segment.last);
    sqlite3_bind_text(note, 4, load->manifest->sha256_rows, -1, SQLITE_STATIC);
    status = db_step(&load->db, note, &ignored, error);
    sqlite3_finalize(note);
    return status;
}

static enum status load_rows(struct load *load, int folder, const char *lines, struct error *error)
{
    struct archive_read *read = NULL;
    sqlite3_stmt *insert = NULL;
    enum status status;

    if (!(status = load_next_rowid(load, error)) &&
        !(status = load_prepare_insert(load, &insert, error)) &&
        !(status = archive_read_open(folder, lines, load->manifest, load->columns, &read, error)))
        status = load_insert(load, read, insert, error);
    archive_read_close(read);
    sqlite3_finalize(insert);
    if (!status)
        status = load_compare(load, error);
    return status ? status : load_note(load, error);
}

static enum status load_all(struct load *load, int folder, const char *lines, struct error *error)
{
    enum status status;

    if ((status = db_do(&load->db, "BEGIN IMMEDIATE", error)) ||
        (status = db_do(&load->db, load_segments, error)) || (status = load_table(load, error)) ||
        (status = db_find_segment(&load->db, load->manifest->name, &load->segment, error)))
        return status;
    if (!load->segment.found)
        status = load_rows(load, folder, lines, error);
    return status ? status : db_do(&load->db, "COMMIT", error);
}

enum status archive_db_load(int folder, const char *lines, mode_t mode,
                            struct archive_manifest *manifest,
                            const struct archive_columns *columns, struct error *error)
{
    struct load load = {.manifest = manifest, .columns = columns};
    enum status status = db_open(folder, manifest, true, mode, &load.db, error);

    if (status)
        return status;
    status = load_all(&load, folder, lines, error);
    if (status == STATUS_OK) {
        manifest->store_first = load.segment.first;
        manifest->store_last = load.segment.last;
    }
    db_close(&load.db); /* what was not committed is undone */
    return status;
}

/* --- out of it again ---------------------------------------------------------------------- */

static enum status remove_rows(struct archive_db *db, const struct db_segment *segment,
                               struct error *error)
{
    sqlite3_stmt *delete = NULL;
    struct text sql = {0};
    bool ignored;

    text_add(&sql, "DELETE FROM ");
    text_add_identifier(&sql, db->table);
    text_addf(&sql, " WHERE %s BETWEEN ?1 AND ?2", db->rowid);
    enum status status = db_prepare(db, sql.bytes, &delete, error);
    text_free(&sql);
    if (status)
        return status;
    sqlite3_bind_int64(delete, 1, segment->first);
    sqlite3_bind_int64(delete, 2, segment->last);
    status = db_step(db, delete, &ignored, error);
    sqlite3_finalize(delete);
    return status;
}

static enum status remove_note(const struct archive_db *db, const char *name, bool *last,
                               struct error *error)
{
    sqlite3_stmt *delete = NULL, *more = NULL;
    bool found = true;
    enum status status =
        db_prepare(db, "DELETE FROM _litekeeper_segment WHERE name = ?1", &delete, error);

    if (!status) {
        sqlite3_bind_text(delete, 1, name, -1, SQLITE_STATIC);
        status = db_step(db, delete, &found, error);
    }
    sqlite3_finalize(delete);
    if (!status)
        status = db_prepare(db, "SELECT 1 FROM _litekeeper_segment", &more, error);
    if (!status)
        status = db_step(db, more, &found, error);
    sqlite3_finalize(more);
    *last = !found;
    return status;
}

static enum status remove_all(struct archive_db *db, const char *name, bool *last,
                              struct error *error)
{
    struct db_segment segment;
    enum status status;

    if ((status = db_find_rowid(db, error)) || (status = db_do(db, "BEGIN IMMEDIATE", error)) ||
        (status = db_find_segment(db, name, &segment, error)) ||
        (segment.found && (status = remove_rows(db, &segment, error))) ||
        (status = remove_note(db, name, last, error)) || (status = db_do(db, "COMMIT", error)))
        return status;
    return db_do(db, "PRAGMA incremental_vacuum", error);
}

enum status archive_db_remove(int folder, const struct archive_manifest *manifest,
                              struct error *error)
{
    struct archive_db db;
    bool last = false;

    if (faccessat(folder, manifest->store, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return STATUS_OK;
    enum status status = db_open(folder, manifest, true, 0600, &db, error);
    if (status)
        return status;
    status = remove_all(&db, manifest->name, &last, error);
    if (!status && last && unlinkat(folder, db.name, 0) < 0)
        status = error_set(error, STATUS_FAILED, "can't remove %s: %s", db.name, strerror(errno));
    db_close(&db);
    return status;
}
