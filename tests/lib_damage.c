/* Breaking database files, and looking at them as a worker does. */
#include "lib_damage.h"

#include "inspection.h"
#include "lib_randomdb.h"
#include "pages.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID = 16384 };

uint32_t damage_two(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

uint32_t damage_four(const unsigned char *at)
{
    return damage_two(at) << 16 | damage_two(at + 2);
}

void damage_put_two(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

void damage_put_four(unsigned char *at, uint32_t value)
{
    damage_put_two(at, value >> 16);
    damage_put_two(at + 2, value & 0xFFFF);
}

static void damage_read(struct damage_image *image, const char *path)
{
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    image->size = (size_t)ftell(file);
    rewind(file);
    image->bytes = malloc(image->size);
    ck_assert_uint_eq(fread(image->bytes, 1, image->size, file), image->size);
    fclose(file);
}

void damage_base(struct damage_image *image, int page_size, int auto_vacuum)
{
    char sql[1024];
    sqlite3 *db = NULL;
    const char *path = randomdb_path("db");

    unlink(path);
    db = randomdb_open(path);
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA synchronous = OFF;"
             "CREATE TABLE t(a, b); CREATE TABLE u(a, b); CREATE INDEX t_a ON t(a);"
             "CREATE TABLE gone(x);"
             "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
             " INSERT INTO t SELECT printf('%%08d', i * 7919 %% 10000), zeroblob(i %% 50) FROM n;"
             "INSERT INTO t VALUES('long', zeroblob(5000)); INSERT INTO u SELECT * FROM t;"
             "INSERT INTO gone SELECT zeroblob(300) FROM t LIMIT 300; DROP TABLE gone;"
             "DELETE FROM t WHERE rowid %% 5 = 0",
             page_size, auto_vacuum);
    randomdb_sql(db, sql);
    *image = (struct damage_image){
        .page_size = (uint32_t)page_size,
        .t = (uint32_t)randomdb_value(db, "SELECT rootpage FROM sqlite_schema WHERE name = 't'"),
        .u = (uint32_t)randomdb_value(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'u'"),
        .t_a =
            (uint32_t)randomdb_value(db, "SELECT rootpage FROM sqlite_schema WHERE name = 't_a'"),
    };
    sqlite3_close(db);
    damage_read(image, path);
    unlink(path);
}

void damage_copy(struct damage_image *image, const struct damage_image *from)
{
    *image = *from;
    image->bytes = malloc(from->size);
    memcpy(image->bytes, from->bytes, from->size);
}

void damage_free(struct damage_image *image)
{
    free(image->bytes);
}

void damage_write(const struct damage_image *image, const char *path)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(image->bytes, 1, image->size, file), image->size);
    ck_assert_int_eq(fclose(file), 0);
}

bool damage_is(const struct damage_image *image, const char *path)
{
    struct damage_image there = {0};

    damage_read(&there, path);
    bool same = there.size == image->size && !memcmp(there.bytes, image->bytes, there.size);
    damage_free(&there);
    return same;
}

void damage_expect(const struct damage_image *image, const char *path)
{
    ck_assert_msg(damage_is(image, path), "%s was changed", path);
}

unsigned char *damage_page(struct damage_image *image, uint32_t page)
{
    ck_assert_uint_le((size_t)page * image->page_size, image->size);
    return image->bytes + (size_t)(page - 1) * image->page_size;
}

unsigned char *damage_child(struct damage_image *image, uint32_t page, uint32_t i)
{
    unsigned char *bytes = damage_page(image, page);

    ck_assert_msg(bytes[0] == 2 || bytes[0] == 5, "page %u is no interior page", page);
    return i == damage_two(bytes + 3) ? bytes + 8 : bytes + damage_two(bytes + 12 + 2 * i);
}

uint32_t damage_first_leaf(struct damage_image *image, uint32_t page)
{
    while (damage_page(image, page)[0] < 8)
        page = damage_four(damage_child(image, page, 0));
    return page;
}

uint32_t damage_grow(struct damage_image *image, uint32_t pages)
{
    size_t more = (size_t)pages * image->page_size;
    uint32_t first = (uint32_t)(image->size / image->page_size) + 1;

    image->bytes = realloc(image->bytes, image->size + more);
    memset(image->bytes + image->size, 0, more);
    image->size += more;
    damage_put_four(image->bytes + 28, first + pages - 1);
    return first;
}

static void damage_say(char *text, size_t size, const char *name, const char *what)
{
    size_t length = strlen(text);

    if (what)
        snprintf(text + length, size - length, "%s: %s\n", name, what);
}

static void damage_btree(const struct pages_btree *btree, const struct pages_report *report)
{
    json_t *event = inspection_btree(btree);
    char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;

    ck_assert_msg(line != NULL, "%s is no JSON", btree->name);
    ck_assert_int_le(btree->interior_pages + btree->leaf_pages, (int64_t)report->pages + 1);
    ck_assert_int_le(btree->leaves_read, btree->leaf_pages);
    ck_assert_int_le(btree->depth, 20);
    ck_assert_int_ge(btree->overflow_pages, 0);
    ck_assert(btree->density >= 0 && btree->density <= 1);
    ck_assert(btree->fragmentation >= 0 && btree->fragmentation <= 1);
    ck_assert(isfinite(btree->entry_bytes) && btree->entries >= 0);
    free(line);
    json_decref(event);
}

void damage_look_here(const char *path, double slice_ms, char *text, size_t size)
{
    static const char *const statuses[] = {"ok",   "failed",    "refused",
                                           "busy", "cancelled", "invalid"};
    const struct pages_limits limits = {.slice_ms = slice_ms};
    struct pages_report report = {0};
    struct error error = {0};
    sqlite3 *db = randomdb_open(path);

    sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF", NULL, NULL, NULL);
    enum status status = pages_measure(db, &limits, &report, &error);
    *text = '\0';
    damage_say(text, size, statuses[status], status ? error.text : "");
    damage_say(text, size, "freelist", report.freelist_error);
    for (size_t i = 0; i < report.btree_count; i++) {
        damage_say(text, size, report.btrees[i].name, report.btrees[i].error);
        damage_btree(&report.btrees[i], &report);
    }
    ck_assert_msg(sqlite3_get_autocommit(db), "a transaction was left open");
    pages_report_free(&report);
    sqlite3_close(db);
}

void damage_limit(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit memory = {256 << 20, 256 << 20};

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &memory), 0);
#endif
    alarm(20);
}

const char *damage_look(const char *path, double slice_ms)
{
    static char said[SAID];
    int ends[2], died = 0;
    size_t length = 0;
    ssize_t got;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (!pid) {
        damage_limit();
        damage_look_here(path, slice_ms, said, sizeof said);
        _exit(write(ends[1], said, strlen(said)) < 0);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + length, sizeof said - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    waitpid(pid, &died, 0);
    if (WIFSIGNALED(died))
        snprintf(said, sizeof said, "killed by signal %d", WTERMSIG(died));
    else if (WEXITSTATUS(died))
        snprintf(said, sizeof said, "ended with %d", WEXITSTATUS(died));
    return said;
}
