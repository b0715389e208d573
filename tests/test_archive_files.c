/* The files of archives: segments, the folders that they lie in, and manifests. */
#include "archive_manifest.h"
#include "archive_place.h"
#include "archive_segment.h"

#include "lib_opened.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- segments ----------------------------------------------------------------------------- */

static void files_write_lines(int folder, const char *name, int lines)
{
    struct segment_writer *writer;
    struct segment_file file;
    struct error error = {0};

    ck_assert_msg(!segment_create(folder, name, 0600, name, &writer, &error), "%s", error.text);
    for (int i = 0; i < lines; i++) {
        char *line = memory_format("%d %*d\n", i, i % 1000, i);
        ck_assert(!segment_write(writer, line, strlen(line), &error));
        free(line);
    }
    ck_assert(!segment_finish(writer, &file, &error));
}

/* How many lines can be read, and `*right` of them are what they were; -1 where the file is found
 * to be damaged. */
static int files_read_lines(int folder, const char *name, int *right, struct error *error)
{
    struct segment_reader *reader;
    enum status status;
    const char *line;
    size_t length;
    int lines = 0;

    *right = 0;
    ck_assert_msg(!segment_open(folder, name, name, &reader, error), "%s", error->text);
    while (!(status = segment_line(reader, &line, &length, error)) && line)
        *right += atoi(line) == lines++;
    segment_close(reader);
    return status ? -1 : lines;
}

START_TEST(files_lines)
{
    static const int counts[] = {0, 1, 2, 1000, 20000};
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    struct error error = {0};

    int right;

    files_write_lines(folder, "lines", counts[_i]);
    ck_assert_int_eq(files_read_lines(folder, "lines", &right, &error), counts[_i]);
    ck_assert_int_eq(right, counts[_i]);
    close(folder);
}
END_TEST

/* A line of zeros of a size that expands from almost nothing. */
START_TEST(files_long_line)
{
    enum { LONG = 3000000 };
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    char *bytes = memory_zeroed(LONG + 1, 1);
    struct segment_writer *writer;
    struct segment_reader *reader;
    struct segment_file file;
    struct error error = {0};
    const char *line;
    size_t length;

    memset(bytes, 'x', LONG);
    bytes[LONG] = '\n';
    ck_assert(!segment_create(folder, "long", 0600, "long", &writer, &error));
    for (int i = 0; i < 3; i++)
        ck_assert(!segment_write(writer, bytes, LONG + 1, &error));
    ck_assert(!segment_finish(writer, &file, &error));
    ck_assert_int_lt(file.bytes, 10000);
    ck_assert(!segment_open(folder, "long", "long", &reader, &error));
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(!segment_line(reader, &line, &length, &error), "%s", error.text);
        ck_assert_uint_eq(length, LONG);
    }
    ck_assert_msg(!segment_line(reader, &line, &length, &error), "%s", error.text);
    ck_assert_ptr_null(line);
    segment_close(reader);
    close(folder);
    free(bytes);
}
END_TEST

/* Any bit, or any length that is not the whole. zstd itself does not find all: a bit of its header
 * says that there are no checksums. The digest does. */
static void files_hurt(int folder, uint64_t *random, const char *bytes, size_t length)
{
    size_t at = (size_t)randomdb_number(random, (int64_t)length);
    bool cut = randomdb_number(random, 2);
    char *hurt = memory_copy_length(bytes, length), whole[DIGEST_HEX];
    struct error error = {0};
    struct segment_reader *reader;
    struct segment_file file;
    const char *line = "";
    size_t size;

    hurt[at] = (char)(hurt[at] ^ (cut ? 0 : 1 << randomdb_number(random, 8)));
    ck_assert(!archive_place_put(folder, "hurt", 0600, hurt, cut ? at : length, &error));
    digest_of(bytes, length, whole);
    ck_assert(!segment_open(folder, "hurt", "hurt", &reader, &error));
    while (line && !segment_line(reader, &line, &size, &error))
        continue;
    segment_read(reader, &file);
    ck_assert(line || (!cut && strcmp(file.sha256, whole) != 0));
    segment_close(reader);
    free(hurt);
}

START_TEST(files_damage)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    uint64_t random = randomdb_seed("files_damage");
    struct error error = {0};
    size_t length;
    char *bytes;

    files_write_lines(folder, "whole", 2000);
    ck_assert(!archive_place_get(folder, "whole", &bytes, &length, &error));
    for (int round = 0; round < 200; round++)
        files_hurt(folder, &random, bytes, length);
    free(bytes);
    close(folder);
}
END_TEST

/* --- places ------------------------------------------------------------------------------- */

static const struct {
    const char *name, *safe;
} files_names[] = {
    {"logs", "logs"},           {"Work_logs-2.x", "Work_logs-2.x"},
    {"../x", "%2E.%2Fx"},       {"..", "%2E."},
    {".hidden", "%2Ehidden"},   {"_hidden", "%5Fhidden"},
    {"a b=c%", "a%20b%3Dc%25"}, {"\xc3\xa4", "%C3%A4"},
};

START_TEST(files_name)
{
    struct text path = {0};

    archive_place_name(files_names[_i].name, &path);
    ck_assert_str_eq(path.bytes, files_names[_i].safe);
    text_free(&path);
}
END_TEST

START_TEST(files_long_name)
{
    char one[400] = {0}, other[400] = {0};
    struct text first = {0}, second = {0};

    memset(one, 'n', 300);
    memset(other, 'n', 301);
    archive_place_name(one, &first);
    archive_place_name(other, &second);
    ck_assert_uint_lt(first.length, 255);
    ck_assert_str_ne(first.bytes, second.bytes);
    text_free(&first);
    text_free(&second);
}
END_TEST

static char *files_here(const char *name)
{
    char folder[4096];

    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    return memory_format("%s/%s", folder, name);
}

START_TEST(files_place)
{
    char *directory = files_here("cold");
    struct archive_place place = {.folder = -1};
    struct error error = {0};
    int part;

    ck_assert_int_eq(archive_place_open(directory, "db", "logs", true, &place, &error),
                     STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "make it, and chown it"));
    ck_assert_int_eq(mkdir("cold", 0750), 0);
    ck_assert(!archive_place_open(directory, "db", "logs", false, &place, &error));
    ck_assert_int_eq(place.folder, -1);
    archive_place_close(&place);
    ck_assert_msg(!archive_place_open(directory, "db", "logs", true, &place, &error), "%s",
                  error.text);
    ck_assert_msg(!archive_place_part(&place, "year=2025/month=03", true, &part, &error), "%s",
                  error.text);
    ck_assert_int_eq(access("cold/db/logs/year=2025/month=03", R_OK | W_OK | X_OK), 0);
    close(part);
    archive_place_close(&place);
    free(directory);
}
END_TEST

/* Whoever could put a link there must not lead us elsewhere. */
START_TEST(files_link)
{
    static const char *const links[] = {"cold/db", "cold/db/logs", "cold/db/logs/year=2025"};
    char *directory = files_here("cold");
    struct archive_place place = {.folder = -1};
    struct error error = {0};
    int part = -1;

    mkdir("cold", 0700);
    mkdir("elsewhere", 0700);
    for (int i = 0; i < _i; i++)
        mkdir(links[i], 0700);
    ck_assert_int_eq(symlink("../elsewhere", links[_i]), 0);
    enum status status = archive_place_open(directory, "db", "logs", true, &place, &error);
    if (!status)
        status = archive_place_part(&place, "year=2025", true, &part, &error);
    ck_assert_int_eq(status, STATUS_FAILED);
    ck_assert_int_eq(rmdir("elsewhere"), 0); /* nothing was put there */
    archive_place_close(&place);
    free(directory);
}
END_TEST

START_TEST(files_manifest)
{
    struct archive_manifest manifest = {.state = MANIFEST_DELETING,
                                        .part = memory_copy("year=2025/month=03"),
                                        .name = memory_copy("part-20250301T000000.5Z.jsonl.zst"),
                                        .about = json_pack("{s:s, s:s}", "database", "db", "table",
                                                           "../x"),
                                        .first_key = json_pack("[i]", 1),
                                        .rows = 7,
                                        .bytes = 8,
                                        .line_bytes = 9,
                                        .first_us = 1,
                                        .last_us = INT64_C(1740787200000000),
                                        .cutoff_us = 3,
                                        .made_us = 4,
                                        .sha256 = "ab",
                                        .sha256_rows = "cd"};
    struct archive_manifest back = {0};
    struct error error = {0};
    char *text = archive_manifest_text(&manifest), *file = archive_manifest_file(&manifest);

    ck_assert_str_eq(file, "_part-20250301T000000.5Z.manifest.json");
    ck_assert_msg(!archive_manifest_parse(text, strlen(text), &back, &error), "%s", error.text);
    char *again = archive_manifest_text(&back);
    ck_assert_str_eq(text, again);
    ck_assert_int_eq(back.state, MANIFEST_DELETING);
    ck_assert_ptr_nonnull(strstr(text, "\"last_time\": \"2025-03-01T00:00:00Z\""));
    archive_manifest_free(&manifest);
    archive_manifest_free(&back);
    free(text);
    free(again);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_files");
    SRunner *runner = srunner_create(suite);
    TCase *names = tcase_create("names"), *files = tcase_create("files");

    tcase_add_loop_test(names, files_name, 0, sizeof files_names / sizeof *files_names);
    tcase_add_test(names, files_long_name);
    tcase_add_test(names, files_manifest);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(files, opened_set_up, opened_tear_down);
    tcase_set_timeout(files, 60);
    tcase_add_loop_test(files, files_lines, 0, 5);
    tcase_add_test(files, files_long_line);
    tcase_add_test(files, files_damage);
    tcase_add_test(files, files_place);
    tcase_add_loop_test(files, files_link, 0, 3);
    suite_add_tcase(suite, files);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
