/* The rows are made by SQL and foretold by the same rules in C. */
#include "lib_ledger.h"

#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LEDGER_LOGS_K = 4, /* of five thousand rows; the others are orders */
    LEDGER_ORDERS_K = 1,
    LEDGER_GARBAGE = 50, /* every so many logs have no time that can be read */
    LEDGER_HOLD = 10,    /* every so many orders are held */
    LEDGER_LARGE = 97,   /* every so many have LEDGER_MANY items, more than one statement takes */
    LEDGER_MANY = 40,
    LEDGER_FEW = 2
};

static const char ledger_schema[] =
    "CREATE TABLE logs(id INTEGER PRIMARY KEY, timestamp TEXT, version INTEGER NOT NULL,"
    " message TEXT);"
    "CREATE INDEX logs_timestamp ON logs(timestamp);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, created INTEGER, version INTEGER NOT NULL,"
    " note TEXT);"
    "CREATE TABLE items(id INTEGER PRIMARY KEY,"
    " order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE, what TEXT);"
    "CREATE INDEX items_order ON items(order_id);"
    "CREATE TABLE holds(id INTEGER PRIMARY KEY,"
    " order_id INTEGER NOT NULL REFERENCES orders ON DELETE RESTRICT);"
    "CREATE INDEX holds_order ON holds(order_id);"
    "CREATE TABLE gone(order_id INTEGER PRIMARY KEY);";

static const char ledger_trigger[] = "CREATE TRIGGER orders_gone AFTER DELETE ON orders"
                                     " BEGIN INSERT INTO gone VALUES(old.id); END";

/* The age of row i in days, half of the rows beyond 110. */
static const char ledger_ages[] =
    "CREATE TEMP TABLE age AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < %d) SELECT i, CASE WHEN i <= %d THEN 210 - i * 100.0 / %d"
    " ELSE 90 - (i - %d) * 89.0 / %d END AS days FROM n;";

static const char ledger_logs[] =
    "INSERT INTO logs SELECT i, CASE WHEN i %% %d = 0 THEN 'unknown ' || i"
    " ELSE strftime('%%Y-%%m-%%d %%H:%%M:%%S', 'now', -days || ' days') END, 0,"
    " hex(randomblob(50)) FROM age;";

static const char ledger_orders[] =
    "INSERT INTO orders SELECT i, strftime('%%s', 'now', -days || ' days') + 0, 0,"
    " hex(randomblob(50)) FROM age;"
    "INSERT INTO items(order_id, what) SELECT id, hex(randomblob(20)) FROM orders"
    " JOIN (WITH RECURSIVE k(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < %d)"
    " SELECT j FROM k) WHERE j <= CASE WHEN id %% %d = 0 THEN %d ELSE %d END;"
    "INSERT INTO holds(order_id) SELECT id FROM orders WHERE id %% %d = 0;";

static void ledger_fill(sqlite3 *db, int rows, const char *insert)
{
    int half = rows / 2;

    sql_do(db, "DROP TABLE IF EXISTS temp.age");
    sql_do(db, ledger_ages, rows, half, half, half, half);
    sql_do(db, "%s", insert);
}

static int ledger_count(const struct ledger_kind *kind, enum ledger_table table)
{
    return kind->scale * 1000 / 5 * (table == LEDGER_LOGS ? LEDGER_LOGS_K : LEDGER_ORDERS_K);
}

void ledger_make(const char *path, const struct ledger_kind *kind)
{
    char *logs = memory_format(ledger_logs, LEDGER_GARBAGE);
    char *orders = memory_format(ledger_orders, LEDGER_MANY, LEDGER_LARGE, LEDGER_MANY, LEDGER_FEW,
                                 LEDGER_HOLD);
    sqlite3 *db = sql_make(path);

    sql_do(db, "PRAGMA journal_mode = %s", kind->journal);
    sql_do(db, "BEGIN; %s", ledger_schema);
    if (kind->by_index)
        sql_do(db, "CREATE INDEX orders_created ON orders(created)");
    if (kind->trigger)
        sql_do(db, "%s", ledger_trigger);
    ledger_fill(db, ledger_count(kind, LEDGER_LOGS), logs);
    ledger_fill(db, ledger_count(kind, LEDGER_ORDERS), orders);
    sql_do(db, "COMMIT");
    sqlite3_close(db);
    free(orders);
    free(logs);
}

struct ledger *ledger_new(void)
{
    int fd = memfd_create("ledger", MFD_CLOEXEC);

    ck_assert(fd >= 0 && ftruncate(fd, sizeof(struct ledger)) == 0);
    struct ledger *ledger = ledger_attach(fd);
    ck_assert_ptr_nonnull(ledger);
    ledger->fd = fd;
    return ledger;
}

struct ledger *ledger_attach(int fd)
{
    void *memory = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static struct ledger_row ledger_row(enum ledger_table table, int id, int half)
{
    bool kept = table == LEDGER_LOGS ? id % LEDGER_GARBAGE == 0 : id % LEDGER_HOLD == 0;
    int items = table == LEDGER_LOGS ? 0 : id % LEDGER_LARGE == 0 ? LEDGER_MANY : LEDGER_FEW;

    return (struct ledger_row){id > half || kept ? LEDGER_STAYS : LEDGER_OLD, 0, items};
}

void ledger_start(struct ledger *ledger, const struct ledger_kind *kind)
{
    int fd = ledger->fd;

    memset(ledger, 0, sizeof *ledger);
    ledger->fd = fd;
    ledger->trigger = kind->trigger;
    for (int table = 0; table < LEDGER_TABLES; table++) {
        int rows = ledger_count(kind, table);
        for (int id = 1; id <= rows; id++)
            ledger->rows[table][id] = ledger_row(table, id, rows / 2);
        ledger->next[table] = rows + 1;
    }
}

/* --- commits ------------------------------------------------------------------------------ */

void ledger_intend(struct ledger *ledger, const struct ledger_pending *pending)
{
    struct ledger_pending without = *pending;

    without.id = 0; /* by which it counts */
    ledger->pending = without;
    atomic_thread_fence(memory_order_seq_cst);
    ledger->pending.id = pending->id;
    atomic_thread_fence(memory_order_seq_cst);
}

void ledger_enter(struct ledger *ledger)
{
    const struct ledger_pending *pending = &ledger->pending;

    ledger->rows[pending->table][pending->id] = pending->row;
    if (pending->fresh)
        ledger->next[pending->table] = pending->id + 1;
    ledger->commits++;
    atomic_thread_fence(memory_order_seq_cst);
    ledger->pending.id = 0;
}

void ledger_settle(struct ledger *ledger, const char *path)
{
    static const char *const tables[] = {[LEDGER_LOGS] = "logs", [LEDGER_ORDERS] = "orders"};
    const struct ledger_pending *pending = &ledger->pending;

    if (!pending->id)
        return;
    sqlite3 *db = sql_open(path);
    char *sql = memory_format("SELECT coalesce((SELECT version FROM %s WHERE id = %d), -1)",
                              tables[pending->table], (int)pending->id);
    int64_t version = sql_number(db, sql);
    sqlite3_close(db);
    free(sql);
    if (version == (pending->row.state == LEDGER_NEVER ? -1 : pending->row.version))
        ledger_enter(ledger);
    else
        ledger->pending.id = 0;
}

/* --- what there is ------------------------------------------------------------------------ */

static const char *const ledger_selects[LEDGER_TABLES] = {
    [LEDGER_LOGS] = "SELECT id, version, 0, 0 FROM logs",
    [LEDGER_ORDERS] = "SELECT id, version, (SELECT count(*) FROM items WHERE order_id = o.id),"
                      " EXISTS (SELECT 1 FROM gone WHERE order_id = o.id) FROM orders AS o",
};

static void ledger_check_row(const struct ledger *ledger, enum ledger_table table,
                             sqlite3_stmt *found)
{
    int64_t id = sqlite3_column_int64(found, 0);
    int version = sqlite3_column_int(found, 1), items = sqlite3_column_int(found, 2);

    ck_assert_msg(id > 0 && id < ledger->next[table], "table %d has a row %d from nowhere", table,
                  (int)id);
    const struct ledger_row *row = &ledger->rows[table][id];
    ck_assert_msg(row->state != LEDGER_NEVER, "table %d: row %d is back", table, (int)id);
    ck_assert_msg(version == row->version, "table %d: row %d has version %d instead of %d", table,
                  (int)id, version, row->version);
    if (row->state == LEDGER_STAYS && row->items != LEDGER_ANY_ITEMS)
        ck_assert_msg(items == row->items, "order %d has %d items instead of %d", (int)id, items,
                      row->items);
    ck_assert_msg(!sqlite3_column_int(found, 3), "order %d is there and gone", (int)id);
}

/* Returns how many are gone that may. */
static int64_t ledger_check_table(const struct ledger *ledger, sqlite3 *db, enum ledger_table table,
                                  bool complete)
{
    sqlite3_stmt *rows = sql_prepare(db, ledger_selects[table]);
    bool *seen = memory_zeroed(LEDGER_ROWS, sizeof *seen);
    int64_t gone = 0;
    int rc;

    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        ledger_check_row(ledger, table, rows);
        seen[sqlite3_column_int64(rows, 0)] = true;
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    for (int64_t id = 1; id < ledger->next[table]; id++) {
        enum ledger_state state = ledger->rows[table][id].state;
        ck_assert_msg(seen[id] || state != LEDGER_STAYS, "table %d: row %d is lost", table,
                      (int)id);
        ck_assert_msg(!seen[id] || state != LEDGER_OLD || !complete,
                      "table %d: row %d is old and still there", table, (int)id);
        gone += state == LEDGER_OLD && !seen[id];
    }
    free(seen);
    sqlite3_finalize(rows);
    return gone;
}

int64_t ledger_check(const struct ledger *ledger, const char *path, bool complete)
{
    sqlite3 *db = sql_open(path);

    sql_do(db, "BEGIN"); /* litekeeper may be at work: all of it is of one moment */
    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    if (complete) /* else a rebuild may be under way */
        ck_assert_int_eq(
            sql_number(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%litekeeper%'"), 0);
    int64_t logs = ledger_check_table(ledger, db, LEDGER_LOGS, complete);
    int64_t orders = ledger_check_table(ledger, db, LEDGER_ORDERS, complete);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM gone"), ledger->trigger ? orders : 0);
    sqlite3_close(db);
    return logs + orders;
}
