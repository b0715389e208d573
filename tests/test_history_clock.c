/* What the history knows of the clock, and when it believes it. */
#include "history.h"

#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

static const int64_t day_us = INT64_C(86400) * 1000000;

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static struct history *history_of(const char *folder)
{
    struct history *history = NULL;
    struct error error = {0};

    ck_assert_msg(history_open(folder, &history, &error) == 0, "%s", error.text);
    return history;
}

static struct engine_memory clock_of(struct history *history, bool sure)
{
    struct engine_memory memory = {7, 7, true, {0}, NULL};
    struct error error = {0};

    ck_assert_msg(history_clock(history, sure, &memory, &error) == 0, "%s", error.text);
    return memory;
}

START_TEST(the_clock_is_what_was_known_before)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    struct engine_memory memory = clock_of(history, false);

    ck_assert_int_eq(memory.newest_us, -1);
    ck_assert_int_eq(memory.boot_offset_us, -1);
    ck_assert(!memory.was_synchronised);

    int64_t newest = now_us() - 6 * day_us;
    char *sql = memory_format("UPDATE clock SET offset_us = 77, believed_us = %lld,"
                              " synchronised = 1",
                              (long long)newest);
    free(worklog_ask("history.db", sql));
    memory = clock_of(history, false);
    ck_assert_int_eq(memory.newest_us, newest);
    ck_assert_int_eq(memory.boot_offset_us, 77);
    ck_assert(memory.was_synchronised);

    memory = clock_of(history, false);
    ck_assert_int_ge(memory.newest_us, now_us() - day_us);
    ck_assert(memory.was_synchronised); /* once is for ever */

    free(worklog_ask("history.db", "UPDATE clock SET boot = 'another'"));
    memory = clock_of(history, false);
    ck_assert_int_ge(memory.newest_us, now_us() - day_us);
    ck_assert_int_eq(memory.boot_offset_us, -1); /* this boot was not seen */
    ck_assert(memory.was_synchronised);
    worklog_check("history.db", "SELECT count(*) FROM clock", "2");
    history_close(history);
    free(sql);
    free(folder);
}
END_TEST

/* A clock that ran ahead must not be the witness of its own next reading. Where the kernel says
 * that the clock is right there is no doubt to begin with. */
START_TEST(a_doubtful_clock_does_not_vouch_for_itself)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    int64_t long_ago = now_us() - 8 * day_us;
    char *sql =
        memory_format("UPDATE clock SET offset_us = 77, believed_us = %lld", (long long)long_ago);
    struct timex state = {0};
    bool synchronised = adjtimex(&state) != TIME_ERROR && !(state.status & STA_UNSYNC);

    clock_of(history, false);
    free(worklog_ask("history.db", sql));
    clock_of(history, false);
    if (!synchronised) {
        ck_assert_int_eq(clock_of(history, false).newest_us, long_ago);
        ck_assert_int_eq(clock_of(history, false).boot_offset_us, 77);
    }
    clock_of(history, true); /* the operator's word */
    ck_assert_int_ge(clock_of(history, false).newest_us, now_us() - day_us);
    ck_assert_int_ne(clock_of(history, false).boot_offset_us, 77);
    history_close(history);
    free(sql);
    free(folder);
}
END_TEST

START_TEST(the_operators_word_takes_back_a_time_that_never_was)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);

    clock_of(history, false);
    free(worklog_ask("history.db",
                     "UPDATE clock SET boot = 'another', believed_us = 4102444800000000"));
    ck_assert_int_eq(clock_of(history, false).newest_us, 4102444800000000);
    clock_of(history, true);
    ck_assert_int_le(clock_of(history, false).newest_us, now_us() + day_us);
    history_close(history);
    free(folder);
}
END_TEST

START_TEST(the_boots_offset_is_wall_less_boot_clock)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    struct engine_memory memory;
    struct timespec boot;

    clock_of(history, false);
    memory = clock_of(history, false);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    int64_t off = now_us() - (int64_t)boot.tv_sec * 1000000 - memory.boot_offset_us;
    ck_assert_msg(llabs(off) < 60 * 1000000, "off by %ld us", (long)off);
    history_close(history);
    free(folder);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("history_clock");
    TCase *cases = tcase_create("history_clock");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, the_clock_is_what_was_known_before);
    tcase_add_test(cases, a_doubtful_clock_does_not_vouch_for_itself);
    tcase_add_test(cases, the_operators_word_takes_back_a_time_that_never_was);
    tcase_add_test(cases, the_boots_offset_is_wall_less_boot_clock);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
