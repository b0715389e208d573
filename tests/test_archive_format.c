/* The format of archives: every value survives, and a plain reader sees what is ordinary. */
#include "archive_row.h"
#include "archive_segment.h"

#include "lib_opened.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- single values ------------------------------------------------------------------------ */

/* What SQL gives, and what it is as JSON. */
static const struct {
    const char *sql, *json;
} format_values[] = {
    {"NULL", "null"},
    {"0", "0"},
    {"-1", "-1"},
    {"9007199254740993", "9007199254740993"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775807 - 1", "-9223372036854775808"},
    {"1.0", "1.0"},
    {"0.1", "0.1"},
    {"1.5", "1.5"},
    {"0.1 + 0.2", "0.30000000000000004"},
    {"0.001", "0.001"},
    {"-1234.560", "-1234.56"},
    {"-0.125", "-0.125"},
    {"99999999999.875", "99999999999.875"},
    {"123456789012.5", "123456789012.5"},
    {"0.0004", "0.0004"},
    {"1e300", "1e+300"},
    {"4.9406564584124654e-324", "4.94065645841247e-324"},
    {"9223372036854775808.0", "9.223372036854776e+18"},
    {"1e999", "\"$real:Infinity\""},
    {"-1e999", "\"$real:-Infinity\""},
    {"''", "\"\""},
    {"'plain'", "\"plain\""},
    {"'$5.00'", "\"$5.00\""},
    {"'$blob'", "\"$blob\""},
    {"'$blob:'", "\"$text:JGJsb2I6\""},
    {"'$real:Infinity'", "\"$text:JHJlYWw6SW5maW5pdHk=\""},
    {"'$text:x'", "\"$text:JHRleHQ6eA==\""},
    {"'a\"b\\c' || char(10)", "\"a\\\"b\\\\c\\n\""},
    {"'a' || char(0) || 'b'", "\"a\\u0000b\""},
    {"char(127) || char(8364) || char(128512)", "\"\x7f\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"CAST(x'61ff62' AS TEXT)", "\"$text:Yf9i\""},
    {"CAST(x'eda080' AS TEXT)", "\"$text:7aCA\""},
    {"CAST(x'c0af' AS TEXT)", "\"$text:wK8=\""},
    {"CAST(x'e282' AS TEXT)", "\"$text:4oI=\""},
    {"x''", "\"$blob:\""},
    {"x'00ff'", "\"$blob:AP8=\""},
};

START_TEST(format_value)
{
    char *sql = memory_format("SELECT %s", format_values[_i].sql);
    struct archive_value value, back;
    struct text json = {0};
    sqlite3_stmt *statement;
    struct error error = {0};
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    archive_value_of(statement, 0, &value);
    archive_value_write(&value, &json);
    ck_assert_str_eq(json.bytes, format_values[_i].json);
    json_t *read = json_loads(json.bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert_msg(archive_value_parse(read, &back, &error) == STATUS_OK, "%s", error.text);
    ck_assert(archive_value_same(&value, &back));
    archive_value_free(&back);
    json_decref(read);
    text_free(&json);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(sql);
}
END_TEST

/* What looks alike and is not the same. */
START_TEST(format_not_same)
{
    static const struct archive_value values[] = {
        {.type = SQLITE_NULL},
        {.type = SQLITE_INTEGER, .integer = 0},
        {.type = SQLITE_INTEGER, .integer = 1},
        {.type = SQLITE_FLOAT, .real = 0.0},
        {.type = SQLITE_FLOAT, .real = -0.0},
        {.type = SQLITE_FLOAT, .real = 1},
        {.type = SQLITE_TEXT, .bytes = "", .length = 0},
        {.type = SQLITE_TEXT, .bytes = "1", .length = 1},
        {.type = SQLITE_TEXT, .bytes = "1\0", .length = 2},
        {.type = SQLITE_BLOB, .bytes = NULL, .length = 0},
        {.type = SQLITE_BLOB, .bytes = "1", .length = 1},
    };
    enum { COUNT = sizeof values / sizeof *values };
    char digests[COUNT][DIGEST_HEX];

    for (size_t i = 0; i < COUNT; i++) {
        struct digest digest;
        digest_begin(&digest);
        archive_value_digest(&values[i], &digest);
        digest_end(&digest, digests[i]);
        for (size_t j = 0; j < COUNT; j++)
            ck_assert_int_eq(archive_value_same(&values[i], &values[j]), i == j);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(digests[i], digests[j]);
    }
}
END_TEST

static const char *const format_no_values[] = {
    "true", "false", "{}", "[1]", "\"$real:NaN\"", "\"$blob:A\"", "\"$text:####\"",
};

START_TEST(format_no_value)
{
    json_t *json = json_loads(format_no_values[_i], JSON_DECODE_ANY, NULL);
    struct archive_value value;
    struct error error = {0};

    ck_assert_int_eq(archive_value_parse(json, &value, &error), STATUS_INVALID);
    json_decref(json);
}
END_TEST

/* --- random rows -------------------------------------------------------------------------- */

static void format_random_bytes(uint64_t *random, char *bytes, size_t length)
{
    static const char *const pieces[] = {"$blob:",  "$text:",           "$real:", "\"",
                                         "\\",      "\xf0\x9f\x98\x80", "plain",  "\n",
                                         "{\"a\":", "\xed\xa0\x80"};
    int64_t how = randomdb_number(random, 4);

    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(how == 0   ? randomdb_number(random, 256)
                          : how == 1 ? randomdb_number(random, 32)
                                     : 32 + randomdb_number(random, 95));
        const char *piece = pieces[randomdb_number(random, 10)];
        if (randomdb_number(random, 8) == 0 && i + strlen(piece) < length)
            memcpy(bytes + i, piece, strlen(piece));
        if (randomdb_number(random, 8) == 0)
            i += strlen(piece);
    }
}

static void format_bind_bytes(uint64_t *random, sqlite3_stmt *insert, int at, bool text)
{
    int64_t long_one = randomdb_number(random, 200) == 0;
    size_t length = (size_t)randomdb_number(random, long_one ? 100000 : 40);
    char *bytes = memory_zeroed(length + 1, 1);

    format_random_bytes(random, bytes, length);
    if (text)
        sqlite3_bind_text(insert, at, bytes, (int)length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_blob(insert, at, bytes, (int)length, SQLITE_TRANSIENT);
    free(bytes);
}

static double format_random_real(uint64_t *random)
{
    static const double some[] = {0.0, -0.0, INFINITY, -INFINITY, 0.1, 5, 1e22, 1e23, 5e-324, 1e15};
    uint64_t bits =
        (uint64_t)randomdb_number(random, INT64_MAX) * 2 + (uint64_t)randomdb_number(random, 2);
    double real;

    memcpy(&real, &bits, sizeof real);
    return randomdb_number(random, 2) ? real : some[randomdb_number(random, 10)];
}

static void format_bind(uint64_t *random, sqlite3_stmt *insert, int at)
{
    static const int64_t some[] = {0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993, 1 << 30};

    switch (randomdb_number(random, 6)) {
    case 0:
        sqlite3_bind_null(insert, at);
        break;
    case 1:
        sqlite3_bind_int64(insert, at, some[randomdb_number(random, 7)]);
        break;
    case 2:
        sqlite3_bind_int64(insert, at, randomdb_number(random, INT64_MAX));
        break;
    case 3:
        sqlite3_bind_double(insert, at, format_random_real(random));
        break;
    default:
        format_bind_bytes(random, insert, at, randomdb_number(random, 2));
    }
}

static const struct {
    const char *schema, *insert;
    int hidden; /* columns that are rowids */
} format_tables[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, a TEXT, b REAL, c BLOB)",
     "INSERT INTO t(id, at, a, b, c) VALUES(?1, ?2, ?3, ?4, ?5)", 0},
    {"CREATE TABLE t(at, a INTEGER, b NUMERIC, c, `a \"quoted\\` TEXT)",
     "INSERT INTO t(rowid, at, a, b, c) VALUES(?1, ?2, ?3, ?4, ?5)", 1},
    {"CREATE TABLE t(k TEXT, n, at, a, b, c, PRIMARY KEY(n, k)) WITHOUT ROWID",
     "INSERT INTO t(k, n, at, a, b) VALUES(ifnull(?2, '') || ?1, ?1, ?3, ?4, ?5)", 0},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, a, b, c, v AS (a || b), s AS (typeof(c)) STORED)",
     "INSERT INTO t(id, at, a, b, c) VALUES(?1, ?2, ?3, ?4, ?5)", 0},
};

enum { FORMAT_ROWS = 2500 }; /* in each table */

static void format_fill(uint64_t *random, const char *schema, const char *sql)
{
    sqlite3_stmt *insert;

    opened_sql(schema);
    opened_sql("BEGIN");
    ck_assert_int_eq(sqlite3_prepare_v2(opened_app(), sql, -1, &insert, NULL), SQLITE_OK);
    for (int row = 0; row < FORMAT_ROWS; row++) {
        sqlite3_bind_int(insert, 1, row);
        for (int i = 2; i <= 5; i++)
            format_bind(random, insert, i);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    opened_sql("COMMIT");
}

static sqlite3_stmt *format_select(struct database *database, const struct archive_columns *columns)
{
    struct error error = {0};
    sqlite3_stmt *statement;
    struct text sql = {0};

    text_add(&sql, "SELECT ");
    archive_columns_sql(columns, &sql);
    text_add(&sql, " FROM t");
    ck_assert_msg(database_prepare(database, sql.bytes, &statement, &error) == STATUS_OK, "%s",
                  error.text);
    text_free(&sql);
    return statement;
}

/* Writes all rows into a segment; `hex` becomes the digest of what SQLite has. */
static void format_export(const struct archive_columns *columns, sqlite3_stmt *select, int folder,
                          struct segment_file *file, char hex[DIGEST_HEX])
{
    struct segment_writer *writer;
    struct archive_row row;
    struct digest digest;
    struct text line = {0};
    struct error error = {0};

    digest_begin(&digest);
    archive_row_init(columns, &row);
    ck_assert_msg(!segment_create(folder, "s", 0600, "s", &writer, &error), "%s", error.text);
    while (sqlite3_step(select) == SQLITE_ROW) {
        archive_row_of(select, 0, &row);
        archive_row_digest(&row, &digest);
        text_clear(&line);
        archive_row_write(columns, &row, &line);
        ck_assert(!segment_write(writer, line.bytes, line.length, &error));
    }
    sqlite3_reset(select);
    ck_assert_msg(!segment_finish(writer, file, &error), "%s", error.text);
    digest_end(&digest, hex);
    archive_row_free(&row);
    text_free(&line);
}

/* A line with one byte changed is the same to both readers, or none to the fast one. */
static void format_damage(const struct archive_columns *columns, uint64_t *random, const char *line,
                          size_t length)
{
    static const char bytes[] = "\"\\{}:,0123456789-+.eEnult$abc /";
    struct archive_row fast, other;
    struct error error = {0};
    char *damaged = memory_format("%.*s", (int)length, line);

    char *at = &damaged[randomdb_number(random, (int64_t)length)];
    if (*at > 0) /* what is UTF-8 stays so, which only the other one looks at */
        *at = bytes[randomdb_number(random, sizeof bytes - 1)];
    archive_row_init(columns, &fast);
    archive_row_init(columns, &other);
    if (archive_line_parse(columns, damaged, length, &fast)) {
        ck_assert_msg(!archive_row_parse(columns, damaged, length, &other, &error), "%s: %s",
                      error.text, damaged);
        ck_assert_msg(archive_row_same(&fast, &other), "%s", damaged);
    }
    archive_row_free(&fast);
    archive_row_free(&other);
    free(damaged);
}

/* Reads the segment back beside the table: each value is the same, types and bits. */
static void format_compare(const struct archive_columns *columns, uint64_t *random,
                           sqlite3_stmt *select, int folder, const struct segment_file *file,
                           const char *hex)
{
    struct archive_row live, back, fast;
    struct segment_reader *reader;
    struct segment_file read;
    struct digest digest;
    struct error error = {0};
    char found[DIGEST_HEX];
    const char *line;
    size_t length;
    int rows = 0;

    digest_begin(&digest);
    archive_row_init(columns, &live);
    archive_row_init(columns, &back);
    archive_row_init(columns, &fast);
    ck_assert(!segment_open(folder, "s", "s", &reader, &error));
    for (;; rows++) {
        ck_assert_msg(!segment_line(reader, &line, &length, &error), "%s", error.text);
        if (!line)
            break;
        ck_assert_msg(!archive_row_parse(columns, line, length, &back, &error), "%s: %.*s",
                      error.text, (int)length, line);
        ck_assert_msg(archive_line_parse(columns, line, length, &fast), "%.*s", (int)length, line);
        ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
        archive_row_of(select, 0, &live);
        ck_assert_msg(archive_row_same(&live, &fast), "%.*s", (int)length, line);
        format_damage(columns, random, line, length);
        for (size_t i = 0; i < columns->count; i++)
            ck_assert_msg(archive_value_same(&live.values[i], &back.values[i]),
                          "row %d, column %s: %.*s", rows, columns->list[i].name, (int)length,
                          line);
        archive_row_digest(&back, &digest);
    }
    ck_assert_int_eq(sqlite3_step(select), SQLITE_DONE);
    ck_assert_int_eq(rows, FORMAT_ROWS);
    segment_read(reader, &read);
    digest_end(&digest, found);
    ck_assert_str_eq(found, hex);
    ck_assert_str_eq(read.sha256, file->sha256);
    ck_assert_int_eq(read.bytes, file->bytes);
    segment_close(reader);
    archive_row_free(&live);
    archive_row_free(&back);
    archive_row_free(&fast);
}

START_TEST(format_round_trip)
{
    uint64_t random = randomdb_seed("format_round_trip");
    struct archive_columns columns;
    struct segment_file file;
    struct error error = {0};
    struct table table;
    char hex[DIGEST_HEX];
    int folder = open(".", O_RDONLY | O_DIRECTORY);

    format_fill(&random, format_tables[_i].schema, format_tables[_i].insert);
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_msg(!table_load(database, "t", "at", &table, &error), "%s", error.text);
    ck_assert_msg(!archive_columns_load(database, &table, &columns, &error), "%s", error.text);
    for (size_t i = 0; i < columns.count; i++)
        ck_assert_int_eq(columns.list[i].hidden, i < (size_t)format_tables[_i].hidden);
    sqlite3_stmt *select = format_select(database, &columns);
    format_export(&columns, select, folder, &file, hex);
    format_compare(&columns, &random, select, folder, &file, hex);
    sqlite3_finalize(select);
    archive_columns_free(&columns);
    table_free(&table);
    close(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_format");
    SRunner *runner = srunner_create(suite);
    TCase *values = tcase_create("values"), *rows = tcase_create("rows");

    tcase_add_loop_test(values, format_value, 0, sizeof format_values / sizeof *format_values);
    tcase_add_test(values, format_not_same);
    tcase_add_loop_test(values, format_no_value, 0,
                        sizeof format_no_values / sizeof *format_no_values);
    suite_add_tcase(suite, values);
    tcase_add_checked_fixture(rows, opened_set_up, opened_tear_down);
    tcase_set_timeout(rows, 60);
    tcase_add_loop_test(rows, format_round_trip, 0, sizeof format_tables / sizeof *format_tables);
    suite_add_tcase(suite, rows);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
