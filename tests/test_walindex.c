/* The wal-index against what SQLite says of the log, and against the log itself, frame by frame. */
#include "lib_damage.h"
#include "lib_randomdb.h"
#include "walindex.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sqlite3 *make(int page_size)
{
    char sql[128];
    sqlite3 *db = randomdb_open(randomdb_path("db"));

    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA journal_mode = wal; PRAGMA synchronous = OFF",
             page_size);
    randomdb_sql(db, sql);
    randomdb_sql(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    return db;
}

static void read_well(sqlite3 *db, struct walindex *index)
{
    struct error error = {0};

    ck_assert_msg(!walindex_read(db, index, &error), "%s", error.text);
}

/* What a checkpoint says of the log: its frames, or those that are in the database. */
static uint32_t checkpoint(sqlite3 *db, const char *mode, int column)
{
    char sql[64];
    sqlite3_stmt *query = NULL;

    snprintf(sql, sizeof sql, "PRAGMA wal_checkpoint(%s)", mode);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    uint32_t value = (uint32_t)sqlite3_column_int(query, column);
    sqlite3_finalize(query);
    return value;
}

/* Without WAL mode it refuses, and makes no -shm file by asking. */
START_TEST(test_no_wal)
{
    struct walindex index = {.changes = 17};
    struct error error = {0};
    char shm[600];
    sqlite3 *db = randomdb_open(randomdb_path("db"));

    randomdb_sql(db, "CREATE TABLE t(a)");
    ck_assert(!walindex_in_use(db));
    ck_assert_int_eq(walindex_read(db, &index, &error), STATUS_REFUSED);
    ck_assert_str_eq(error.text, "it is not in WAL mode");
    ck_assert_uint_eq(index.changes, 17);
    snprintf(shm, sizeof shm, "%s-shm", randomdb_path("db"));
    ck_assert_int_ne(access(shm, F_OK), 0);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

START_TEST(test_counts)
{
    static const int sizes[] = {512, 4096, 32768, 65536};
    struct walindex index, after;
    sqlite3 *db = make(sizes[_i]), *other = NULL;

    ck_assert(walindex_in_use(db));
    randomdb_sql(db, "INSERT INTO t(b) VALUES(zeroblob(100000))");
    read_well(db, &index);
    ck_assert_uint_eq(index.page_size, (uint32_t)sizes[_i]);
    ck_assert_uint_eq(index.pages, (uint32_t)randomdb_value(db, "PRAGMA page_count"));
    ck_assert_uint_eq(index.backfilled, 0);

    other = randomdb_open(randomdb_path("db"));
    for (uint32_t i = 1; i <= 3; i++) {
        randomdb_sql(other, "INSERT INTO t(b) VALUES(1)");
        read_well(db, &after);
        ck_assert_uint_eq(after.changes, index.changes + i);
    }
    ck_assert(memcmp(index.header, after.header, WALINDEX_HEADER) != 0);
    ck_assert_uint_eq(after.max_frame, checkpoint(other, "PASSIVE", 1));
    read_well(db, &index);
    ck_assert_mem_eq(index.header, after.header, WALINDEX_HEADER);
    ck_assert_uint_eq(index.backfilled, index.max_frame);
    sqlite3_close(other);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* A reader's mark keeps a checkpoint from going beyond it. */
START_TEST(test_marks)
{
    struct walindex index, after;
    sqlite3 *db = make(4096), *reader = randomdb_open(randomdb_path("db"));
    bool marked = false;

    randomdb_sql(db, "INSERT INTO t(b) VALUES(1)");
    randomdb_sql(reader, "BEGIN");
    ck_assert_int_eq(randomdb_value(reader, "SELECT count(*) FROM t"), 1);
    read_well(db, &index);
    randomdb_sql(db, "INSERT INTO t(b) VALUES(2)");
    ck_assert_uint_eq(checkpoint(db, "PASSIVE", 2), index.max_frame);
    read_well(db, &after);
    ck_assert_uint_eq(after.backfilled, index.max_frame);
    ck_assert_uint_gt(after.max_frame, after.backfilled);
    for (int i = 1; i < WALINDEX_MARKS; i++)
        marked |= after.marks[i] == index.max_frame;
    ck_assert_msg(marked, "no mark at frame %u", index.max_frame);
    sqlite3_close(reader);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* The newest frame of each page, read from the log itself: a frame is a header of 24 bytes, which
 * begins with the page's number, and the page. */
static uint32_t *frames_of_log(uint32_t page_size, uint32_t max_frame, uint32_t pages)
{
    char path[600];
    unsigned char number[4];
    uint32_t *frames = calloc(pages + 1, sizeof *frames);

    snprintf(path, sizeof path, "%s-wal", randomdb_path("db"));
    FILE *log = fopen(path, "rb");
    ck_assert_ptr_nonnull(log);
    for (uint32_t frame = 1; frame <= max_frame; frame++) {
        fseek(log, 32 + (long)(frame - 1) * (24 + (long)page_size), SEEK_SET);
        ck_assert_uint_eq(fread(number, 1, 4, log), 4);
        if (damage_four(number) <= pages)
            frames[damage_four(number)] = frame;
    }
    fclose(log);
    return frames;
}

static void compare_frames(sqlite3 *db, const struct walindex *index)
{
    uint32_t *frames = frames_of_log(index->page_size, index->max_frame, index->pages);

    for (uint32_t page = 1; page <= index->pages; page++) {
        uint32_t frame = 4711;
        ck_assert_int_eq(walindex_frame(db, index, page, &frame, NULL), STATUS_OK);
        ck_assert_msg(frame == frames[page], "page %u is in frame %u, not %u", page, frames[page],
                      frame);
    }
    free(frames);
}

/* A log over several pieces of the wal-index; then as of a snapshot that is no longer the last. */
START_TEST(test_frames)
{
    uint64_t random = randomdb_seed("frames");
    struct walindex index;
    char sql[128];
    sqlite3 *db = make(512), *reader = randomdb_open(randomdb_path("db"));

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1200; i++) {
            snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO t VALUES(%d, zeroblob(%d))",
                     (int)randomdb_number(&random, 20000), (int)randomdb_number(&random, 900));
            randomdb_sql(db, sql);
        }
        if (round == 0) {
            randomdb_sql(reader, "BEGIN");
            randomdb_value(reader, "SELECT count(*) FROM t");
            read_well(reader, &index);
        }
    }
    ck_assert_uint_gt(index.max_frame, 2000);
    compare_frames(reader, &index);
    read_well(db, &index);
    ck_assert_uint_gt(index.max_frame, 8200);
    compare_frames(db, &index);
    sqlite3_close(reader);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* A wal-index that claims more frames than it has room for. */
START_TEST(test_too_short)
{
    struct walindex index;
    struct error error = {0};
    uint32_t frame = 4711;
    sqlite3 *db = make(4096);

    read_well(db, &index);
    index.max_frame = 0xFFFFFFFF;
    ck_assert_int_eq(walindex_frame(db, &index, 1, &frame, &error), STATUS_INVALID);
    ck_assert_str_eq(error.text, "its -shm file ends before the last of 4294967295 frames");
    ck_assert_uint_eq(frame, 4711);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walindex");
    TCase *all = tcase_create("walindex");

    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_no_wal);
    tcase_add_loop_test(all, test_counts, 0, 4);
    tcase_add_test(all, test_marks);
    tcase_add_test(all, test_frames);
    tcase_add_test(all, test_too_short);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
