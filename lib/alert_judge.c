/*
 * The judging of alerts. Runs in the daemon; it remembers nothing and knows no time. Sizes are
 * written in the units of the threshold, and finely enough to be told from it.
 */
#include "alert_judge.h"

#include "alert_figure.h"
#include "schema.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JUDGE_DECIMALS = 6, JUDGE_NAME = 128, JUDGE_MIN_INDEX = 8 * 1024 * 1024 };

static const double judge_hysteresis = 0.1;

static const char *judge_text_of(const struct alert_options *alert)
{
    return alert->above ? alert->above : alert->below;
}

double alert_threshold(const struct alert_options *alert)
{
    const struct option row = {.type = alert_metric(alert->metric)->unit};
    union {
        int64_t count;
        double share;
        struct span span;
    } value = {0};
    struct error error;

    if (schema_type(row.type)->parse(&row, judge_text_of(alert), &value, &error) != STATUS_OK)
        abort(); /* the policy was checked */
    return schema_type(row.type)->number(&value);
}

/* Where it clears. A share can't be more than one, so that one halfway to it will do. */
static double judge_back(const struct alert_options *alert, double threshold)
{
    double back = threshold * (1 + (alert->above ? -judge_hysteresis : judge_hysteresis));

    if (alert_metric(alert->metric)->unit == OPTION_SHARE)
        back = fmin(back, (1 + threshold) / 2);
    return back;
}

bool alert_beyond(const struct alert_options *alert, double value, bool raised)
{
    double threshold = alert_threshold(alert);
    double limit = raised ? judge_back(alert, threshold) : threshold;

    return alert->above ? value > limit : value < limit;
}

/* "2.1 GB", with as many digits behind the point as are needed and at most `decimals`. */
static void judge_scaled(char *out, double value, const char *unit, int decimals)
{
    int length = snprintf(out, TEXT_SHORT, "%.*f", decimals, value);

    while (decimals && out[length - 1] == '0')
        length--;
    length -= decimals && out[length - 1] == '.';
    snprintf(out + length, TEXT_SHORT - (size_t)length, "%s", unit);
}

/* `like` is a size as the policy writes it: 2GB, or 2GiB. */
static void judge_size(char *out, double bytes, const char *like, int decimals)
{
    static const char *const units[2][5] = {{" bytes", " kB", " MB", " GB", " TB"},
                                            {" bytes", " KiB", " MiB", " GiB", " TiB"}};
    bool binary = strchr(like, 'i') != NULL;
    double step = binary ? 1024 : 1000;
    size_t unit = 0;

    for (; unit < 4 && bytes >= step; unit++)
        bytes /= step;
    judge_scaled(out, bytes, units[binary][unit], unit ? decimals : 0);
}

/* A value in the metric's unit, into TEXT_SHORT bytes. */
static void judge_number(char *out, const struct alert_options *alert, double value, int decimals)
{
    enum option_type unit = alert_metric(alert->metric)->unit;

    if (unit == OPTION_SIZE)
        judge_size(out, value, judge_text_of(alert), decimals);
    else if (unit == OPTION_SHARE)
        judge_scaled(out, value * 100, "%", decimals);
    else
        text_count(out, (int64_t)value);
}

/* What the value is beyond, or no longer, or will have to be. */
static void judge_relation(const struct alert_options *alert, const struct alert_judgement *made,
                           char *out, size_t size)
{
    const char *beyond = alert->above ? "above" : "below";
    char number[TEXT_SHORT];

    judge_number(number, alert, made->threshold, JUDGE_DECIMALS);
    if (!made->raised)
        snprintf(out, size, "no longer %s %s", beyond, number);
    else if (alert_beyond(alert, made->value, false))
        snprintf(out, size, "%s %s", beyond, number);
    else { /* it has come back, but not far enough */
        judge_number(number, alert, judge_back(alert, made->threshold), JUDGE_DECIMALS);
        snprintf(out, size, "not yet %s %s", alert->above ? "down to" : "up to", number);
    }
}

static void judge_say(const struct alert_options *alert, const struct alert_figure *figure,
                      struct alert_judgement *made)
{
    const char *const *words = alert_metric(alert->metric)->words;
    bool share = alert_metric(alert->metric)->unit == OPTION_SHARE;
    char value[TEXT_SHORT], threshold[TEXT_SHORT], bytes[TEXT_SHORT], relation[TEXT_SHORT * 2];
    int decimals = 1;

    judge_number(threshold, alert, made->threshold, JUDGE_DECIMALS);
    do
        judge_number(value, alert, figure->value, decimals);
    while (strcmp(value, threshold) == 0 && decimals++ < JUDGE_DECIMALS);
    judge_relation(alert, made, relation, sizeof relation);
    judge_size(bytes, figure->bytes, share ? "MiB" : judge_text_of(alert), 1);
    if (figure->none)
        snprintf(made->text, sizeof made->text, "there is no index that counts, %s", relation);
    else
        snprintf(made->text, sizeof made->text, "%s%.*s%s%s%s, %s%s%s", words[0], JUDGE_NAME,
                 figure->name ? figure->name : "", words[1], value, words[2], relation,
                 figure->bytes > 0 ? words[3] : "", figure->bytes > 0 ? bytes : "");
    text_sanitize(made->text); /* a name may have been cut within a letter */
}

/* Small indexes are as good as any: those that a reindex would leave alone. By its option's row,
 * since what else its options hold is the task's own. */
static int64_t judge_min_index(const struct config_database *database)
{
    for (size_t i = 0; i < database->task_count; i++) {
        const struct config_task *task = &database->tasks[i];
        const struct option *option = task->kind->section.options;
        for (; strcmp(task->kind->name, "reindex") == 0 && option->name; option++)
            if (strcmp(option->name, "min_size") == 0)
                return *(const int64_t *)(const void *)((const char *)task->options +
                                                        option->offset);
    }
    return JUDGE_MIN_INDEX;
}

bool alert_judge(const struct config_database *database, const struct alert_options *alert,
                 const json_t *effect, bool raised, struct alert_judgement *judgement)
{
    const struct alert_scope scope = {alert->table, judge_min_index(database)};
    struct alert_figure figure;

    if (!alert_metric(alert->metric)->figure(effect, &scope, &figure))
        return false;
    *judgement = (struct alert_judgement){
        .raised = !figure.none && alert_beyond(alert, figure.value, raised),
        .value = figure.value,
        .threshold = alert_threshold(alert),
    };
    judge_say(alert, &figure, judgement);
    return true;
}
