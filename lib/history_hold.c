/*
 * Holds: times of rows that were put back out of an archive, which retention leaves alone. Runs in
 * the history worker.
 */
#include "clock.h"
#include "history_db.h"

enum { HOLD_MOST = 500 }; /* of a table: all of them travel with its retention's jobs */

#define HOLD_TOUCHING \
    " FROM hold WHERE path = ?1 AND target = ?2 AND first_us <= ?4 + 1 AND last_us >= ?3 - 1"

static const char hold_first[] = "SELECT min(ifnull(min(first_us), ?3), ?3)" HOLD_TOUCHING;
static const char hold_last[] = "SELECT max(ifnull(max(last_us), ?4), ?4)" HOLD_TOUCHING;
static const char hold_set[] = "SELECT ifnull(min(set_us), ?5)" HOLD_TOUCHING;
static const char hold_joined[] = "DELETE" HOLD_TOUCHING;
static const char hold_put[] =
    "INSERT INTO hold(path, target, first_us, last_us, database, set_us) VALUES(?,?,?,?,?,?)";
static const char hold_count[] = "SELECT count(*) FROM hold WHERE path = ? AND target = ?";
static const char hold_all[] = "SELECT first_us, last_us, set_us FROM hold WHERE path = ?"
                               " AND target = ? ORDER BY first_us";

static const json_t *hold_get(const json_t *hold, const char *key)
{
    return json_object_get(hold, key);
}

/* One hold in the place of those that it touches, as old as the oldest of them. */
static enum status hold_note(struct history *history, const json_t *hold, const char *path,
                             struct error *error)
{
    const json_t *target = hold_get(hold, "target");
    int64_t from = json_integer_value(hold_get(hold, "first_us"));
    int64_t to = json_integer_value(hold_get(hold, "last_us"));
    int64_t first = from, last = to, set = clock_now_us(), count = 0;
    enum status status;

    if ((status = history_db_number(history, error, &first, hold_first, "tjii", path, target, from,
                                    to)) ||
        (status =
             history_db_number(history, error, &last, hold_last, "tjii", path, target, from, to)) ||
        (status = history_db_number(history, error, &set, hold_set, "tjiii", path, target, from, to,
                                    set)) ||
        (status = history_db_do(history, error, hold_joined, "tjii", path, target, from, to)) ||
        (status = history_db_do(history, error, hold_put, "tjiiji", path, target, first, last,
                                hold_get(hold, "database"), set)) ||
        (status = history_db_number(history, error, &count, hold_count, "tj", path, target)))
        return status;
    return count <= HOLD_MOST
               ? STATUS_OK
               : error_set(error, STATUS_FAILED, "the table has %d holds already: lift them first",
                           HOLD_MOST);
}

enum status history_hold(struct history *history, const json_t *hold, const char *path,
                         struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = hold_note(history, hold, path, error);
    return history_db_end(history, status, error);
}

enum status history_lift(struct history *history, const json_t *path, const json_t *target,
                         struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_db_do(history, error, "DELETE FROM hold WHERE path = ? AND target = ?", "jj",
                           path, target);
    return history_db_end(history, status, error);
}

enum status history_holds(struct history *history, const char *path, const char *target,
                          json_t **holds, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status = history_db_ready(history, error);

    if (!status)
        status = history_db_ask(history, error, &statement, hold_all, "tt", path, target);
    if (status)
        return status;
    json_t *list = json_array();
    while (sqlite3_step(statement) == SQLITE_ROW)
        json_array_append_new(list, json_pack("[I, I, I]", sqlite3_column_int64(statement, 0),
                                              sqlite3_column_int64(statement, 1),
                                              sqlite3_column_int64(statement, 2)));
    status = history_db_asked(history, statement, error);
    if (status)
        json_decref(list);
    else
        *holds = list;
    return status;
}
