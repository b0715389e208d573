/*
 * Reads all of the application's tables in one transaction, holds it for a while, and reads them
 * again: not a byte may be another. What it has read must lie between what the ledger said before
 * the snapshot and what it said after it. Its cache is small, so that the pages come from the file
 * and the log both times.
 */
#include "clock.h"
#include "lib_beside.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD_MOST_MS = 250, PAUSE_MOST_MS = 30, FNV_BASIS = 0x811c9dc5 };

#define FNV_PRIME 0x100000001b3U

struct reader {
    struct ledger *ledger;
    struct ledger *before, *after;
    bool *seen;
    sqlite3 *db;
};

/* A table, and what of it the ledger knows: the column that has the version, -1: nothing. */
static const struct reader_table {
    const char *name;
    enum ledger_table table;
    int version;
    void (*check)(sqlite3_stmt *row);
} reader_tables[] = {
    {"logs", LEDGER_LOGS, 2, NULL},
    {"orders", LEDGER_ORDERS, 2, NULL},
    {"items", 0, -1, NULL},
    {"holds", 0, -1, NULL},
    {"ballast", 0, -1, shrink_check_ballast_row},
};

enum { READER_TABLES = sizeof reader_tables / sizeof *reader_tables };

/* --- the ledger --------------------------------------------------------------------------- */

/* What is about to be committed first: so that it either says so, or the rows do. */
static void reader_copy(const struct ledger *from, struct ledger *to)
{
    to->pending = from->pending;
    atomic_thread_fence(memory_order_seq_cst);
    for (int table = 0; table < LEDGER_TABLES; table++) {
        to->next[table] = ((const volatile struct ledger *)from)->next[table];
        atomic_thread_fence(memory_order_seq_cst);
        memcpy(to->rows[table], from->rows[table],
               (size_t)to->next[table] * sizeof *to->rows[table]);
    }
}

static bool reader_doubtful(const struct reader *reader, enum ledger_table table, int64_t id)
{
    return reader->after->pending.id == id && reader->after->pending.table == table;
}

/* What is wrong with it; NULL: nothing. To assert of each row takes longer than to read them. */
static const char *reader_wrong(const struct reader *reader, enum ledger_table table, int64_t id,
                                int version)
{
    const struct ledger *before = reader->before, *after = reader->after;
    bool doubtful = reader_doubtful(reader, table, id);

    if (id <= 0 || id >= LEDGER_ROWS || (id >= after->next[table] && !doubtful))
        return "is from nowhere";
    if (id < before->next[table] && before->rows[table][id].state == LEDGER_NEVER)
        return "was deleted before";
    if (id < before->next[table] && version < before->rows[table][id].version)
        return "is too old";
    return doubtful || version <= after->rows[table][id].version ? NULL : "is not there yet";
}

static void reader_check_row(const struct reader *reader, enum ledger_table table, int64_t id,
                             int version)
{
    const char *wrong = reader_wrong(reader, table, id, version);

    if (wrong)
        ck_abort_msg("a snapshot of table %d has row %" PRId64 " in version %d, which %s", table,
                     id, version, wrong);
    reader->seen[id] = true;
}

/* Those that were there before the snapshot, and after it. */
static void reader_check_lost(const struct reader *reader, enum ledger_table table)
{
    const struct ledger *before = reader->before, *after = reader->after;

    for (int64_t id = 1; id < before->next[table]; id++)
        if (!reader->seen[id] && before->rows[table][id].state != LEDGER_NEVER &&
            after->rows[table][id].state != LEDGER_NEVER && !reader_doubtful(reader, table, id))
            ck_abort_msg("a snapshot of table %d lacks row %" PRId64, table, id);
}

/* --- a snapshot --------------------------------------------------------------------------- */

static uint64_t reader_digest(uint64_t digest, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const unsigned char *bytes = sqlite3_column_blob(row, i);
        int length = sqlite3_column_bytes(row, i);
        digest = (digest ^ (unsigned)(sqlite3_column_type(row, i) + length)) * FNV_PRIME;
        for (int j = 0; j < length; j++)
            digest = (digest ^ bytes[j]) * FNV_PRIME;
    }
    return digest;
}

/* All columns of all rows; with `check` each is looked at. */
static uint64_t reader_scan(const struct reader *reader, const struct reader_table *table,
                            bool check)
{
    char *sql = memory_format("SELECT * FROM %s NOT INDEXED ORDER BY rowid", table->name);
    sqlite3_stmt *rows = sql_prepare(reader->db, sql);
    uint64_t digest = FNV_BASIS;
    int rc;

    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        digest = reader_digest(digest, rows);
        if (check && table->version >= 0)
            reader_check_row(reader, table->table, sqlite3_column_int64(rows, 0),
                             sqlite3_column_int(rows, table->version));
        if (check && table->check)
            table->check(rows);
    }
    ck_assert_msg(rc == SQLITE_DONE, "a snapshot of %s: %s", table->name,
                  sqlite3_errmsg(reader->db));
    sqlite3_finalize(rows);
    free(sql);
    return digest;
}

/* The table and its index have the same rows. */
static void reader_check_index(const struct reader *reader)
{
    static const char by_index[] = "SELECT total(id) FROM logs INDEXED BY logs_timestamp"
                                   " WHERE timestamp > ''";

    ck_assert_int_eq(sql_number(reader->db, by_index),
                     sql_number(reader->db, "SELECT total(id) FROM logs NOT INDEXED"
                                            " WHERE timestamp > ''"));
}

static void reader_check(const struct reader *reader, uint64_t digests[READER_TABLES])
{
    for (size_t i = 0; i < READER_TABLES; i++) {
        memset(reader->seen, 0, LEDGER_ROWS * sizeof *reader->seen);
        digests[i] = reader_scan(reader, &reader_tables[i], true);
        if (reader_tables[i].version >= 0)
            reader_check_lost(reader, reader_tables[i].table);
    }
    reader_check_index(reader);
}

static void reader_look(struct reader *reader, double hold_ms)
{
    uint64_t digests[READER_TABLES];

    reader_copy(reader->ledger, reader->before);
    sql_do(reader->db, "BEGIN; SELECT count(*) FROM logs");
    reader_copy(reader->ledger, reader->after);
    reader_check(reader, digests);
    clock_sleep_ms(hold_ms);
    for (size_t i = 0; i < READER_TABLES; i++)
        ck_assert_msg(digests[i] == reader_scan(reader, &reader_tables[i], false),
                      "%s has changed within a snapshot of %.0f ms", reader_tables[i].name,
                      hold_ms);
    reader_check_index(reader);
    sql_do(reader->db, "COMMIT");
    __atomic_add_fetch(&reader->ledger->snapshots, 1, __ATOMIC_RELAXED);
}

void beside_read(const volatile bool *told, struct ledger *ledger, sqlite3 *db, uint64_t random)
{
    struct reader reader = {.ledger = ledger,
                            .before = memory_new(struct ledger),
                            .after = memory_new(struct ledger),
                            .seen = memory_zeroed(LEDGER_ROWS, sizeof *reader.seen),
                            .db = db};

    sql_do(db, "PRAGMA cache_size = 20");
    while (!*told) {
        reader_look(&reader, (double)randomdb_number(&random, HOLD_MOST_MS));
        clock_sleep_ms((double)randomdb_number(&random, PAUSE_MOST_MS));
    }
    free(reader.before);
    free(reader.after);
    free(reader.seen);
}
