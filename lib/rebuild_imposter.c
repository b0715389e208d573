/*
 * Imposters: tables WITHOUT ROWID, known to our connection alone, whose rows are the entries of an
 * index. SQLite's own RBU extension writes indexes so (ext/rbu/sqlite3rbu.c, "imposter"). Unlike a
 * real table of that kind they take NULLs in their key. They last until the schema changes.
 */
#include "rebuild_inside.h"

enum { IMPOSTER_OFF, IMPOSTER_ON };

/* Where the library was built without test controls, CREATE TABLE would make a real table. */
enum status rebuild_imposter_possible(struct error *error)
{
    if (sqlite3_compileoption_used("UNTESTABLE"))
        return error_set(error, STATUS_REFUSED,
                         "litekeeper's SQLite was built with SQLITE_UNTESTABLE and can't write "
                         "indexes by themselves");
    return STATUS_OK;
}

void rebuild_add_layout(const struct shape *shape, struct text *sql)
{
    text_add(sql, "(");
    for (size_t i = 0; i < shape->count; i++)
        text_addf(sql, "k%zu%s COLLATE %s, ", i + 1, shape->columns[i].real ? " NUMERIC" : "",
                  shape->columns[i].collation);
    text_add(sql, "PRIMARY KEY(");
    for (size_t i = 0; i < shape->count; i++)
        text_addf(sql, "%sk%zu%s", i ? ", " : "", i + 1,
                  shape->columns[i].descending ? " DESC" : "");
    text_add(sql, ")) WITHOUT ROWID");
}

static void rebuild_imposter_switch(struct rebuild *rebuild, int mode, uint32_t root)
{
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, database_sql(rebuild->database), "main", mode,
                         (int)root);
}

/* SQLite takes an imposter for a change of the schema, which a ROLLBACK would undo, till the next
 * statement ends that reads outside a transaction (sqlite3CommitInternalChanges). */
static enum status rebuild_imposter_keep(struct rebuild *rebuild, struct error *error)
{
    int64_t ignored;

    return database_integer(rebuild->database, "SELECT count(*) FROM sqlite_master", 0, &ignored,
                            error);
}

enum status rebuild_imposter(struct rebuild *rebuild, const char *name, uint32_t root,
                             struct error *error)
{
    struct text sql = {0};

    text_addf(&sql, "CREATE TABLE %s", name);
    rebuild_add_layout(&rebuild->shape, &sql);
    rebuild_imposter_switch(rebuild, IMPOSTER_ON, root);
    enum status status = database_exec(rebuild->database, sql.bytes, error);
    rebuild_imposter_switch(rebuild, IMPOSTER_OFF, 0);
    text_free(&sql);
    return status ? status : rebuild_imposter_keep(rebuild, error);
}

enum status rebuild_imposters(struct rebuild *rebuild, struct error *error)
{
    enum status status;

    rebuild_imposters_end(rebuild);
    /* Reads the schema first: an imposter would not be in the one that is read later. */
    if ((status = rebuild_imposter_keep(rebuild, error)) ||
        (status = rebuild_check_schema(rebuild, error)) ||
        (status = rebuild_imposter(rebuild, REBUILD_NEW, rebuild->copy_root, error)) ||
        rebuild->create)
        return status;
    return rebuild_imposter(rebuild, REBUILD_OLD, rebuild->shape.root, error);
}

void rebuild_imposters_end(struct rebuild *rebuild)
{
    rebuild_imposter_switch(rebuild, IMPOSTER_OFF, 1);
}
