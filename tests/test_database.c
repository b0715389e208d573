/* Opening what may lie in a database's place, and what is known and guarded once it is open. */
#include "database.h"

#include "clock.h"
#include "lib_folder.h"
#include "lib_opened.h"
#include "library.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_bytes(off_t offset, const void *bytes, size_t length)
{
    int file = open("app.db", O_WRONLY | O_CREAT, 0644);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, bytes, length, offset), (ssize_t)length);
    close(file);
}

/* --- files that are damaged, strange, or gone --------------------------------------------- */

static void nothing(void)
{
}

static void empty(void)
{
    write_bytes(0, "", 0);
}

static void sound(void)
{
    opened_make("CREATE TABLE t(a)");
}

static void sound_wal(void)
{
    opened_make("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
}

static void encrypted(void)
{
    unsigned char noise[4096];

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)(i * 167 + (i >> 3) + 91);
    write_bytes(0, noise, sizeof noise);
}

static void a_text(void)
{
    folder_write("app.db", "This is not a database but a letter of more than a hundred bytes, for "
                           "shorter files than that are taken for something else altogether.\n");
}

static void newer_write_version(void)
{
    sound();
    write_bytes(18, "\3\3", 2);
}

static void newer_read_version(void)
{
    sound();
    write_bytes(18, "\1\3", 2);
}

static void newer_schema_format(void)
{
    sound();
    write_bytes(44, "\0\0\0\5", 4);
}

static const char bad_schema[] =
    "CREATE TABLE t(a); PRAGMA writable_schema=ON;"
    "UPDATE sqlite_master SET sql='CREATE TABLE t(a) FROM THE FUTURE' WHERE name='t'";

static void newer_schema(void)
{
    opened_make(bad_schema);
    write_bytes(96, "\0\x4c\x4b\x40", 4); /* 5000000: SQLite 5.0.0 */
}

static void broken_schema(void)
{
    opened_make(bad_schema);
}

static void zeroed_schema_page(void)
{
    static const char zeroes[400] = {0};

    sound();
    write_bytes(100, zeroes, sizeof zeroes);
}

static void cut_short(void)
{
    opened_make("CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(100000))");
    ck_assert_int_eq(truncate("app.db", 4096 + 17), 0);
}

static void a_folder(void)
{
    ck_assert_int_eq(mkdir("app.db", 0755), 0);
}

static void a_link(void)
{
    folder_write("other", "x");
    ck_assert_int_eq(symlink("other", "app.db"), 0);
}

static void two_links(void)
{
    sound();
    ck_assert_int_eq(link("app.db", "second.db"), 0);
}

static const struct {
    const char *name;
    void (*prepare)(void);
    enum status status;
    const char *why;
} open_rows[] = {
    {"missing", nothing, STATUS_REFUSED, ""},
    {"empty", empty, STATUS_OK, NULL},
    {"sound", sound, STATUS_OK, NULL},
    {"sound, WAL", sound_wal, STATUS_OK, NULL},
    {"encrypted", encrypted, STATUS_REFUSED, "not a SQLite database, or an encrypted one"},
    {"a text", a_text, STATUS_REFUSED, "not a SQLite database, or an encrypted one"},
    {"newer write version", newer_write_version, STATUS_REFUSED, "format is newer than SQLite"},
    {"newer read version", newer_read_version, STATUS_REFUSED, "format is newer than SQLite"},
    {"newer schema format", newer_schema_format, STATUS_REFUSED, "format is newer than SQLite"},
    {"newer schema", newer_schema, STATUS_REFUSED, "which version 5.0.0 has written last"},
    {"broken schema", broken_schema, STATUS_REFUSED, "the schema can't be read"},
    {"zeroed schema page", zeroed_schema_page, STATUS_FAILED, "it is damaged"},
    {"cut short", cut_short, STATUS_FAILED, "it is damaged"},
    {"a folder", a_folder, STATUS_REFUSED, ""},
    {"a link", a_link, STATUS_REFUSED, ""},
    {"two links", two_links, STATUS_REFUSED, ""},
};

START_TEST(opening)
{
    struct database *database = NULL;
    struct error error = {0};

    open_rows[_i].prepare();
    enum status status = opened_try(DATABASE_READ, 200, &database, &error);
    ck_assert_msg(status == open_rows[_i].status, "%s: status %d: %s", open_rows[_i].name, status,
                  error.text);
    ck_assert_int_eq(database != NULL, status == STATUS_OK);
    if (status)
        ck_assert_msg(error.text[0] && strstr(error.text, open_rows[_i].why), "%s: %s",
                      open_rows[_i].name, error.text);
    database_close(database);
    /* What can't be opened is not changed either. */
    ck_assert_int_ne(access("app.db-journal", F_OK), 0);
}
END_TEST

/* --- what is known of it ------------------------------------------------------------------ */

static const struct {
    const char *sql, *folder;
    bool wal;
    uint32_t page_size;
    int auto_vacuum;
    const char *replicator;
} fact_rows[] = {
    {"CREATE TABLE t(a)", NULL, false, 4096, 0, NULL},
    {"PRAGMA page_size=512; PRAGMA auto_vacuum=1; CREATE TABLE t(a)", NULL, false, 512, 1, NULL},
    {"PRAGMA page_size=65536; PRAGMA auto_vacuum=2; CREATE TABLE t(a)", NULL, false, 65536, 2,
     NULL},
    {"PRAGMA journal_mode=WAL; CREATE TABLE t(a)", NULL, true, 4096, 0, NULL},
    {"PRAGMA journal_mode=PERSIST; CREATE TABLE t(a)", NULL, false, 4096, 0, NULL},
    {"CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq)", NULL, false, 4096, 0,
     "Litestream"},
    {"CREATE TABLE t(a)", ".app.db-litestream", false, 4096, 0, "Litestream"},
    {"CREATE TABLE t(a)", ".other.db-litestream", false, 4096, 0, NULL},
    {"CREATE TABLE _litestream_sequel(a)", NULL, false, 4096, 0, NULL},
};

START_TEST(what_is_known)
{
    const struct database_facts *facts;

    opened_sql(fact_rows[_i].sql);
    if (fact_rows[_i].folder)
        ck_assert_int_eq(mkdir(fact_rows[_i].folder, 0755), 0);
    facts = database_facts(opened_database(DATABASE_READ));
    ck_assert_int_eq(facts->wal, fact_rows[_i].wal);
    ck_assert_uint_eq(facts->page_size, fact_rows[_i].page_size);
    ck_assert_int_eq(facts->auto_vacuum, fact_rows[_i].auto_vacuum);
    ck_assert_int_eq(facts->replicator != NULL, fact_rows[_i].replicator != NULL);
    if (facts->replicator)
        ck_assert_str_eq(facts->replicator, fact_rows[_i].replicator);
}
END_TEST

static const struct {
    unsigned char version[4];
    int number;
    bool bug; /* where our own library has none */
} writer_rows[] = {
    {{0x00, 0x2e, 0x5f, 0x20}, 3039008, true},
    {{0x00, 0x2e, 0x8c, 0x0b}, 3050507, false},
    {{0x00, 0x2e, 0x90, 0x7b}, 3051643, false},
    {{0xff, 0xff, 0xff, 0xff}, 294967295, false},
};

START_TEST(the_last_writer)
{
    sound();
    write_bytes(96, writer_rows[_i].version, 4);
    const struct database_facts *facts = database_facts(opened_database(DATABASE_READ));
    ck_assert_int_eq(facts->last_writer, writer_rows[_i].number);
    ck_assert(facts->reset_bug ==
              (writer_rows[_i].bug || library_has_wal_reset_bug(sqlite3_libversion_number())));
}
END_TEST

/* The header names us; then whoever it named before counts. */
START_TEST(the_writer_before_us)
{
    sound();
    opened_writer.version = 3039008;
    const struct database_facts *facts = database_facts(opened_database(DATABASE_READ));
    ck_assert_int_eq(facts->last_writer, sqlite3_libversion_number());
    ck_assert_int_eq(facts->writer, 3039008);
    ck_assert(facts->reset_bug);
    opened_close();
    write_bytes(96, writer_rows[2].version, 4);
    facts = database_facts(opened_database(DATABASE_READ));
    ck_assert_int_eq(facts->writer, writer_rows[2].number);
}
END_TEST

/* Another connection knows it; one that has found a bug itself is not told otherwise. */
START_TEST(the_writer_of_another_connection)
{
    const int versions[][3] = {{3039008, 3052000, 3039008}, {3052000, 3039008, 3039008}};
    struct database *other = NULL;
    struct error error;

    sound();
    opened_writer.version = versions[_i][0];
    ck_assert_int_eq(opened_try(DATABASE_READ, 100, &other, &error), STATUS_OK);
    opened_writer.version = versions[_i][1];
    struct database *database = opened_database(DATABASE_READ);
    database_same_writer(database, other);
    ck_assert_int_eq(database_facts(database)->writer, versions[_i][2]);
    ck_assert(database_facts(database)->reset_bug);
    database_close(other);
}
END_TEST

START_TEST(reading_does_not_write)
{
    sound_wal();
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_ne(database_exec(database, "INSERT INTO t VALUES(1)", NULL), STATUS_OK);
    ck_assert_int_ne(database_exec(database, "CREATE TABLE u(a)", NULL), STATUS_OK);
    ck_assert_int_ne(database_exec(database, "ATTACH ':memory:' AS other", NULL), STATUS_OK);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 0);
}
END_TEST

/* What guards the connection, as SQLite itself reports it. */
static const struct {
    const char *sql;
    int64_t value;
} guard_rows[] = {
    {"PRAGMA trusted_schema", 0},     {"PRAGMA cell_size_check", 1}, {"PRAGMA foreign_keys", 1},
    {"PRAGMA wal_autocheckpoint", 0}, {"PRAGMA temp_store", 2},      {"PRAGMA cache_size", -16384},
    {"PRAGMA query_only", 0},         {"PRAGMA synchronous", 1},
};

START_TEST(the_connection_is_guarded)
{
    int64_t value = -7;

    sound_wal();
    struct database *database = opened_database(DATABASE_WRITE);
    ck_assert_int_eq(database_integer(database, guard_rows[_i].sql, -8, &value, NULL), STATUS_OK);
    ck_assert_msg(value == guard_rows[_i].value, "%s: %d", guard_rows[_i].sql, (int)value);
    /* DEFENSIVE: the schema can't be written to. */
    ck_assert_int_ne(database_exec(database,
                                   "PRAGMA writable_schema=ON;"
                                   "UPDATE sqlite_master SET name='x' WHERE name='t'",
                                   NULL),
                     STATUS_OK);
}
END_TEST

static int64_t synchronous(struct database *database)
{
    int64_t value = -7;

    ck_assert_int_eq(database_integer(database, "PRAGMA synchronous", -8, &value, NULL), STATUS_OK);
    return value;
}

/* And the folder behind the journal's unlinking, where the file may get shorter. */
START_TEST(a_rollback_journal_is_synced)
{
    sound();
    struct database *database = opened_database(DATABASE_WRITE);
    ck_assert_int_eq(synchronous(database), 2);
    ck_assert_int_eq(database_sync_folder(database, NULL), STATUS_OK);
    ck_assert_int_eq(synchronous(database), 3);
    opened_close();
    opened_sql("PRAGMA auto_vacuum = FULL; VACUUM");
    opened_close();
    ck_assert_int_eq(synchronous(opened_database(DATABASE_WRITE)), 3);
}
END_TEST

START_TEST(a_log_is_as_it_was)
{
    sound_wal();
    struct database *database = opened_database(DATABASE_WRITE);
    ck_assert_int_eq(database_sync_folder(database, NULL), STATUS_OK);
    ck_assert_int_eq(synchronous(database), 1);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("database");
    TCase *cases = tcase_create("database");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, opening, 0, COUNT(open_rows));
    tcase_add_loop_test(cases, what_is_known, 0, COUNT(fact_rows));
    tcase_add_loop_test(cases, the_last_writer, 0, COUNT(writer_rows));
    tcase_add_test(cases, the_writer_before_us);
    tcase_add_loop_test(cases, the_writer_of_another_connection, 0, 2);
    tcase_add_test(cases, reading_does_not_write);
    tcase_add_loop_test(cases, the_connection_is_guarded, 0, COUNT(guard_rows));
    tcase_add_test(cases, a_rollback_journal_is_synced);
    tcase_add_test(cases, a_log_is_as_it_was);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
