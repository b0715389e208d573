/*
 * Retention end to end, the tables: however their rows are named, whatever indexes there are or
 * are missing, and whatever they and their files are called.
 */
#include "lib_proof.h"

/* Columns follow the name; `indexes` is SQL. Ages are hours; 100 days are 2400. */
#define TABLE(definition, indexes) "CREATE TABLE t" definition ";" indexes ";"
#define FILL(n, columns, values)    \
    PROOF_NUMBERS(n)                \
    "INSERT INTO t(at, age" columns \
    ") SELECT strftime('%s', " PROOF_AGO("i * 5 + 1") ") + 0, i * 5 + 1" values " FROM n;"
#define UUID                                                                                       \
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), " \
    "2)"                                                                                           \
    " || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
#define INDEX "CREATE INDEX t_at ON t(at)"
#define OLD   "DELETE FROM t WHERE age > 2400"
#define NO_INDEX                                                                         \
    "# rows older than 100d; the whole table was read, since no index gives it by age: " \
    "CREATE INDEX ... ON \"t\"(\"at\")"

static const struct proof_case cases[] = {
    /* --- how rows are named --- */
    {.name = "WITHOUT ROWID by UUID",
     .setup =
         TABLE("(id TEXT PRIMARY KEY, at, age) WITHOUT ROWID", INDEX) FILL(1000, ", id", ", " UUID),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "WITHOUT ROWID by UUID, no index",
     .setup =
         TABLE("(id TEXT PRIMARY KEY, at, age) WITHOUT ROWID", "") FILL(1000, ", id", ", " UUID),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "WITHOUT ROWID, composite key",
     .setup = TABLE("(a TEXT, b INT, c BLOB, at, age, PRIMARY KEY(a, b DESC, c)) WITHOUT ROWID",
                    INDEX) FILL(1000, ", a, b, c", ", i % 7, i % 11, randomblob(9)"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "WITHOUT ROWID, composite key, no index",
     .setup = TABLE("(a TEXT, b INT, c BLOB, at, age, PRIMARY KEY(a, b, c)) WITHOUT ROWID", "")
         FILL(1000, ", a, b, c", ", i % 7, i % 11, randomblob(9)"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "WITHOUT ROWID, a key that mixes directions, no index",
     .setup = TABLE("(a TEXT, b INT, at, age, PRIMARY KEY(a DESC, b)) WITHOUT ROWID", "")
         FILL(1000, ", a, b", ", i % 7, i"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "WITHOUT ROWID, the key begins with the time",
     .setup = TABLE("(at INTEGER, id INT, age, PRIMARY KEY(at, id)) WITHOUT ROWID", "")
         FILL(1000, ", id", ", i"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = "# rows older than 100d"},
    {.name = "WITHOUT ROWID, the key begins with the time, downwards",
     .setup = TABLE("(at INTEGER, id INT, age, PRIMARY KEY(at DESC, id)) WITHOUT ROWID", "")
         FILL(1000, ", id", ", i"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "WITHOUT ROWID, the key ends in the time, no index",
     .setup = TABLE("(id INT, at INTEGER, age, PRIMARY KEY(id, at)) WITHOUT ROWID", "")
         FILL(1000, ", id", ", i % 3"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "WITHOUT ROWID, a key that is finer than its column",
     .setup = TABLE("(id TEXT COLLATE NOCASE, at, age, PRIMARY KEY(id COLLATE BINARY)) "
                    "WITHOUT ROWID",
                    INDEX) PROOF_NUMBERS(1000) "INSERT INTO t SELECT 'a' || i, 1e9, 1e6 FROM n "
                                               "UNION ALL SELECT 'A' || i, strftime('%s') + 0, 0 "
                                               "FROM n",
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "rows of t can't be told apart: id has the collation NOCASE, but is unique by "
               "BINARY"},
    {.name = "more rows of one time that is none than can be read in a hold",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at TEXT, age)", INDEX) PROOF_NUMBERS(
         400000) "INSERT INTO t(at, age) SELECT '1970-01-01 00:00:00', 1 FROM "
                 "n;" PROOF_NUMBERS(1000) "INSERT INTO t(at, age) SELECT "
                                          "datetime(" PROOF_AGO("i * 5 + 1") "), i * 5 + 1 "
                                                                             "FROM n;",
     .options = "keep: 100d, format: datetime, zone: UTC",
     .limits = "    max_lock: 1ms\n",
     .model = OLD,
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":400000}"},
    {.name = "WITHOUT ROWID, keys of 30 kB",
     .setup = TABLE("(id TEXT PRIMARY KEY, at, age) WITHOUT ROWID", "")
         FILL(7000, ", id", ", i || hex(zeroblob(15000))"),
     .options = "keep: 1d",
     .model = "DELETE FROM t WHERE age > 24"},
    {.name = "STRICT",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at INTEGER, age INT, b ANY) STRICT", INDEX)
         FILL(1000, ", b", ", x'00'"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "STRICT, WITHOUT ROWID",
     .setup = TABLE("(id TEXT NOT NULL PRIMARY KEY, at INTEGER, age INT) STRICT, WITHOUT ROWID",
                    INDEX) FILL(1000, ", id", ", " UUID),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "no primary key",
     .setup = TABLE("(at, age, note)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "no primary key, no index",
     .setup = TABLE("(at, age, note)", "") FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "a primary key that is no rowid",
     .setup = TABLE("(id INTEGER PRIMARY KEY DESC, at, age)", INDEX) FILL(1000, ", id", ", -i"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "negative and huge rowids",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at, age)", "")
         FILL(1000, ", id", ", iif(i % 2, -9223372036854775807 + i, 9223372036854775807 - i)"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "rowid shadowed",
     .setup = TABLE("(rowid TEXT, at, age)", INDEX) FILL(1000, ", rowid", ", 'same'"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "rowid and oid shadowed, no index",
     .setup = TABLE("(ROWID TEXT, Oid, at, age)", "") FILL(1000, ", rowid, oid", ", 'same', i % 3"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "all three shadowed, an INTEGER PRIMARY KEY",
     .setup = TABLE("(id INTEGER PRIMARY KEY, rowid, _rowid_, oid, at, age)", INDEX)
         FILL(1000, ", rowid, oid", ", 'same', i % 3"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "all three shadowed, one of them the key",
     .setup = TABLE("(oid INTEGER PRIMARY KEY, rowid, _rowid_, at, age)", INDEX)
         FILL(1000, ", rowid", ", 'same'"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "all three shadowed, a unique key",
     .setup = TABLE("(rowid, _rowid_, oid, a TEXT NOT NULL, b INT NOT NULL, at, age, UNIQUE(b, a))",
                    "") FILL(1000, ", a, b", ", i % 10, i"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "all three shadowed, a unique key with NULLs",
     .setup = TABLE("(rowid, _rowid_, oid, a TEXT UNIQUE, at, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "rows of t can't be told apart: its columns hide all three names of the rowid, and "
               "it has no unique index without NULLs"},
    {.name = "all three shadowed, no key",
     .setup = TABLE("(rowid, _rowid_, oid, at, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "rows of t can't be told apart: ~"},
    {.name = "a generated column tells the time",
     .setup = TABLE("(id INTEGER PRIMARY KEY, stamp, age, at AS (stamp / 1000))", INDEX)
         PROOF_NUMBERS(1000) "INSERT INTO t(stamp, age) SELECT strftime('%s', " PROOF_AGO(
             "i * 5 + 1") ") * 1000, i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD},
    {.name = "AUTOINCREMENT",
     .setup = TABLE("(id INTEGER PRIMARY KEY AUTOINCREMENT, at, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "rows with overflow pages",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at, age, b)", INDEX)
         FILL(300, ", b", ", randomblob(i * 100)"),
     .options = "keep: 20d",
     .model = "DELETE FROM t WHERE age > 480"},

    /* --- indexes --- */
    {.name = "an index downwards",
     .setup = TABLE("(at, age)", "CREATE INDEX x ON t(at DESC)") FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD,
     .reason = "# rows older than 100d"},
    {.name = "an index of several columns",
     .setup = TABLE("(at, age, b)", "CREATE INDEX x ON t(at, b DESC, age)") FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD,
     .reason = "# rows older than 100d"},
    {.name = "an index in which the column comes second",
     .setup = TABLE("(at, age, b)", "CREATE INDEX x ON t(b, at)") FILL(1000, ", b", ", i % 2"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "a partial index",
     .setup = TABLE("(at, age, b)", "CREATE INDEX x ON t(at) WHERE b") FILL(1000, ", b", ", i % 2"),
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "an index without case",
     .setup = TABLE("(at TEXT, age)", "CREATE INDEX x ON t(at COLLATE NOCASE)")
         PROOF_NUMBERS(1000) "INSERT INTO t SELECT strftime('%Y-%m-%dT%H:%M:%SZ', " PROOF_AGO(
             "i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "a column without case",
     .setup = TABLE("(at TEXT COLLATE NOCASE, age)", INDEX)
         PROOF_NUMBERS(1000) "INSERT INTO t SELECT strftime('%Y-%m-%dT%H:%M:%SZ', " PROOF_AGO(
             "i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "a column without case, its index with",
     .setup = TABLE("(at TEXT COLLATE NOCASE, age)", "CREATE INDEX x ON t(at COLLATE BINARY)")
         PROOF_NUMBERS(1000) "INSERT INTO t SELECT strftime('%Y-%m-%dT%H:%M:%SZ', " PROOF_AGO(
             "i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "an index on an expression, unique",
     .setup = TABLE("(at, age, b)", INDEX "; CREATE UNIQUE INDEX x ON t(abs(b), at)")
         FILL(1000, ", b", ", -i"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "a unique index on the column",
     .setup = TABLE("(at UNIQUE, age)", "") FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD,
     .reason = "# rows older than 100d"},
    {.name = "200,000 rows of one time, old",
     .setup = TABLE("(at, age)", INDEX)
         PROOF_NUMBERS(200000) "INSERT INTO t SELECT strftime('%s', 'now', '-200 days') + 0, 4800 "
                               "FROM n;" FILL(100, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "100,000 rows of one time, young",
     .setup = TABLE("(at, age)", INDEX)
         PROOF_NUMBERS(100000) "INSERT INTO t SELECT strftime('%s', 'now', '-20 days') + 0, 480 "
                               "FROM n;" FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "an index that needs an unknown function",
     .setup = TABLE("(at, age)", INDEX "; CREATE INDEX x ON t(twice(age))") FILL(1000, "", ""),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "~twice~"},
    {.name = "an index that needs an unknown collation",
     .setup = TABLE("(at, age, b)", INDEX "; CREATE INDEX x ON t(b COLLATE shouting)")
         FILL(1000, ", b", ", 'b'"),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "~shouting~"},
    {.name = "a column that needs an unknown collation",
     .setup = TABLE("(at TEXT COLLATE shouting, age)", INDEX) PROOF_NUMBERS(
         1000) "INSERT INTO t SELECT datetime(" PROOF_AGO("i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d, format: datetime",
     .outcome = "skipped",
     .reason = "~shouting~"},

    /* --- files --- */
    {.name = "pages of 512 bytes",
     .setup = "PRAGMA page_size = 512;" TABLE("(at, age, b)", INDEX)
         FILL(1000, ", b", ", randomblob(i % 600)"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "pages of 65536 bytes",
     .setup = "PRAGMA page_size = 65536;" TABLE("(at, age, b)", INDEX)
         FILL(1000, ", b", ", randomblob(i % 600)"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "auto_vacuum full",
     .setup = "PRAGMA auto_vacuum = full;" TABLE("(at, age, b)", INDEX)
         FILL(1000, ", b", ", randomblob(i % 600)"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "auto_vacuum incremental",
     .setup = "PRAGMA auto_vacuum = incremental;" TABLE("(at, age, b)", INDEX)
         FILL(1000, ", b", ", randomblob(i % 600)"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "UTF-16le",
     .setup = "PRAGMA encoding = 'UTF-16le';" TABLE(
         "(id TEXT PRIMARY KEY, at TEXT, age) WITHOUT ROWID", INDEX)
         PROOF_NUMBERS(1000) "INSERT INTO t SELECT 'ключ ' || i, "
                             "strftime('%Y-%m-%dT%H:%M:%SZ', " PROOF_AGO(
                                 "i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD},
    {.name = "UTF-16be, no index",
     .setup = "PRAGMA encoding = 'UTF-16be';" TABLE(
         "(id TEXT PRIMARY KEY, at TEXT, age) WITHOUT ROWID", "")
         PROOF_NUMBERS(1000) "INSERT INTO t SELECT 'ключ ' || i, "
                             "strftime('%Y-%m-%dT%H:%M:%SZ', " PROOF_AGO(
                                 "i * 5 + 1") "), i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = OLD,
     .reason = NO_INDEX},
    {.name = "a file that is called like a URI",
     .file = "file:other%2Ft.db",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at INTEGER, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "a file that is called like a database in memory",
     .file = ":memory:",
     .setup = TABLE("(id INTEGER PRIMARY KEY, at INTEGER, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "a file's name",
     .file = "\"it is; a 100% (größe)\" ?x=1 & #2.db",
     .setup = TABLE("(at, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "names with quotes and blanks",
     .setup = "CREATE TABLE \"a \"\"log\"\" - of größe\"(\"ge kommen \"\"am\"\"\", age, b); "
              "CREATE INDEX \"in \"\"dex\" ON \"a \"\"log\"\" - of größe\"(\"ge kommen "
              "\"\"am\"\"\");" PROOF_NUMBERS(1000) "INSERT INTO \"a \"\"log\"\" - of größe\" "
                                                   "SELECT strftime('%s', " PROOF_AGO(
                                                       "i * 5 + 1") ") + 0, i * 5 + 1, 0 FROM n",
     .target = "table: 'a \"log\" - of größe', column: 'ge kommen \"am\"'",
     .options = "keep: 100d",
     .model = "DELETE FROM \"a \"\"log\"\" - of größe\" WHERE age > 2400"},
    {.name = "other letters' case in the policy",
     .target = "table: T, column: AT",
     .setup = TABLE("(at, age)", INDEX) FILL(1000, "", ""),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "keywords",
     .target = "table: \"select\", column: \"from\"",
     .setup = "CREATE TABLE \"select\"(\"from\", \"where\"); CREATE INDEX \"order\" ON "
              "\"select\"(\"from\");" PROOF_NUMBERS(
                  1000) "INSERT INTO \"select\" SELECT "
                        "strftime('%s', " PROOF_AGO("i * 5 + 1") ") + 0, i * 5 + 1 FROM n",
     .options = "keep: 100d",
     .model = "DELETE FROM \"select\" WHERE \"where\" > 2400"},

    /* --- what is no table --- */
    {.name = "a view",
     .target = "table: v, column: at",
     .setup = TABLE("(at, age)", "CREATE VIEW v AS SELECT * FROM t") FILL(100, "", ""),
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "v is a view, and rows go from tables alone"},
    {.name = "a virtual table",
     .target = "table: v, column: at",
     .setup = "CREATE VIRTUAL TABLE v USING fts5(at); INSERT INTO v VALUES ('2001-01-01')",
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "v is a virtual table, and rows go from tables alone"},
    {.name = "no table",
     .target = "table: u, column: at",
     .setup = TABLE("(at, age)", ""),
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "there is no table u"},
    {.name = "no column",
     .target = "table: t, column: when",
     .setup = TABLE("(at, age)", ""),
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "table t has no column when"},
    {.name = "an index for a table",
     .target = "table: t_at, column: at",
     .setup = TABLE("(at, age)", INDEX),
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "there is no table t_at"},
    {.name = "the schema",
     .target = "table: sqlite_schema, column: sql",
     .setup = TABLE("(at, age)", INDEX),
     .options = "keep: 1d",
     .outcome = "skipped"},
    {.name = "an empty file",
     .setup = "",
     .options = "keep: 1d",
     .outcome = "skipped",
     .reason = "there is no table t"},
};

int main(void)
{
    return proof_main("retention_tables", cases, sizeof cases / sizeof *cases, NULL);
}
