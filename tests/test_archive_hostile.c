/*
 * Archives that somebody has made to harm whoever reads them, and those that a run has left
 * unfinished, through the real program. There is no database, and no catalogue.
 */
#include "lib_archived.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_owners.h"
#include "lib_shelved.h"
#include "memory.h"

#include "archive_segment.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define DAYS(n) (INT64_C(1735689600000000) + (n)*SHELVED_DAY) /* from 2025-01-01 on */

static const struct shelved good = {"year=2025", "20260101T000000.000001Z", DAYS(0), 10,
                                    MANIFEST_DONE},
                            bad = {"year=2025", "20260101T000000.000002Z", DAYS(1), 20,
                                   MANIFEST_DONE};

#define GOOD_LINES 10
#define BAD        "part-20260101T000000.000002Z.jsonl.zst"

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    archived_policy("");
    free(shelved_folder());
    shelved_make(&good);
    shelved_make(&bad);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* Of the good one all comes, of the other nothing, and that is said. */
static void only_the_good(const char *says)
{
    struct program_result result;

    archived_run("cat app t", 1, &result);
    ck_assert_uint_eq(lines_of(result.out), GOOD_LINES);
    ck_assert_msg(strstr(result.err, BAD ": ") && strstr(result.err, says), "%s", result.err);
    program_result_free(&result);
    archived_run("verify", 1, &result);
    ck_assert_msg(strstr(result.out, BAD ": ") && strstr(result.out, says), "%.900s", result.out);
    program_result_free(&result);
}

/* Replaces the bad one's file by these bytes, and says of it in its manifest what is not true. */
static void replace(const void *bytes, size_t length, const char *line_bytes)
{
    char *path = shelved_path(shelved_file(&bad)), *manifest = shelved_path(shelved_manifest(&bad));
    FILE *file = fopen(path, "w");

    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
    json_t *object = json_load_file(manifest, 0, NULL);
    json_object_set_new(object, "line_bytes", json_integer(atoll(line_bytes)));
    json_object_set_new(object, "bytes", json_integer((json_int_t)length));
    ck_assert(!json_dump_file(object, manifest, 0));
    json_decref(object);
    free(path);
    free(manifest);
}

enum { BOMB = 512 << 20 };

/* Half a gigabyte of one letter, with a newline after each `line` letters. */
static void bomb(size_t line, int window, const char *line_bytes)
{
    enum { PIECE = 1 << 20 };
    char *piece = memory_zeroed(PIECE, 1), *out = memory_zeroed(PIECE, 1);
    ZSTD_CCtx *stream = ZSTD_createCCtx();
    ZSTD_outBuffer output = {out, PIECE, 0};

    memset(piece, 'x', PIECE);
    ZSTD_CCtx_setParameter(stream, ZSTD_c_windowLog, window);
    for (size_t i = line; line && i < PIECE; i += line)
        piece[i] = '\n';
    for (int64_t done = 0; done < BOMB; done += PIECE) {
        ZSTD_inBuffer input = {piece, PIECE, 0};
        size_t left = ZSTD_compressStream2(stream, &output, &input,
                                           done + PIECE < BOMB ? ZSTD_e_continue : ZSTD_e_end);
        ck_assert(!ZSTD_isError(left) && input.pos == input.size);
    }
    replace(out, output.pos, line_bytes);
    ZSTD_freeCCtx(stream);
    free(piece);
    free(out);
}

/* A few kilobytes that want to be half a gigabyte, or that much memory. */
START_TEST(bombs)
{
    static const struct {
        size_t line;
        int window;
        const char *line_bytes, *says;
    } kinds[] = {{0, 20, "1400", "more text than was written"},
                 {0, 20, "9007199254740992", "too long a line"},
                 {100, 20, "9007199254740992", "a line is no JSON"},
                 {0, 27, "1400", "requires too much memory"}};
    struct rusage usage;

    bomb(kinds[_i].line, kinds[_i].window, kinds[_i].line_bytes);
    only_the_good(kinds[_i].says);
    getrusage(RUSAGE_CHILDREN, &usage);
    ck_assert_msg(usage.ru_maxrss < 250000, "%ld KiB", usage.ru_maxrss);
}
END_TEST

/* A line that is no UTF-8 can't be one of ours, whatever the digests say. */
START_TEST(lines_that_are_none)
{
    static const char *const lines[] = {"",
                                        "null\n",
                                        "[]\n",
                                        "{\"id\":1}\n",
                                        "{\"id\":1,\"at\":2,\"x\":\"\xff\"}\n",
                                        "{\"id\":1,\"at\":2,\"x\":\"\x1b[2J\"}\n"};
    char out[1024];
    size_t length = ZSTD_compress(out, sizeof out, lines[_i], strlen(lines[_i]), 1);

    ck_assert(!ZSTD_isError(length));
    replace(out, length, "1400");
    only_the_good(BAD);
}
END_TEST

/* --- unfinished --------------------------------------------------------------------------- */

START_TEST(unfinished)
{
    struct shelved amid = {"year=2025", "20260101T000000.000003Z", DAYS(2), 5, MANIFEST_DELETING};
    struct program_result result;

    shelved_make(&amid);
    archived_run("cat app t", 0, &result);
    ck_assert_uint_eq(lines_of(result.out), 30);
    expect_text("notice", result.err,
                "litekeeper: 1 segment is unfinished, and left out: its rows may still be in the "
                "database; --unfinished prints them, too\n");
    program_result_free(&result);
    archived_run("cat app t --unfinished", 0, &result);
    ck_assert_uint_eq(lines_of(result.out), 35);
    ck_assert_str_eq(result.err, "");
    program_result_free(&result);
    archived_run("list", 0, &result);
    ck_assert_ptr_nonnull(strstr(result.out, "  deleting  "));
    ck_assert_ptr_nonnull(
        strstr(result.out, "; 1 unfinished, which the next run of retention ends"));
    program_result_free(&result);
}
END_TEST

/* --- whose it is -------------------------------------------------------------------------- */

/* With the rights of the folder's owner nothing of others' is read, wherever a link leads. */
START_TEST(with_the_owners_rights)
{
    char *file = shelved_path(shelved_file(&bad)), *away = folder_path("secret");
    char *folder = folder_path("cold/app"), *inner = shelved_folder();
    char *year = memory_format("%s/year=2025", inner), *top = folder_path("");

    if (geteuid() != 0)
        return;
    ck_assert(!rename(file, away) && !chmod(away, 0600));
    ck_assert(!link(away, file)); /* root's, and nobody else may read it */
    ck_assert(!chmod(top, 0755));
    ck_assert(!chown(folder, 12345, 12345) && !chown(inner, 12345, 12345) &&
              !chown(year, 12345, 12345));
    char *cold = folder_path("cold");
    ck_assert(!chmod(cold, 0755));
    json_t *files = archived_files(), *name;
    size_t i;
    json_array_foreach (files, i, name) {
        char *path = folder_path(json_string_value(name));
        if (strcmp(path, file) != 0)
            ck_assert(!chown(path, 12345, 12345));
        free(path);
    }
    only_the_good("Permission denied");
    json_decref(files);
    free(cold);
    free(file);
    free(away);
    free(folder);
    free(inner);
    free(year);
    free(top);
}
END_TEST

/* What a terminal would obey is written as JSON can write it, too. */
START_TEST(on_a_terminal)
{
    struct program program;
    struct program_result result;
    char *words = expect_words("archive cat -c @/policy.yaml app t --where id=17356896000");

    program_start(&program, words, true);
    program_finish(&program, &result);
    ck_assert_ptr_nonnull(strstr(result.out, "\"x\":\"row 0 of"));
    ck_assert_ptr_nonnull(strstr(result.out, "\xc3\xa4\\u007f\\u009b31m\"}"));
    program_result_free(&result);
    free(words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_hostile");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, bombs, 0, 4);
    tcase_add_loop_test(cases, lines_that_are_none, 0, 6);
    tcase_add_test(cases, unfinished);
    tcase_add_test(cases, with_the_owners_rights);
    tcase_add_test(cases, on_a_terminal);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
