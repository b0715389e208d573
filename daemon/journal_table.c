/* The rows of the table of entries. An id that was once released is never used for another kind. */
#include "journal_table.h"

#include <string.h>
#include <syslog.h>

/* clang-format off */
const struct journal_row journal_table[] = {
    {"started",                   "9c828474ce19421b945747d9f87e3533", LOG_INFO},
    {"stopped",                   "d49d4adc57fc408396b7a3c947a1b94c", LOG_INFO},
    {"reloaded",                  "4eeb6cdf909c4a7fa3a5b6e7f2b68084", LOG_NOTICE},
    {"reload_failed",             "1407937dde3d45969c88b3e3408b5810", LOG_ERR},
    {"paused",                    "51b1295b62b14b6497db7f250848da1b", LOG_NOTICE},
    {"resumed",                   "a77dd76b37e7480ba4f75e06b6123ecc", LOG_NOTICE},
    {"found",                     "29022b2c3d5e407ba63ee311e711c635", LOG_INFO},
    {"gone",                      "88becadd06ad4563b642c7242f84dab3", LOG_NOTICE},

    {"run_done",                  "f4e02c4b639744298e445cc8b8c16572", LOG_INFO},
    {"run_skipped",               "580b6a74db5d435a90e3007f0bb437df", LOG_INFO},
    {"run_waits",                 "a328027495b64a6e8fff5986384e8aec", LOG_INFO},
    {"run_busy",                  "5e5c4e8e44864038a3ff5fa1f994204c", LOG_WARNING},
    {"run_cancelled",             "291d8f1b13ed4c0c95209b55273cbf3b", LOG_NOTICE},
    {"run_failed",                "62c7793a5c9841cb80d13f5569a5ea86", LOG_ERR},

    {"alert_table_size",          "f1586919f26941e8bfb1bfcdebd564dc", JOURNAL_BY_SEVERITY},
    {"alert_table_rows",          "64642e3c27ca4560a8b84c81a76a99cc", JOURNAL_BY_SEVERITY},
    {"alert_file_size",           "9395b45be4d44c04aed879fdabff5770", JOURNAL_BY_SEVERITY},
    {"alert_wal_size",            "0e8002b7a3a64ee4a03cecc10f79aca8", JOURNAL_BY_SEVERITY},
    {"alert_free_ratio",          "d9c96c93f586461e8be4c10f2d9a2db0", JOURNAL_BY_SEVERITY},
    {"alert_disk_free",           "ce69d3fb4f9c4140b3c8a5efcda83aa9", JOURNAL_BY_SEVERITY},
    {"alert_index_fragmentation", "10497d7aae404bc5bd0efc1a68b5f920", JOURNAL_BY_SEVERITY},
    {"alert_index_density",       "de37c75bd1db4480a97a95a86bdcd8d9", JOURNAL_BY_SEVERITY},
    {"alert_task_failed",         "9d962bf88d8148fb88cb61784e6ccf64", JOURNAL_BY_SEVERITY},
    {"alert_integrity",           "268b86bbfee94147aef00c9e35ff072d", JOURNAL_BY_SEVERITY},
    {"alert_index_repaired", "0d9cef94520f43acb77226ba45b10541", JOURNAL_BY_SEVERITY},
    {"alert_query_plan", "0855e74cd45442a7b53554b716255310", JOURNAL_BY_SEVERITY},
    {"alert_database_missing",    "dd387fb3a3614325a3972c078e940cbf", JOURNAL_BY_SEVERITY},
    {"alert_database_replaced",   "a47b40aec0924c2faa39e452669c26b5", JOURNAL_BY_SEVERITY},
    {"alert_history_lost",        "2709787209a54de5a0763085d9ab7933", JOURNAL_BY_SEVERITY},
    {"alert_clock",               "bc2f32d19b134c46bd7174c9be8d02d3", JOURNAL_BY_SEVERITY},
    /* of a metric that has no row here */
    {"alert",                     "fee33cd5d2524702a3a2d570dc2437fb", JOURNAL_BY_SEVERITY},
    {"alert_cleared",             "6de99dfb419743e1a1fe9871f07e1432", LOG_NOTICE},
    {NULL, NULL, 0},
};
/* clang-format on */

const struct journal_row *journal_row(const char *name)
{
    const struct journal_row *row = journal_table;

    while (row->name && strcmp(row->name, name) != 0)
        row++;
    return row->name ? row : NULL;
}
