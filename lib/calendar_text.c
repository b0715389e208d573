/* Canonical text of calendar expressions: what `systemd-analyze calendar` prints. Pure. */
#include "calendar.h"

#include "weekdays.h"

enum { CALENDAR_SECOND = 1000000 };

/* One number; seconds come as microseconds. */
static void calendar_number_text(int value, int width, bool seconds, struct text *out)
{
    int unit = seconds ? CALENDAR_SECOND : 1;

    text_addf(out, "%0*d", width, value / unit);
    if (value % unit)
        text_addf(out, ".%06d", value % unit);
}

static void calendar_chain_text(const struct calendar_chain *chain, int width, bool seconds,
                                struct text *out)
{
    int unit = seconds ? CALENDAR_SECOND : 1;
    const struct calendar_component *c = chain->components;

    bool every = seconds && chain->count == 1 && !c->start && c->stop < 0 && c->repeat == unit;
    if (!chain->count || every) {
        text_add(out, "*");
        return;
    }
    for (size_t i = 0; i < chain->count; i++, c++) {
        text_add(out, i ? "," : "");
        calendar_number_text(c->start, width, seconds, out);
        if (c->stop > 0) {
            text_add(out, "..");
            calendar_number_text(c->stop, width, seconds, out);
        }
        if (c->repeat > 0 && !(c->stop > 0 && c->repeat == unit)) {
            text_add(out, "/");
            calendar_number_text(c->repeat, 1, seconds, out);
        }
    }
}

void calendar_text(const struct calendar *calendar, struct text *out)
{
    if (calendar->weekdays) {
        weekdays_text(calendar->weekdays, out);
        text_add(out, " ");
    }
    calendar_chain_text(&calendar->year, 4, false, out);
    text_add(out, "-");
    calendar_chain_text(&calendar->month, 2, false, out);
    text_add(out, calendar->from_end ? "~" : "-");
    calendar_chain_text(&calendar->day, 2, false, out);
    text_add(out, " ");
    calendar_chain_text(&calendar->hour, 2, false, out);
    text_add(out, ":");
    calendar_chain_text(&calendar->minute, 2, false, out);
    text_add(out, ":");
    calendar_chain_text(&calendar->microsecond, 2, true, out);
    if (calendar->zone_name)
        text_addf(out, " %s", calendar->zone_name);
}
