/* Spans of time and their folders. */
#include "archive_partition.h"

#include <stdio.h>
#include <time.h>

static struct tm partition_time(int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    return parts;
}

void archive_partition_name(enum archive_partition partition, int64_t time_us,
                            char name[ARCHIVE_PARTITION])
{
    struct tm parts = partition_time(time_us);
    int length = 0;

    name[0] = '\0';
    if (partition >= PARTITION_YEAR)
        length = snprintf(name, ARCHIVE_PARTITION, "year=%04d", parts.tm_year + 1900);
    if (partition >= PARTITION_MONTH)
        length += snprintf(name + length, ARCHIVE_PARTITION - (size_t)length, "/month=%02d",
                           parts.tm_mon + 1);
    if (partition >= PARTITION_DAY)
        snprintf(name + length, ARCHIVE_PARTITION - (size_t)length, "/day=%02d", parts.tm_mday);
}

int64_t archive_partition_year_end(int64_t time_us)
{
    struct tm parts = partition_time(time_us), next = {.tm_year = parts.tm_year + 1, .tm_mday = 1};

    return (int64_t)timegm(&next) * 1000000;
}
