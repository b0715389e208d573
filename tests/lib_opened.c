/* An application's connection and litekeeper's, side by side in one process. */
#include "lib_opened.h"

#include "identity.h"
#include "lib_folder.h"
#include "lib_randomdb.h"

#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPENED_BUSY_MS = 10000 }; /* beside writers whose disk may stand still */

struct engine_writer opened_writer;
bool opened_stop;
void (*opened_asked)(void);

static sqlite3 *app;
static struct database *database;

static void opened_emit(void *argument, json_t *event)
{
    (void)argument;
    json_decref(event);
}

static bool opened_stopped(void *argument)
{
    (void)argument;
    if (opened_asked)
        opened_asked();
    return opened_stop;
}

static struct engine_host host = {.emit = opened_emit, .stopped = opened_stopped};

void opened_set_up(void)
{
    opened_writer = (struct engine_writer){0};
    opened_stop = false;
    opened_asked = NULL;
    app = NULL;
    database = NULL;
    ck_assert_int_eq(chdir(folder_make()), 0);
}

void opened_close(void)
{
    database_close(database);
    sqlite3_close(app);
    database = NULL;
    app = NULL;
}

void opened_tear_down(void)
{
    opened_close();
    ck_assert_int_eq(chdir("/"), 0);
    folder_remove();
}

sqlite3 *opened_app(void)
{
    if (!app) {
        ck_assert_int_eq(sqlite3_open("app.db", &app), SQLITE_OK);
        sqlite3_busy_timeout(app, 5000);
    }
    return app;
}

void opened_sql(const char *sql)
{
    randomdb_sql(opened_app(), sql);
}

int64_t opened_value(const char *sql)
{
    return randomdb_value(opened_app(), sql);
}

enum status opened_try(enum database_mode mode, double busy_ms, struct database **result,
                       struct error *error)
{
    struct identity seen = {0};
    struct stat file;

    if (stat("app.db", &file) == 0)
        seen = (struct identity){.device = file.st_dev,
                                 .inode = file.st_ino,
                                 .owner = file.st_uid,
                                 .group = file.st_gid};
    host.writer = opened_writer;
    return database_open("app.db", &seen, mode, busy_ms, &host, result, error);
}

struct database *opened_database(enum database_mode mode)
{
    struct error error = {0};

    ck_assert_msg(opened_try(mode, OPENED_BUSY_MS, &database, &error) == STATUS_OK, "%s",
                  error.text);
    return database;
}

void opened_make(const char *sql)
{
    opened_sql(sql);
    opened_close();
}
