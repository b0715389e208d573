/* Evaluates `--since`, `--until` and `--where` on rows of an archive, one at a time. */
#include "archive_filter.h"

#include "memory.h"
#include "shape.h"
#include "timestamp.h"
#include "zone.h"

#include <stdlib.h>
#include <string.h>

struct archive_filter {
    const struct archive_columns *columns;
    int64_t since_us, until_us;
    struct zone *zone;
    sqlite3 *sql;
    sqlite3_stmt *time;                /* gives one value back */
    sqlite3_stmt *clear, *put, *where; /* NULL: any row will do */
};

/* --- times -------------------------------------------------------------------------------- */

int64_t archive_filter_time(sqlite3_value *value, const struct zone *zone)
{
    struct timestamp_rules rules = {.format = timestamp_classify(value), .zone = zone};
    int64_t us;

    if (!timestamp_read(&rules, value, &us))
        return -1;
    return rules.format == FORMAT_DATE ? us - 1 : us; /* which was read as its end */
}

static enum status filter_time(struct archive_filter *filter, const struct archive_row *row,
                               int64_t *time_us, struct error *error)
{
    archive_value_bind(&row->values[filter->columns->time], filter->time, 1);
    if (sqlite3_step(filter->time) != SQLITE_ROW)
        return error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(filter->sql));
    *time_us = archive_filter_time(sqlite3_column_value(filter->time, 0), filter->zone);
    sqlite3_reset(filter->time);
    return STATUS_OK;
}

/* --- the expression ----------------------------------------------------------------------- */

/* The operator's word is on the row, and on nothing else. */
static int filter_allow(void *argument, int action, const char *table, const char *two,
                        const char *three, const char *four)
{
    static const int fine[] = {SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE};

    (void)argument;
    (void)two;
    (void)three;
    (void)four;
    if (action == SQLITE_READ && table &&
        (strncmp(table, "pragma_", 7) == 0 || strncmp(table, "sqlite_", 7) == 0))
        return SQLITE_DENY;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (action == fine[i])
            return SQLITE_OK;
    return SQLITE_DENY;
}

static void filter_add_column(const struct archive_column *column, const char *before,
                              struct text *sql)
{
    text_add(sql, before);
    text_add_identifier(sql, column->name);
    text_addf(sql, " %s", shape_affinity(column->type, false));
}

static enum status filter_do(struct archive_filter *filter, const char *sql, struct error *error)
{
    return sqlite3_exec(filter->sql, sql, NULL, NULL, NULL)
               ? error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(filter->sql))
               : STATUS_OK;
}

static enum status filter_make_table(struct archive_filter *filter,
                                     const struct archive_columns *further, struct error *error)
{
    const struct archive_columns *columns = filter->columns;
    struct text sql = {0};
    size_t found;

    text_add(&sql, "CREATE TABLE archive");
    for (size_t i = 0; i < columns->count; i++)
        filter_add_column(&columns->list[i], i ? ", " : "(", &sql);
    for (size_t i = 0; further && i < further->count; i++)
        if (!archive_columns_find(columns, further->list[i].name, &found))
            filter_add_column(&further->list[i], ", ", &sql);
    text_add(&sql, ")");
    enum status status = filter_do(filter, sql.bytes, error);
    text_free(&sql);
    return status;
}

static enum status filter_prepare(struct archive_filter *filter, const char *sql,
                                  sqlite3_stmt **statement, struct error *error)
{
    return sqlite3_prepare_v2(filter->sql, sql, -1, statement, NULL)
               ? error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(filter->sql))
               : STATUS_OK;
}

static enum status filter_prepare_put(struct archive_filter *filter, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "INSERT INTO archive(");
    archive_columns_sql(filter->columns, &sql);
    text_add(&sql, ") VALUES(?");
    for (size_t i = 1; i < filter->columns->count; i++)
        text_add(&sql, ",?");
    text_add(&sql, ")");
    enum status status = filter_prepare(filter, sql.bytes, &filter->put, error);
    text_free(&sql);
    return status ? status : filter_prepare(filter, "DELETE FROM archive", &filter->clear, error);
}

static enum status filter_prepare_where(struct archive_filter *filter, const char *where,
                                        struct error *error)
{
    char *sql = memory_format("SELECT (%s\n) FROM archive", where); /* it may end in a comment */
    const char *end = NULL;

    sqlite3_set_authorizer(filter->sql, filter_allow, NULL);
    int rc = sqlite3_prepare_v2(filter->sql, sql, -1, &filter->where, &end);
    sqlite3_set_authorizer(filter->sql, NULL, NULL); /* our own statements do more */
    enum status status =
        rc ? error_set(error, STATUS_INVALID, "--where: %s", sqlite3_errmsg(filter->sql))
           : STATUS_OK;
    if (!status && *end) /* "1); SELECT (1" */
        status = error_set(error, STATUS_INVALID, "--where: not one expression");
    free(sql);
    return status;
}

static enum status filter_where(struct archive_filter *filter, const struct archive_row *row,
                                bool *wanted, struct error *error)
{
    sqlite3_step(filter->clear);
    sqlite3_reset(filter->clear);
    for (size_t i = 0; i < row->count; i++)
        archive_value_bind(&row->values[i], filter->put, (int)i + 1);
    sqlite3_step(filter->put);
    if (sqlite3_reset(filter->put))
        return error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(filter->sql));
    int rc = sqlite3_step(filter->where);
    *wanted = rc == SQLITE_ROW && sqlite3_column_int(filter->where, 0) != 0;
    if (rc == SQLITE_ROW && sqlite3_column_type(filter->where, 0) == SQLITE_FLOAT)
        *wanted = sqlite3_column_double(filter->where, 0) != 0; /* 0.5 is true */
    if (sqlite3_reset(filter->where))
        return error_set(error, STATUS_INVALID, "--where: %s", sqlite3_errmsg(filter->sql));
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------ */

static enum status filter_open(struct archive_filter *filter, const struct archive_wanted *wanted,
                               const struct archive_columns *further, struct error *error)
{
    enum status status = zone_load(wanted->zone ? wanted->zone : "UTC", &filter->zone, error);

    if (status)
        return status;
    if (sqlite3_open_v2(":memory:", &filter->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        return error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(filter->sql));
    sqlite3_db_config(filter->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if ((status = filter_prepare(filter, "SELECT ?1", &filter->time, error)) || !wanted->where)
        return status;
    if ((status = filter_make_table(filter, further, error)) ||
        (status = filter_prepare_put(filter, error)))
        return status;
    return filter_prepare_where(filter, wanted->where, error);
}

enum status archive_filter_open(const struct archive_wanted *wanted,
                                const struct archive_columns *columns,
                                const struct archive_columns *further,
                                struct archive_filter **result, struct error *error)
{
    struct archive_filter *filter = memory_new(struct archive_filter);

    *filter = (struct archive_filter){.columns = columns,
                                      .since_us = wanted->since_us,
                                      .until_us = wanted->until_us};
    enum status status = filter_open(filter, wanted, further, error);
    if (status)
        archive_filter_close(filter);
    else
        *result = filter;
    return status;
}

void archive_filter_close(struct archive_filter *filter)
{
    if (!filter)
        return;
    sqlite3_finalize(filter->time);
    sqlite3_finalize(filter->clear);
    sqlite3_finalize(filter->put);
    sqlite3_finalize(filter->where);
    sqlite3_close(filter->sql);
    zone_free(filter->zone);
    free(filter);
}

enum status archive_filter_row(struct archive_filter *filter, const struct archive_row *row,
                               bool *wanted, int64_t *time_us, struct error *error)
{
    int64_t us = -1;
    enum status status = filter_time(filter, row, &us, error);

    if (status)
        return status;
    bool fits = (filter->since_us < 0 || us >= filter->since_us) &&
                (filter->until_us < 0 || (us >= 0 && us < filter->until_us));
    if (fits && filter->where && (status = filter_where(filter, row, &fits, error)))
        return status;
    *wanted = fits;
    if (time_us)
        *time_us = us;
    return STATUS_OK;
}
