/*
 * Logs and worklogs by the million. Rows arrive as they do in life: each of several sources brings
 * its part of a stretch of time late and in one go, so that the order of the rows is not that of
 * their timestamps, leaves split and indexes scatter. Later some go: whole stretches, which leaves
 * free pages, and single rows, which leaves pages half empty.
 */
#include "rows.h"

#include "sql.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof *(array)))

static const char *const endpoints[] = {
    "/api/v1/worklogs",  "/api/v1/worklogs/range", "/api/v1/teams",    "/api/v1/users",
    "/api/v1/epics",     "/api/v1/sync",           "/api/v1/settings", "/api/v1/billing/rates",
    "/api/v1/invoices",  "/api/v1/auth/refresh",   "/api/v1/auth/me",  "/api/v1/issues/search",
    "/api/v1/factorial", "/api/v1/holidays",       "/api/v1/packages", "/api/v1/logs",
    "/api/v1/dashboard", "/api/v1/instances",      "/api/v1/export",   "/health",
};
static const char *const levels[] = {"INFO",  "INFO",  "INFO",    "INFO",    "DEBUG",
                                     "DEBUG", "DEBUG", "WARNING", "WARNING", "ERROR"};
static const char *const methods[] = {"GET", "GET", "GET", "POST", "PUT", "DELETE"};
static const char *const phrases[] = {
    "request completed",
    "cache miss, asked the instance again",
    "worklogs in range: 418",
    "token refreshed",
    "slow query on worklogs by author",
    "page 3 of 7 fetched",
    "retrying after status 429",
    "company scope applied",
    "rates resolved for client",
    "response serialised",
    "connection taken from the pool",
    "epic names joined",
    "leave balance recalculated",
    "session extended",
    "export of 2,310 rows begun",
};

/* How one table's rows arrive and go. */
struct arrival {
    int64_t sources;  /* that deliver, one after the other, ... */
    int64_t delivery; /* ... so many rows of one stretch of time together */
    int64_t inserted, stretch, us;
    const struct rows_plan *plan;
};

/* splitmix64: a bijection, so that different rows get different numbers. */
static uint64_t rows_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A number below `most` from the bits above `shift`. */
static int rows_pick(uint64_t random, int shift, int most)
{
    return (int)((random >> shift) % (uint64_t)most);
}

/* What goes, by enum rows_loss: so that of `parts` rows that are inserted `left` stay. */
static const struct {
    int parts, left;
    int stretches;    /* of nine, by bits */
    int every, which; /* single rows of the others; 0: none */
} losses[] = {
    [ROWS_THIRD] = {3, 2, 1 << 2 | 1 << 5, 7, 3},
    [ROWS_NONE] = {1, 1, 0, 0, 0},
    [ROWS_STRETCHES] = {9, 5, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7, 0, 0},
};

static bool rows_goes(enum rows_loss loss, int64_t id, int64_t stretch)
{
    return losses[loss].stretches >> id / stretch % 9 & 1 ||
           (losses[loss].every && id % losses[loss].every == losses[loss].which);
}

enum { LOG_SOURCES = 8 };      /* servers, each of which ships a day's lines at once */
enum { WORKLOG_SOURCES = 10 }; /* Jira instances, synchronised twice a month */
enum { WORKLOG_STRETCHES = 60 };

static struct arrival rows_arrival(const struct rows_plan *plan, int64_t stretches, int64_t sources)
{
    struct arrival a = {.sources = sources, .plan = plan};
    int64_t left = 0;

    a.stretch = plan->count * losses[plan->loss].parts / losses[plan->loss].left / stretches + 1;
    a.delivery = a.stretch / sources * sources;
    for (a.inserted = 0; left < plan->count; a.inserted++)
        left += !rows_goes(plan->loss, a.inserted + 1, a.stretch);
    a.us = plan->days * 86400 * 1000000 / (a.inserted + 1);
    return a;
}

/* When the row that arrives as the `nth` was written. */
static int64_t rows_time(const struct arrival *a, int64_t nth)
{
    int64_t turn = nth;

    if (a->delivery && nth < a->inserted / a->delivery * a->delivery) {
        int64_t inside = nth % a->delivery, share = a->delivery / a->sources;
        turn = nth - inside + inside % share * a->sources + inside / share;
    }
    return a->plan->now_us - (a->inserted - 1 - turn) * a->us;
}

static int rows_message(char *message, size_t size, uint64_t random)
{
    int length = snprintf(message, size, "worker-%d: ", rows_pick(random, 0, 8));

    for (int words = 4 + rows_pick(random, 8, 5); words > 0; words--) {
        random = rows_mix(random);
        length += snprintf(message + length, size - (size_t)length, "%s (%d ms); ",
                           phrases[random % COUNT(phrases)], rows_pick(random, 40, 900));
    }
    return length;
}

static void rows_log(sqlite3_stmt *insert, const struct stamp_format *format, int64_t time_us,
                     uint64_t random)
{
    char message[512], user[64], request[40];

    snprintf(user, sizeof user, "user%d@company%d.example", rows_pick(random, 20, 400),
             rows_pick(random, 20, 5) + 1);
    snprintf(request, sizeof request, "%016llx", (unsigned long long)rows_mix(random));
    stamp_bind(insert, 1, format, time_us);
    sql_bind_text(insert, 2, levels[random % COUNT(levels)]);
    sql_bind_text(insert, 3, endpoints[(random >> 8) % COUNT(endpoints)]);
    sql_bind_text(insert, 4, methods[(random >> 12) % COUNT(methods)]);
    sqlite3_bind_int(insert, 5, random % 50 ? 200 : 500);
    sqlite3_bind_double(insert, 6, (double)(random >> 44) / 1000);
    sql_bind_text(insert, 7, user);
    sqlite3_bind_int(insert, 8, rows_pick(random, 20, 5) + 1);
    sql_bind_text(insert, 9, request);
    sqlite3_bind_text(insert, 10, message, rows_message(message, sizeof message, random),
                      SQLITE_TRANSIENT);
    sql_step(insert);
}

void rows_logs(sqlite3 *db, const struct rows_plan *plan, const struct stamp_format *format)
{
    struct arrival a = rows_arrival(plan, plan->days, LOG_SOURCES);
    sqlite3_stmt *insert =
        sql_prepare(db, "INSERT INTO logs(timestamp, level, endpoint, method, status_code, "
                        "duration_ms, user_email, company_id, request_id, message) "
                        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    sql_run(db, "BEGIN");
    for (int64_t n = 0; n < a.inserted; n++)
        rows_log(insert, format, rows_time(&a, n), rows_mix((uint64_t)(plan->seed + n)));
    sqlite3_finalize(insert);
    sql_run(db, "COMMIT");
}

static void rows_worklog(sqlite3_stmt *insert, int64_t time_us, uint64_t random)
{
    int user = rows_pick(random, 20, 400), issue = rows_pick(random, 30, 20000);
    int company = user % 5 + 1, epic = issue % 3001,
        seconds = 900 * (1 + rows_pick(random, 50, 32));
    char id[40], data[1024], key[32], summary[96], email[64], name[32], instance[32], epic_key[32];

    snprintf(id, sizeof id, "%016llx", (unsigned long long)random);
    snprintf(key, sizeof key, "PROJ-%d", issue);
    snprintf(summary, sizeof summary, "What issue %d is about, in the words of whoever opened it",
             issue);
    snprintf(email, sizeof email, "user%d@company%d.example", user, company);
    snprintf(name, sizeof name, "First%d Last%d", user, user);
    snprintf(instance, sizeof instance, "instance-%d", rows_pick(random, 16, 10) + 1);
    snprintf(epic_key, sizeof epic_key, "EPIC-%d", epic);
    snprintf(data, sizeof data,
             "{\"id\":\"%s\",\"self\":\"https://%s.example/rest/api/3/issue/%d/worklog/%s\","
             "\"author\":{\"emailAddress\":\"%s\",\"displayName\":\"%s\",\"accountId\":"
             "\"5f%022llx\",\"active\":true,\"timeZone\":\"Europe/Madrid\"},\"issue\":{\"key\":"
             "\"%s\",\"summary\":\"%s\",\"epic\":\"%s\"},\"timeSpentSeconds\":%d,\"comment\":"
             "{\"type\":\"doc\",\"version\":1,\"content\":[{\"type\":\"paragraph\",\"content\":"
             "[{\"type\":\"text\",\"text\":\"%s, %s\"}]}]}}",
             id, instance, issue, id, email, name, (unsigned long long)rows_mix(random), key,
             summary, epic_key, seconds, phrases[random % COUNT(phrases)],
             phrases[(random >> 5) % COUNT(phrases)]);
    const char *const texts[] = {id, key, summary, email, name, instance, epic_key, data};
    for (int i = 0; i < COUNT(texts); i++)
        sql_bind_text(insert, i + 1, texts[i]);
    sqlite3_bind_int(insert, 9, seconds);
    sqlite3_bind_int(insert, 10, company);
    stamp_bind(insert, 11, stamp_find("datetime"), time_us);
    stamp_bind(insert, 12, stamp_find("datetime"), time_us + (int64_t)(random % 86400) * 1000000);
    sql_step(insert);
}

void rows_worklogs(sqlite3 *db, const struct rows_plan *plan)
{
    struct arrival a = rows_arrival(plan, WORKLOG_STRETCHES, WORKLOG_SOURCES);
    sqlite3_stmt *insert = sql_prepare(
        db, "INSERT INTO worklogs(id, issue_key, issue_summary, author_email, author_display_name, "
            "jira_instance, epic_key, data, time_spent_seconds, company_id, started, created_at, "
            "updated_at, epic_name, parent_key, parent_name, parent_type) VALUES(?1, ?2, ?3, ?4, "
            "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 'Epic of ' || ?7, ?7, ?3, 'Epic')");

    sql_run(db, "BEGIN");
    for (int64_t n = 0; n < a.inserted; n++)
        rows_worklog(insert, rows_time(&a, n), rows_mix((uint64_t)(plan->seed + n)));
    sqlite3_finalize(insert);
    sql_run(db, "COMMIT");
}

static void rows_delete(sqlite3 *db, const char *table, const struct arrival *a)
{
    enum rows_loss loss = a->plan->loss;

    sql_run(db, "DELETE FROM %s WHERE %d >> (rowid / %lld %% 9) & 1 OR rowid %% %d = %d", table,
            losses[loss].stretches, (long long)a->stretch, losses[loss].every, losses[loss].which);
}

void rows_lose(sqlite3 *db, const struct rows_plan *logs, const struct rows_plan *worklogs)
{
    struct arrival a = rows_arrival(logs, logs->days, LOG_SOURCES);
    struct arrival b = rows_arrival(worklogs, WORKLOG_STRETCHES, WORKLOG_SOURCES);

    sql_run(db, "BEGIN");
    rows_delete(db, "logs", &a);
    rows_delete(db, "worklogs", &b);
    sql_run(db, "COMMIT");
}

void rows_classifications(sqlite3 *db)
{
    sql_run(db, "INSERT INTO billing_worklog_classifications(worklog_id, billable, note) "
                "SELECT id, rowid %% 3 > 0, 'by rule' FROM worklogs WHERE rowid %% 5 = 0");
}
