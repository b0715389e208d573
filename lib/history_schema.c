/* The tables of the history. Times are microseconds since 1970, UTC. */
#include "history_schema.h"

const char *const history_schema[] = {
    "CREATE TABLE run("
    " id INTEGER PRIMARY KEY,"
    " started_us INTEGER NOT NULL,"
    " recorded_us INTEGER NOT NULL,"
    " database TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " target TEXT,"
    " outcome TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " rows INTEGER NOT NULL,"
    " bytes_freed INTEGER NOT NULL,"
    " seconds REAL NOT NULL,"
    " lock_count INTEGER NOT NULL,"
    " lock_max_ms REAL NOT NULL,"
    " lock_p99_ms REAL NOT NULL,"
    " lock_total_ms REAL NOT NULL,"
    " effect TEXT);" /* JSON */
    "CREATE INDEX run_started ON run(started_us);"
    "CREATE INDEX run_task ON run(database, task, target, started_us);"
    "CREATE TABLE sample("
    " run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,"
    " page_size INTEGER,"
    " pages INTEGER,"
    " free_pages INTEGER,"
    " wal_bytes INTEGER);"
    "CREATE TABLE sample_btree("
    " sample INTEGER REFERENCES sample ON DELETE CASCADE,"
    " position INTEGER,"
    " name TEXT,"
    " \"table\" TEXT,"
    " type TEXT,"
    " depth INTEGER,"
    " interior_pages INTEGER,"
    " leaf_pages INTEGER,"
    " overflow_pages INTEGER,"
    " entries INTEGER,"
    " bytes INTEGER,"
    " fragmentation REAL,"
    " density REAL,"
    " PRIMARY KEY(sample, position)) WITHOUT ROWID;"
    "CREATE TABLE clock("
    " boot TEXT PRIMARY KEY,"          /* sd_id128_get_boot(3) */
    " offset_us INTEGER NOT NULL,"     /* wall clock less boot clock, when first seen or sure */
    " last_us INTEGER NOT NULL,"       /* when last seen, believed or not */
    " believed_us INTEGER,"            /* when last believed */
    " synchronised INTEGER NOT NULL);" /* the kernel has said so during this boot */
    "PRAGMA user_version = 1;",
};

const int history_schema_version = sizeof history_schema / sizeof *history_schema;
