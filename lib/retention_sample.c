/*
 * Samples of the time column: rows from both ends of the key and of the index, and rows at even
 * distances between. They tell the format, the newest row, and about how many are old. Only reads.
 */
#include "retention.h"

enum {
    SAMPLE_ENDS = 64,   /* rows from each end */
    SAMPLE_PROBES = 256 /* rows across the keys */
};

/* What a time of just now may be read as: 14 h of margin, for a date from its end. */
static const int64_t sample_ahead_us = INT64_C(38) * 3600 * 1000000;

/* Runs a query whose rows are times. The format may not be known yet, then `rules` is NULL. */
static enum status sample_query(struct database *database, sqlite3_stmt *query,
                                const struct timestamp_rules *rules, int64_t cutoff_us,
                                struct retention_sample *sample, struct error *error)
{
    bool row = false;
    enum status status;

    while ((status = database_step(database, query, &row, error)) == STATUS_OK && row) {
        sqlite3_value *value = sqlite3_column_value(query, 0);
        int64_t us;
        if (sqlite3_value_type(value) == SQLITE_NULL)
            continue;
        sample->sampled++;
        sample->counts[timestamp_classify(value)]++;
        if (!rules || !timestamp_read(rules, value, &us))
            continue;
        sample->read++;
        sample->old += us < cutoff_us;
        if (us > sample->newest_us && us <= sample->now_us + sample_ahead_us)
            sample->newest_us = us;
        if (sample->oldest_us < 0 || us < sample->oldest_us)
            sample->oldest_us = us;
    }
    sqlite3_reset(query);
    return status;
}

static void sample_select(const struct table *table, struct text *sql)
{
    text_clear(sql);
    text_add(sql, "SELECT ");
    text_add_identifier(sql, table->column);
    text_add(sql, " FROM ");
    text_add_identifier(sql, table->name);
}

/* The first and the last rows, by key and, through an index, by age. Values such as 9999-12-31,
 * which stand for no time, would be the last by age; so it begins at the present. */
enum status retention_sample_ends(struct database *database, const struct retention_facts *facts,
                                  const struct timestamp_rules *rules, int64_t cutoff_us,
                                  struct retention_sample *sample, struct error *error)
{
    const struct table *table = &facts->table;
    enum status status = STATUS_OK;
    struct text sql = {0};

    for (int i = 0; status == STATUS_OK && i < (table->index ? 4 : 2); i++) {
        sqlite3_stmt *query = NULL;
        sample_select(table, &sql);
        if (rules && i == 3) {
            text_add(&sql, " WHERE ");
            retention_between(facts, sample->now_us + sample_ahead_us, &sql);
        }
        text_add(&sql, " ORDER BY ");
        text_add_identifier(&sql, i < 2 ? table->key.columns[0] : table->column);
        text_addf(&sql, "%s LIMIT %d", i % 2 ? " DESC" : "", SAMPLE_ENDS);
        status = database_prepare(database, sql.bytes, &query, error);
        if (status == STATUS_OK)
            status = sample_query(database, query, rules, cutoff_us, sample, error);
        sqlite3_finalize(query);
    }
    text_free(&sql);
    return status;
}

/* Rows at even distances between the smallest and the largest key, where that is a number. */
enum status retention_sample_across(struct database *database, const struct table *table,
                                    const struct timestamp_rules *rules, int64_t cutoff_us,
                                    struct retention_sample *sample, struct error *error)
{
    sqlite3_stmt *ends = NULL, *probe = NULL;
    struct text sql = {0}, key = {0};
    bool row = false;
    enum status status;

    text_add_identifier(&key, table->key.columns[0]);
    text_addf(&sql, "SELECT (SELECT min(%s) FROM ", key.bytes); /* one query for both would scan */
    text_add_identifier(&sql, table->name);
    text_addf(&sql, "), (SELECT max(%s) FROM ", key.bytes);
    text_add_identifier(&sql, table->name);
    text_add(&sql, ")");
    if ((status = database_prepare(database, sql.bytes, &ends, error)) ||
        (status = database_step(database, ends, &row, error)) ||
        sqlite3_column_type(ends, 1) != SQLITE_INTEGER)
        goto out;
    sample_select(table, &sql);
    text_addf(&sql, " WHERE %s >= ?1 ORDER BY %s LIMIT 1", key.bytes, key.bytes);
    double low = sqlite3_column_double(ends, 0), high = sqlite3_column_double(ends, 1);
    sqlite3_reset(ends); /* in rollback-journal mode writers wait for it */
    status = database_prepare(database, sql.bytes, &probe, error);
    for (int i = 0; status == STATUS_OK && i < SAMPLE_PROBES; i++) {
        sqlite3_bind_double(probe, 1, low + (high - low) * (i + 0.5) / SAMPLE_PROBES);
        status = sample_query(database, probe, rules, cutoff_us, sample, error);
    }
out:
    sqlite3_finalize(ends);
    sqlite3_finalize(probe);
    text_free(&sql);
    text_free(&key);
    return status;
}
