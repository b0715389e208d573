/* When calendar expressions elapse: ours and systemd's, as text. */
#include "lib_elapses.h"

#include "calendar.h"
#include "lib_oracle.h"
#include "memory.h"
#include "zone.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOMENT = 20 }; /* "2026-03-29T00:50:00Z" */

/* Of "2026-03-29 00:50:00", or with a T. */
static int64_t elapses_moment(const char *text)
{
    struct tm parts = {0};
    const char *time = strptime(text, "%Y-%m-%d", &parts);

    ck_assert_msg(time && strptime(time + 1, "%H:%M:%S", &parts), "%s", text);
    return (int64_t)timegm(&parts) * 1000000;
}

char *elapses_ours(const struct elapses_setting *setting, const char *expression)
{
    struct calendar *calendar = NULL;
    int64_t at_us = elapses_moment(setting->base);
    struct text line = {0};
    struct error error;

    setenv("TZ", setting->zone, 1);
    if (calendar_parse(expression, &calendar, &error))
        return NULL;
    for (int i = 0; i < ELAPSES; i++) {
        char time[TEXT_SHORT];
        int64_t next_us = calendar_next(calendar, at_us);
        ck_assert_msg(next_us > at_us, "\"%s\" goes back", expression);
        at_us = next_us;
        if (at_us == INT64_MAX)
            break;
        text_addf(&line, "%s%s", i ? " " : "", text_time(time, at_us));
    }
    calendar_free(calendar);
    return line.length ? text_take(&line) : memory_copy("never");
}

/* A line that ends in a moment in UTC, such as "Next elapse: Sun 2026-03-29 01:00:00 UTC". */
static void elapses_line(const char *line, size_t length, struct text *answer)
{
    static const char zone[] = " UTC";
    size_t tail = sizeof zone - 1;

    if (strncmp(line, "Normalized", 10) == 0 || length < tail + MOMENT ||
        memcmp(line + length - tail, zone, tail) != 0)
        return;
    const char *moment = line + length - tail - (MOMENT - 1);
    text_addf(answer, "%s%.10sT%.8sZ", answer->length ? " " : "", moment, moment + 11);
}

/* Answers are blocks of lines with an empty one between them, that begin with the expression, as
 * "Original form: " or, where it is that already, as "Normalized form: ". */
static void elapses_answers(const char *output, char *const expressions[], size_t count,
                            char *answers[])
{
    const char *block = strstr(output, "form: "), *end;
    struct text answer = {0};

    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(expressions[i]);
        answers[i] = NULL;
        if (!block || strncmp(block + 6, expressions[i], length) != 0 || block[6 + length] != '\n')
            continue;
        end = strstr(block, "\n\n");
        for (const char *line = block; *line && line != end + 1; line += strcspn(line, "\n") + 1)
            elapses_line(line, strcspn(line, "\n"), &answer);
        answers[i] = answer.length ? text_take(&answer) : memory_copy("never");
        block = end ? strstr(end, "form: ") : NULL;
    }
    ck_assert_msg(!block, "unexpected: %.200s", block);
}

void elapses_theirs(const struct elapses_setting *setting, char *const expressions[], size_t count,
                    char *answers[])
{
    const char **arguments = memory_zeroed(count + 8, sizeof *arguments);
    char *zone = memory_format("TZ=%s", setting->zone);
    char *base = memory_format("--base-time=%s UTC", setting->base);
    const char *const begin[] = {"env", zone, "systemd-analyze", "calendar", "--iterations=5",
                                 base,  "--"};
    struct text output = {0};

    memcpy(arguments, begin, sizeof begin);
    for (size_t i = 0; i < count; i++)
        arguments[sizeof begin / sizeof *begin + i] = expressions[i];
    ck_assert_int_ge(oracle_run(arguments, &output), 0);
    elapses_answers(output.bytes, expressions, count, answers);
    text_free(&output);
    free(base);
    free(zone);
    free(arguments);
}

/* Whether the zone's offset changes within two days of that moment. */
static bool elapses_near_change(const struct elapses_setting *setting, const char *moment)
{
    const int64_t days_us = INT64_C(2) * 86400 * 1000000;
    struct zone *zone = NULL;
    struct error error;

    if (*moment < '0' || *moment > '9')
        return false;
    ck_assert_int_eq(zone_load(setting->zone, &zone, &error), STATUS_OK);
    int64_t at_us = elapses_moment(moment);
    bool near = zone_change(zone, at_us - days_us) < at_us + days_us;
    zone_free(zone);
    return near;
}

/* Whether each of their moments is one of ours, further on perhaps. */
static bool elapses_among(const struct elapses_setting *setting, const char *expression,
                          const char *theirs)
{
    struct calendar *calendar = NULL;
    int64_t at_us = elapses_moment(setting->base);
    struct error error;
    bool among = strcmp(theirs, "never") != 0;

    ck_assert_int_eq(calendar_parse(expression, &calendar, &error), STATUS_OK);
    for (const char *moment = theirs; among && *moment; moment += strspn(moment, " ")) {
        int64_t wanted_us = elapses_moment(moment);
        while (at_us < wanted_us) /* their fractions of a second are not shown */
            at_us = calendar_next(calendar, at_us);
        among = at_us < wanted_us + 1000000;
        moment += MOMENT;
    }
    calendar_free(calendar);
    return among;
}

bool elapses_agree(const struct elapses_setting *setting, const char *expression, const char *ours,
                   const char *theirs)
{
    const char *before = setting->base;

    if (!theirs || strcmp(ours, theirs) == 0)
        return true;
    if (strchr(expression, '/') && elapses_among(setting, expression, theirs))
        return true;
    for (; *ours && strncmp(ours, theirs, MOMENT) == 0; ours += MOMENT + 1, theirs += MOMENT + 1)
        before = ours;
    return strchr(expression, '~') &&
           (elapses_near_change(setting, before) || elapses_near_change(setting, ours) ||
            elapses_near_change(setting, theirs));
}
