/* The folders of an archive that spans of time have, in UTC: "year=2025/month=03". Pure. */
#ifndef ARCHIVE_PARTITION_H
#define ARCHIVE_PARTITION_H

#include "task_retention.h"

enum { ARCHIVE_PARTITION = 48 }; /* bytes of "year=2025/month=03/day=01" and more */

/* The folder of a time, "" without partitions. */
void archive_partition_name(enum archive_partition partition, int64_t time_us,
                            char name[ARCHIVE_PARTITION]);
/* When the year of a time ends. */
int64_t archive_partition_year_end(int64_t time_us);

#endif
