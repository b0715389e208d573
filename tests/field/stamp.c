/* Points in time as applications write them. Both the database's maker and the application that
 * is simulated beside it take them from here, so that one column has one format. */
#include "stamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const struct stamp_format stamp_formats[] = {
    {"iso", 'T', 1000}, {"datetime", ' ', 1000000}, {"unix", 0, 1000000}, {"unix_ms", 0, 1000},
    {NULL, 0, 0},
};

const struct stamp_format *stamp_find(const char *name)
{
    for (const struct stamp_format *format = stamp_formats; format->name; format++)
        if (!strcmp(format->name, name))
            return format;
    return NULL;
}

const struct stamp_format *stamp_detect(sqlite3_stmt *row, int column)
{
    const int64_t year_5138 = 100000000000; /* in seconds; in milliseconds it is 1973 */
    int64_t number = sqlite3_column_int64(row, column);

    switch (sqlite3_column_type(row, column)) {
    case SQLITE_TEXT:
        return stamp_find(strchr((const char *)sqlite3_column_text(row, column), 'T') ? "iso"
                                                                                      : "datetime");
    case SQLITE_INTEGER:
        return stamp_find(number < year_5138 ? "unix" : "unix_ms");
    default:
        return NULL;
    }
}

void stamp_bind(sqlite3_stmt *statement, int parameter, const struct stamp_format *format,
                int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    char text[64];
    struct tm t;

    if (!format->separator) {
        sqlite3_bind_int64(statement, parameter, time_us / format->us);
        return;
    }
    gmtime_r(&seconds, &t);
    int length =
        snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d", t.tm_year + 1900,
                 t.tm_mon + 1, t.tm_mday, format->separator, t.tm_hour, t.tm_min, t.tm_sec);
    if (format->us == 1000)
        length += snprintf(text + length, sizeof text - (size_t)length, ".%03dZ",
                           (int)(time_us / 1000 % 1000));
    sqlite3_bind_text(statement, parameter, text, length, SQLITE_TRANSIENT);
}

int64_t stamp_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
