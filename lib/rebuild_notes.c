/*
 * What a rebuild puts into the application's schema, and takes out of it: the copy, the notes with
 * their triggers (rebuild_triggers.c), and the lease of these. All of it is made in one step, and
 * the triggers are there before the first entry is copied.
 *
 * The copy is a table WITHOUT ROWID, which is an index b-tree: so it is sound in everybody's eyes
 * while it grows, and what is left of the old index afterwards is, too. Only that its key may hold
 * NULLs is more than such a table may, and integrity_check says so as long as it is there.
 */
#include "rebuild_inside.h"

#include "clock.h"

static const double notes_renew_share = 0.25; /* of the lease */

static void notes_add_tables(const struct rebuild *rebuild, struct text *sql)
{
    const struct shape *shape = &rebuild->shape;

    text_add(sql, "CREATE TABLE " REBUILD_COPY);
    rebuild_add_layout(shape, sql);
    text_addf(sql,
              ";\nCREATE TABLE " REBUILD_LEASE "(alive, until);\n"
              "INSERT INTO " REBUILD_LEASE " VALUES(1, strftime('%%s', 'now') + %.0f);\n"
              "CREATE TABLE " REBUILD_FILLED "(n INTEGER PRIMARY KEY, zeros);\n"
              "CREATE TABLE " REBUILD_NOTES "(_litekeeper_n INTEGER PRIMARY KEY, _litekeeper_old",
              rebuild->lease_s);
    if (shape->rowid)
        text_add(sql, ", _litekeeper_id");
    for (size_t i = 0; i < shape->noted_count; i++) {
        text_add(sql, ", ");
        text_add_identifier(sql, shape->noted[i].name);
        text_addf(sql, " %s COLLATE %s", shape->noted[i].affinity, shape->noted[i].collation);
    }
    text_add(sql, ");\n");
}

enum status rebuild_find_root(struct rebuild *rebuild, const char *name, uint32_t *root,
                              struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        database_prepare(rebuild->database, "SELECT rootpage FROM sqlite_master WHERE name = ?1",
                         &statement, error);

    if (status == STATUS_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        status = database_step(rebuild->database, statement, &row, error);
    }
    if (status == STATUS_OK)
        *root = row ? (uint32_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return status;
}

struct notes_installation {
    struct text sql;
    int64_t schema; /* its version afterwards */
};

static enum status notes_install(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct notes_installation *installation = argument;
    enum status status;

    if ((status = rebuild_check_schema(rebuild, error)) ||
        (status = database_exec(rebuild->database, installation->sql.bytes, error)) ||
        (status = rebuild_find_root(rebuild, REBUILD_COPY, &rebuild->copy_root, error)) ||
        (status = rebuild_find_root(rebuild, rebuild->shape.index, &rebuild->shape.root, error)))
        return status;
    rebuild->renewed_ms = clock_monotonic_ms();
    return database_integer(rebuild->database, "PRAGMA schema_version", 0, &installation->schema,
                            error);
}

enum status rebuild_install(struct rebuild *rebuild, struct error *error)
{
    struct notes_installation installation = {0};
    enum status status = STATUS_OK;
    bool done = false;

    notes_add_tables(rebuild, &installation.sql);
    rebuild_add_triggers(&rebuild->shape, &installation.sql);
    while (status == STATUS_OK && !done)
        status = rebuild_plain_step(rebuild, notes_install, &installation, &done, error);
    text_free(&installation.sql);
    if (status)
        return status;
    rebuild->schema = installation.schema;
    rebuild->installed = true;
    return rebuild_imposters(rebuild, error);
}

/* Where nobody has written since the lease ran out, nothing was missed, and it goes on. */
enum status rebuild_renew(struct rebuild *rebuild, struct error *error)
{
    struct text sql = {0};
    double now = clock_monotonic_ms();
    int64_t alive = 0;
    enum status status =
        database_integer(rebuild->database, "SELECT alive FROM " REBUILD_LEASE, 0, &alive, error);

    if (status == STATUS_OK && !alive)
        return error_set(error, STATUS_CANCELLED,
                         "litekeeper was held up for longer than %.0f s while %s was being built, "
                         "and the application's changes were no longer noted; run it again",
                         rebuild->lease_s, rebuild->shape.index);
    if (status || now - rebuild->renewed_ms < rebuild->lease_s * 1e3 * notes_renew_share)
        return status;
    text_addf(&sql, "UPDATE " REBUILD_LEASE " SET until = strftime('%%s', 'now') + %.0f",
              rebuild->lease_s);
    status = database_exec(rebuild->database, sql.bytes, error);
    rebuild->renewed_ms = now;
    text_free(&sql);
    return status;
}

static enum status notes_nothing(struct rebuild *rebuild, void *argument, struct error *error)
{
    (void)rebuild;
    (void)argument;
    (void)error;
    return STATUS_OK;
}

enum status rebuild_keep_alive(struct rebuild *rebuild, struct error *error)
{
    double age_ms = clock_monotonic_ms() - rebuild->renewed_ms;
    bool done = false;

    if (age_ms < rebuild->lease_s * 1e3 * notes_renew_share)
        return STATUS_OK;
    return rebuild_step(rebuild, notes_nothing, NULL, &done, error);
}

enum status rebuild_uninstall(struct rebuild *rebuild, struct error *error)
{
    struct text sql = {0};

    rebuild_add_drop_triggers(&sql);
    text_add(&sql, "DROP TABLE IF EXISTS " REBUILD_LEASE ";\n");
    enum status status = database_exec(rebuild->database, sql.bytes, error);
    text_free(&sql);
    return status;
}
