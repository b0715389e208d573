/* The rule that a time zone follows for ever after: "CET-1CEST,M3.5.0,M10.5.0/3" (tzset(3)). */
#ifndef ZONE_RULE_H
#define ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_change {
    char form;            /* 'M' month.week.weekday, 'J' day without leap days, 'D' day from 0 */
    int month, week, day; /* as written; `day` serves all forms */
    int32_t time;         /* seconds after midnight, may be negative */
};

struct zone_rule {
    int32_t standard, daylight; /* seconds east */
    bool has_daylight;
    struct zone_change begin, end;
};

/* False where `text` is no such rule; `rule` is untouched then. */
bool zone_rule_parse(const char *text, struct zone_rule *rule);
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s);
/* The first second after that one from which the offset is another; INT64_MAX: it stays. */
int64_t zone_rule_change(const struct zone_rule *rule, int64_t utc_s);

#endif
