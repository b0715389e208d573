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

    /* What comes twice is one run. NULLs are distinct in a unique index, hence the ''. */
    "DELETE FROM run WHERE id NOT IN"
    " (SELECT min(id) FROM run GROUP BY path, task, ifnull(target, ''), started_us);"
    "DROP INDEX run_task;"
    "CREATE UNIQUE INDEX run_key ON run(path, task, ifnull(target, ''), started_us);"
    "ALTER TABLE run ADD COLUMN busy INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE run ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE state("
    " path TEXT NOT NULL,"
    " task TEXT NOT NULL,"
    " target TEXT NOT NULL,"      /* '': none */
    " seen_us INTEGER NOT NULL,"  /* first known */
    " known_us INTEGER NOT NULL," /* last known, to the day */
    " started_us INTEGER,"        /* the last run that counts: neither busy, waiting, nor stopped */
    " failures INTEGER NOT NULL DEFAULT 0," /* in a row */
    " outcome TEXT,"                        /* the last, whether it counts or not */
    " done_us INTEGER,"                     /* the last run that was done: when begun, ... */
    " done_seconds REAL,"
    " done_effect TEXT," /* ... and its effect as JSON */
    " PRIMARY KEY(path, task, target)) WITHOUT ROWID;"
    "INSERT INTO state(path, task, target, seen_us, known_us, started_us, failures, outcome)"
    " SELECT path, task, ifnull(target, ''), min(started_us), max(started_us),"
    "  max(started_us) FILTER (WHERE outcome <> 'cancelled'),"
    "  (SELECT count(*) FROM run AS f WHERE f.path = run.path AND f.task = run.task"
    "   AND ifnull(f.target, '') = ifnull(run.target, '') AND f.outcome = 'failed'"
    "   AND f.started_us > (SELECT ifnull(max(g.started_us), 0) FROM run AS g"
    "    WHERE g.path = run.path AND g.task = run.task"
    "    AND ifnull(g.target, '') = ifnull(run.target, '') AND g.outcome IN ('done', 'skipped'))),"
    "  (SELECT l.outcome FROM run AS l WHERE l.path = run.path AND l.task = run.task"
    "   AND ifnull(l.target, '') = ifnull(run.target, '') ORDER BY l.started_us DESC LIMIT 1)"
    " FROM run GROUP BY path, task, ifnull(target, '');"
    "UPDATE state SET (done_us, done_seconds, done_effect) ="
    " (SELECT started_us, seconds, effect FROM run WHERE run.path = state.path"
    "  AND run.task = state.task AND ifnull(run.target, '') = state.target"
    "  AND run.outcome = 'done' ORDER BY started_us DESC LIMIT 1);"
    "CREATE TABLE file("
    " path TEXT PRIMARY KEY,"
    " device INTEGER NOT NULL,"
    " inode INTEGER NOT NULL,"
    " known_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE alarm(" /* those that are raised */
    " path TEXT NOT NULL,"
    " metric TEXT NOT NULL,"
    " subject TEXT NOT NULL," /* '': none */
    " severity TEXT NOT NULL,"
    " threshold TEXT NOT NULL," /* as text: it has been through JSON */
    " database TEXT,"           /* path and database of litekeeper itself: '' and NULL */
    " value REAL,"
    " text TEXT NOT NULL,"
    " raised_us INTEGER NOT NULL,"
    " told_us INTEGER NOT NULL,"
    " PRIMARY KEY(path, metric, subject, severity, threshold)) WITHOUT ROWID;"
    "CREATE TABLE alarm_change(" /* all that became of them */
    " id INTEGER PRIMARY KEY,"
    " at_us INTEGER NOT NULL,"
    " change TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " metric TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " severity TEXT NOT NULL,"
    " threshold TEXT NOT NULL,"
    " database TEXT,"
    " value REAL,"
    " text TEXT NOT NULL,"
    " raised_us INTEGER NOT NULL,"
    " UNIQUE(path, metric, subject, severity, threshold, at_us, change));"
    "CREATE INDEX alarm_change_at ON alarm_change(at_us);"
    "CREATE TABLE pause("
    " database TEXT NOT NULL,"    /* '': all */
    " task TEXT NOT NULL,"        /* '': all */
    " until_us INTEGER NOT NULL," /* -1: until it is resumed */
    " PRIMARY KEY(database, task)) WITHOUT ROWID;"
    "CREATE TABLE thinned(" /* up to when samples are down to one in so long */
    " apart_us INTEGER PRIMARY KEY,"
    " upto_us INTEGER NOT NULL);"
    "PRAGMA user_version = 2;",

    /* The catalogue of archives: segments that are written, or done. */
    "CREATE TABLE segment("
    " directory TEXT NOT NULL,"
    " file TEXT NOT NULL," /* in it */
    " path TEXT NOT NULL," /* the database's */
    " database TEXT NOT NULL,"
    " target TEXT NOT NULL," /* the table */
    " state TEXT NOT NULL,"
    " rows INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL,"
    " sha256_rows TEXT NOT NULL,"
    " manifest_sha256 TEXT,"
    " first_us INTEGER NOT NULL,"
    " last_us INTEGER NOT NULL,"
    " cutoff_us INTEGER NOT NULL,"
    " recorded_us INTEGER NOT NULL,"
    " rebuilt INTEGER NOT NULL DEFAULT 0," /* from the manifest, which nothing vouches for then */
    " PRIMARY KEY(directory, file)) WITHOUT ROWID;"
    "PRAGMA user_version = 3;",

    /* What was put back out of an archive, and retention leaves alone. */
    "CREATE TABLE hold("
    " path TEXT NOT NULL,"
    " target TEXT NOT NULL COLLATE NOCASE," /* the table */
    " first_us INTEGER NOT NULL,"
    " last_us INTEGER NOT NULL," /* times of rows: first_us <= time <= last_us */
    " database TEXT NOT NULL,"
    " set_us INTEGER NOT NULL,"
    " PRIMARY KEY(path, target, first_us)) WITHOUT ROWID;"
    "PRAGMA user_version = 4;",

    /* Which SQLite the applications write their files with. */
    "CREATE TABLE writer("
    " path TEXT PRIMARY KEY,"
    " version INTEGER NOT NULL," /* 3040001 */
    " ours INTEGER NOT NULL,"    /* litekeeper's own then */
    " at_us INTEGER NOT NULL,"   /* when the file's header named it */
    " inode INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 5;",
};

const int history_schema_version = sizeof history_schema / sizeof *history_schema;
