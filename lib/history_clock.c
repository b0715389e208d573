/*
 * What the history knows of the clock, and when it believes it. Runs in the history worker.
 */
#include "clock.h"
#include "history_db.h"

#include <ctype.h>
#include <stdio.h>

enum { HISTORY_BOOT = 33 }; /* bytes of a boot's id in hexadecimal, its NUL among them */

static const int64_t history_ahead_us = INT64_C(7) * 86400 * 1000000;

/* What the table knows of the clock, before anything about now goes in. */
static enum status history_recall(struct history *history, const char *boot,
                                  struct engine_memory *memory, struct error *error)
{
    int64_t synchronised = 0;
    enum status status = history_db_number(history, error, &memory->newest_us,
                                           "SELECT max(believed_us) FROM clock", "");

    if (!status)
        status = history_db_number(history, error, &memory->boot_offset_us,
                                   "SELECT offset_us FROM clock WHERE boot = ?", "t", boot);
    if (!status)
        status = history_db_number(history, error, &synchronised,
                                   "SELECT max(synchronised) FROM clock", "");
    memory->was_synchronised = synchronised != 0;
    return status;
}

static enum status history_note(struct history *history, const char *boot, int64_t now, bool sure,
                                bool believed, struct error *error)
{
    return history_db_do(history, error,
                         "INSERT INTO clock(boot, offset_us, last_us, believed_us, synchronised)"
                         " VALUES(?1, ?2, ?3, CASE WHEN ?4 THEN ?3 END, ?5)"
                         " ON CONFLICT(boot) DO UPDATE SET last_us = ?3,"
                         " offset_us = CASE WHEN ?6 THEN ?2 ELSE offset_us END,"
                         " believed_us = CASE WHEN ?4 THEN ?3 ELSE believed_us END,"
                         " synchronised = max(synchronised, ?5)",
                         "tiiiii", boot, now - clock_read().boot_us, now, (int64_t)believed,
                         (int64_t)clock_read().synchronised, (int64_t)sure);
}

/* Once it is known to be right, what was believed of later times was wrong. */
static enum status history_correct(struct history *history, int64_t now, struct error *error)
{
    return history_db_do(history, error, "UPDATE clock SET believed_us = ?1 WHERE believed_us > ?1",
                         "i", now);
}

static enum status history_see(struct history *history, const char *boot, bool sure,
                               struct engine_memory *known, struct error *error)
{
    int64_t now = clock_now_us();
    enum status status = history_recall(history, boot, known, error);

    sure = sure || clock_read().synchronised;
    bool near = known->newest_us < 0 ||
                (now >= known->newest_us && now - known->newest_us <= history_ahead_us);
    if (!status && sure)
        status = history_correct(history, now, error);
    if (!status)
        status = history_note(history, boot, now, sure, sure || near, error);
    return status;
}

/* Which boot this is, as random(4) has it, less the hyphens. */
static const char *history_boot(char boot[HISTORY_BOOT])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    size_t length = 0;

    for (int c; file && length < HISTORY_BOOT - 1 && (c = getc(file)) != EOF;)
        if (isxdigit(c))
            boot[length++] = (char)c;
    boot[length] = '\0';
    if (file)
        fclose(file);
    return length ? boot : "unknown";
}

enum status history_clock(struct history *history, bool sure, struct engine_memory *memory,
                          struct error *error)
{
    struct engine_memory known = {-1, -1, false, {0}, NULL};
    char boot[HISTORY_BOOT];
    enum status status = history_db_begin(history, error);

    if (!status) {
        status = history_see(history, history_boot(boot), sure, &known, error);
        status = history_db_end(history, status, error);
    }
    if (!status)
        *memory = known;
    return status;
}

enum status history_clock_known(struct history *history, struct engine_memory *memory,
                                struct error *error)
{
    struct engine_memory known = {-1, -1, false, {0}, NULL};
    char boot[HISTORY_BOOT];
    enum status status = history_db_ready(history, error);

    if (!status)
        status = history_recall(history, history_boot(boot), &known, error);
    if (!status)
        *memory = known;
    return status;
}
