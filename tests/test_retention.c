/*
 * Retention end to end, the times: which rows go, whatever the column's format, zone and type, and
 * that garbage stays and is counted. Ages are whole hours that the setup hides in a column; the
 * model goes by them alone.
 */
#include "lib_proof.h"
#include "memory.h"

#include <stdlib.h>
#include <time.h>

/* 1000 rows, aged 6 to 5001 hours; 100 days are 2400 hours. */
#define TABLE(type, value)                                                         \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at " type ", age INTEGER, note TEXT);" \
    "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(                                   \
        1000) " INSERT INTO t(at, age, note) SELECT " value                        \
              ", i * 5 + 1, hex(randomblob(20)) FROM n;"
#define AGO PROOF_AGO("i * 5 + 1")

#define OLD    "DELETE FROM t WHERE age > 2400"
#define MARGIN "DELETE FROM t WHERE age > 2400 + 14"
#define UTC    "keep: 100d, zone: UTC"

/* Of days whose end is the cut-off just now, nobody knows when the program will look. */
#define SETTLED                                                       \
    "DELETE FROM t WHERE abs(julianday('now') - 100 - julianday(at) " \
    "- round(julianday('now') - 100 - julianday(at))) < 0.001;"

/* In the column, but no time in any format. */
#define GARBAGE                                                                      \
    "INSERT INTO t(at, age) VALUES (NULL, 9999), ('', 9999), (0, 9999), (-1, 9999)," \
    " ('yesterday', 9999), ('11/23/2026', 9999), (x'32303031', 9999), (1.5, 9999),"  \
    " (x'', 9999), ('0001-01-01 00:00:00', 9999), ('1970-01-01 00:00:00', 9999),"    \
    " ('9999-12-31 00:00:00', 9999), ('2026-02-30 10:00:00', 9999), (1e300, 9999),"  \
    " ('2001-01-01 00:00:00 and so on', 9999), (X'323032302D30312D30312030303A30303A3030', 9999);"

static const struct proof_case cases[] = {
    {.name = "unix",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") + 0"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "unix, declared",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") + 0"),
     .options = "keep: 100d, format: unix",
     .model = OLD},
    {.name = "unix_ms",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") * 1000 + 999"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "unix_us",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") * 1000000 + 7"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "unix with fractions",
     .setup = TABLE("REAL", "strftime('%s', " AGO ") + 0.25"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "julian",
     .setup = TABLE("REAL", "julianday(" AGO ")"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "julian, declared",
     .setup = TABLE("", "julianday(" AGO ")"),
     .options = "keep: 100d, format: julian",
     .model = OLD},
    {.name = "the key is the time in s",
     .setup = "CREATE TABLE t(at INTEGER PRIMARY KEY, age, note);" PROOF_NUMBERS(
         1000) "INSERT INTO t SELECT strftime('%s', " AGO ") + 0, i * 5 + 1, i FROM n",
     .options = "keep: 100d",
     .model = OLD},
    {.name = "the key is the time in us",
     .setup = "CREATE TABLE t(at INTEGER PRIMARY KEY, age, note);" PROOF_NUMBERS(
         1000) "INSERT INTO t SELECT strftime('%s', " AGO ") * 1000000, i * 5 + 1, i FROM n",
     .options = "keep: 100d",
     .model = OLD},
    {.name = "T and Z",
     .setup = TABLE("TEXT", "strftime('%Y-%m-%dT%H:%M:%SZ', " AGO ")"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "T, fractions and Z",
     .setup = TABLE("TEXT", "strftime('%Y-%m-%dT%H:%M:%fZ', " AGO ")"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "blank", .setup = TABLE("TEXT", "datetime(" AGO ")"), .options = UTC, .model = OLD},
    {.name = "blank, declared",
     .setup = TABLE("TEXT", "datetime(" AGO ")"),
     .options = UTC ", format: datetime",
     .model = OLD},
    {.name = "blank and fractions",
     .setup = TABLE("TEXT", "strftime('%Y-%m-%d %H:%M:%f', " AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "T without a zone",
     .setup = TABLE("DATETIME", "strftime('%Y-%m-%dT%H:%M:%S', " AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "minutes",
     .setup = TABLE("TIMESTAMP", "strftime('%Y-%m-%d %H:%M', " AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "+02:00 and Z",
     .setup = TABLE("TEXT", "iif(i % 2, strftime('%Y-%m-%dT%H:%M:%S+02:00', " AGO ", '+2 hours'), "
                            "strftime('%Y-%m-%dT%H:%M:%SZ', " AGO "))"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "-0330 and +14",
     .setup =
         TABLE("TEXT", "iif(i % 2, strftime('%Y-%m-%dT%H:%M:%S-0330', " AGO ", '-210 minutes'), "
                       "strftime('%Y-%m-%d %H:%M:%S+14', " AGO ", '+14 hours'))"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "T and blank mixed, of the same days",
     .setup =
         TABLE("TEXT", "strftime(iif(i % 3, '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%SZ'), " AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "no zone",
     .setup = TABLE("TEXT", "datetime(" AGO ")"),
     .options = "keep: 100d",
     .model = MARGIN},
    {.name = "dates",
     .setup = TABLE("TEXT", "date(" AGO ")") SETTLED,
     .options = UTC,
     .model = "DELETE FROM t WHERE julianday(at) + 1 < julianday('now') - 100"},
    {.name = "dates, declared, no zone",
     .setup = TABLE("TEXT", "date(" AGO ")") "DELETE FROM t WHERE abs(julianday(at) + 1 + 14 / "
                                             "24.0 - julianday('now') + 100) < 0.001;",
     .options = "keep: 100d, format: date",
     .model = "DELETE FROM t WHERE julianday(at) + 1 + 14 / 24.0 < julianday('now') - 100"},
    {.name = "months",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") + 1800"), /* no row on the very cut-off */
     .options = "keep: 3 months",
     .model = "DELETE FROM t WHERE at < strftime('%s', 'now', '-3 months') + 0"},
    {.name = "a short keep",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") + 0"),
     .options = "keep: 8h, allow_short: true",
     .model = "DELETE FROM t WHERE age > 8"},
    {.name = "NUMERIC column of numbers",
     .setup = TABLE("NUMERIC", "strftime('%s', " AGO ")"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "NUMERIC column of text",
     .setup = TABLE("NUMERIC", "datetime(" AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "BLOB column of numbers",
     .setup = TABLE("BLOB", "strftime('%s', " AGO ") + 0"),
     .options = "keep: 100d",
     .model = OLD},
    {.name = "BLOB column of text",
     .setup = TABLE("BLOB", "datetime(" AGO ")"),
     .options = UTC,
     .model = OLD},
    {.name = "numbers in a TEXT column",
     .setup = TABLE("TEXT", "strftime('%s', " AGO ")"),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "the column's time format is unknown~"},
    {.name = "garbage among text",
     .setup = TABLE("", "datetime(" AGO ")") GARBAGE,
     .options = UTC,
     .model = "DELETE FROM t WHERE age > 2400 AND age < 9999",
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":14}"},
    {.name = "garbage among numbers",
     .setup = TABLE("", "strftime('%s', " AGO ") + 0") GARBAGE,
     .options = "keep: 100d, format: unix",
     .model = "DELETE FROM t WHERE age > 2400 AND age < 9999",
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":15}"},
    {.name = "garbage, no index",
     .setup = TABLE("", "datetime(" AGO ")") GARBAGE "DROP INDEX t_at",
     .options = UTC,
     .model = "DELETE FROM t WHERE age > 2400 AND age < 9999",
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":14}"},
    {.name = "another unit among seconds",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") * iif(i % 10, 1, 1000)"),
     .options = "keep: 100d, format: unix",
     .model = "DELETE FROM t WHERE age > 2400 AND at < 100000000000",
     .effect = "{\"rows_past_cutoff\":0,\"rows_other_format\":100}"},
    {.name = "a mixture of formats",
     .setup = TABLE("", "iif(i % 10, datetime(" AGO "), strftime('%s', " AGO ") + 0)"),
     .options = UTC,
     .outcome = "skipped",
     .reason = "the column holds a mixture of time formats: of # sampled values # are datetime and "
               "# are unix; say which with `format:`"},
    {.name = "seconds since 2001",
     .setup = TABLE("INTEGER", "strftime('%s', " AGO ") - 978307200"),
     .options = "keep: 100d",
     .outcome = "skipped",
     .reason = "the numbers in at look like unix, but then the newest is of ~: say `format: unix` "
               "if that is right"},
    {.name = "nothing but garbage",
     .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at); CREATE INDEX t_at ON t(at);"
              "INSERT INTO t(at) VALUES ('yesterday'), (7), (x'00'), (NULL)",
     .options = UTC,
     .outcome = "skipped",
     .reason = "the column's time format is unknown~"},
    {.name = "nothing but NULL",
     .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at); CREATE INDEX t_at ON t(at);"
              "INSERT INTO t(at) VALUES (NULL), (NULL)",
     .options = UTC,
     .outcome = "skipped",
     .reason = "t has no rows with a time in at"},
    {.name = "nothing",
     .setup = TABLE("TEXT", "datetime(" AGO ")") "DELETE FROM t",
     .options = UTC,
     .outcome = "skipped",
     .reason = "t has no rows with a time in at"},
    {.name = "nothing old",
     .setup = TABLE("TEXT", "datetime(" AGO ")") OLD,
     .options = UTC,
     .outcome = "skipped",
     .reason = "no row is older than 100d; the oldest is of 99.8 days ago"},
    {.name = "all old",
     .setup = TABLE("TEXT", "datetime(" AGO ")"),
     .options = "keep: 5h, allow_short: true, zone: UTC",
     .model = "DELETE FROM t"},
};

/* The last change of Berlin's offset that is over five days ago, in whole hours. */
static int hours_since_change(void)
{
    time_t now = time(NULL);
    int hours = 5 * 24;
    struct tm at, before;

    for (;; hours++) {
        time_t later = now - hours * 3600, earlier = later - 3600;
        localtime_r(&later, &at);
        localtime_r(&earlier, &before);
        if (at.tm_gmtoff != before.tm_gmtoff)
            return hours;
    }
}

/* Wall-clock times of Berlin around a change, as glibc has them. Near it nobody knows which of two
 * hours is meant, so rows stay an hour longer; those that may go or stay are left out. */
START_TEST(wall_clocks_change)
{
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    int keep = hours_since_change();
    char *setup = memory_format(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at TEXT, age INT); CREATE INDEX t_at ON "
        "t(at);" PROOF_NUMBERS(
            600) "INSERT INTO t(at, age) SELECT datetime('now', '-' || (%d * 60 + 3005 -"
                 " i * 10) || ' minutes', 'localtime'), %d * 60 + 3005 - i * 10 FROM n;"
                 "DELETE FROM t WHERE age BETWEEN %d * 60 AND %d * 60 + 60",
        keep, keep, keep, keep);
    char *options = memory_format("keep: %dh, zone: Europe/Berlin", keep),
         *model = memory_format("DELETE FROM t WHERE age > %d * 60", keep);
    struct proof_case c = {.name = "Berlin", .setup = setup, .options = options, .model = model};

    proof_whole(&c, "wal");
    free(setup);
    free(options);
    free(model);
}
END_TEST

int main(void)
{
    const TTest *const more[] = {wall_clocks_change, NULL};

    return proof_main("retention", cases, sizeof cases / sizeof *cases, more);
}
