/*
 * Random bytes in databases, logs and wal-indexes: the page walker neither crashes nor hangs nor
 * takes more than 256 MiB.
 */
#include "lib_damage.h"
#include "lib_randomdb.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 2000, BATCH = 100 };

/* Half of the bytes anywhere, the other half where pages say what they are. */
static void flip(struct damage_image *image, uint64_t *random)
{
    int64_t pages = (int64_t)(image->size / image->page_size);
    int64_t count = 1 + randomdb_number(random, 30);

    for (int64_t i = 0; i < count; i++) {
        size_t at = (size_t)randomdb_number(random, (int64_t)image->size);
        if (randomdb_number(random, 2))
            at = (size_t)(randomdb_number(random, pages) * image->page_size +
                          randomdb_number(random, 24));
        if (at < 24 && randomdb_number(random, 8))
            continue; /* or most would not even be opened */
        image->bytes[at] = (unsigned char)randomdb_number(random, 256);
    }
}

static void flip_batch(const struct damage_image *base, uint64_t random)
{
    static char said[65536];
    struct damage_image image;
    int opened = 0, found = 0;

    for (int i = 0; i < BATCH; i++) {
        alarm(20);
        damage_copy(&image, base);
        flip(&image, &random);
        if (!randomdb_number(&random, 10))
            image.size = (size_t)randomdb_number(&random, (int64_t)image.size);
        damage_write(&image, randomdb_path("damaged"));
        damage_look_here(randomdb_path("damaged"), i % 4 ? 60000 : 0, said, sizeof said);
        opened += !strncmp(said, "ok", 2);
        found += !strncmp(said, "ok", 2) && strchr(said, '\n')[1];
        damage_free(&image);
    }
    /* Else the test would look at what SQLite refuses alone. */
    ck_assert_msg(opened > BATCH / 5 && found > BATCH / 10, "only %d opened, %d found damaged",
                  opened, found);
}

START_TEST(test_flipped)
{
    static const struct {
        int page_size, auto_vacuum;
    } bases[] = {{512, 0}, {1024, 2}, {4096, 0}, {512, 1}};
    uint64_t seed = randomdb_seed("flipped") + (uint64_t)_i;
    struct damage_image base;
    int died = 0;

    damage_base(&base, bases[_i % 4].page_size, bases[_i % 4].auto_vacuum);
    pid_t pid = fork();
    if (!pid) {
        damage_limit();
        flip_batch(&base, seed);
        _exit(0);
    }
    waitpid(pid, &died, 0);
    ck_assert_msg(died == 0, "seed %llu died with %d", (unsigned long long)seed, died);
    damage_free(&base);
    randomdb_clean();
}
END_TEST

/* Random bytes into a file that is in use. */
static void poke(const char *ending, size_t from, uint64_t *random)
{
    char path[600];

    snprintf(path, sizeof path, "%s%s", randomdb_path("live"), ending);
    int descriptor = open(path, O_RDWR);
    ck_assert_int_ge(descriptor, 0);
    off_t size = lseek(descriptor, 0, SEEK_END);
    for (int64_t i = randomdb_number(random, 40); i >= 0; i--) {
        unsigned char byte = (unsigned char)randomdb_number(random, 256);
        off_t at = (off_t)from + randomdb_number(random, (int64_t)size - (int64_t)from);
        ck_assert_int_eq(pwrite(descriptor, &byte, 1, at), 1);
    }
    close(descriptor);
}

/* Where in the -shm a round strikes: anywhere, behind the header's two copies, behind all of it. */
static void poke_live(uint64_t random)
{
    static const size_t froms[] = {0, 96, 136};
    static char said[65536];
    const struct randomdb_kind kind = {.page_size = 512, .journal = "wal", .rows = 200};

    for (int i = 0; i < 60; i++) {
        alarm(20);
        sqlite3 *db = randomdb_make(randomdb_path("live"), &kind, &random);
        for (int k = 0; k < 3; k++) {
            if (i % 2)
                poke("-wal", 32, &random);
            else
                poke("-shm", froms[randomdb_number(&random, 3)], &random);
            damage_look_here(randomdb_path("live"), 60000, said, sizeof said);
        }
        sqlite3_close(db);
    }
}

/* A log and a wal-index that lie, under a connection that has them open. */
START_TEST(test_log_flipped)
{
    uint64_t seed = randomdb_seed("log flipped") + (uint64_t)_i;
    int died = 0;

    randomdb_folder(); /* the parent's, to clean */
    pid_t pid = fork();
    if (!pid) {
        damage_limit();
        poke_live(seed);
        _exit(0);
    }
    waitpid(pid, &died, 0);
    ck_assert_msg(died == 0, "seed %llu died with %d", (unsigned long long)seed, died);
    randomdb_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage random");
    TCase *all = tcase_create("damage random");

    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, test_log_flipped, 0, 2);
    tcase_add_loop_test(all, test_flipped, 0, FILES / BATCH);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
