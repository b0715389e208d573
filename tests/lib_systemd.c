/* A test program inside a systemd of its own, and what it asks it. */
#include "lib_systemd.h"

#include "clock.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSTEMD_WORDS = 64, SYSTEMD_SKIP = 77 };

static const char systemd_script[] = "tests/under-systemd", systemd_inside[] = "--inside";
static const char systemd_etc[] = "/etc/litekeeper", systemd_dir[] = "/run/systemd/system/"
                                                                     "litekeeper.service.d";
static char systemd_since[64];
static const char *systemd_why; /* this is in no systemd of its own; NULL: it is */

/* Splits at single spaces; the words live as long as `copy`. */
static void systemd_split(char *copy, char **words)
{
    int count = 0;

    for (char *word; (word = strsep(&copy, " ")) && count < SYSTEMD_WORDS - 1;)
        words[count++] = word;
    words[count] = NULL;
}

static char *systemd_run(int *status, const char *command)
{
    char *words[SYSTEMD_WORDS], *copy = memory_copy(command), bytes[4096];
    struct text text = {0};
    ssize_t length;
    int ends[2];

    systemd_split(copy, words);
    if (pipe(ends) < 0) /* no ck_assert: this runs before the tests, too */
        abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execvp(words[0], words);
        _exit(127);
    }
    close(ends[1]);
    while ((length = read(ends[0], bytes, sizeof bytes)) > 0)
        text_add_length(&text, bytes, (size_t)length);
    close(ends[0]);
    waitpid(child, status, 0);
    *status = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
    free(copy);
    return text_take(&text);
}

#define SYSTEMD_FORMATTED(command)                         \
    char command[4096];                                    \
    va_list arguments;                                     \
    va_start(arguments, format);                           \
    vsnprintf(command, sizeof command, format, arguments); \
    va_end(arguments)

char *systemd_say(int *status, const char *format, ...)
{
    SYSTEMD_FORMATTED(command);
    return systemd_run(status, command);
}

void systemd_do(const char *format, ...)
{
    int status;

    SYSTEMD_FORMATTED(command);
    char *said = systemd_run(&status, command);
    ck_assert_msg(status == 0, "%s: status %d: %s", command, status, said);
    free(said);
}

/* BUILD/tests/test_X */
static void systemd_build(char *path)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    path[length > 0 ? length : 0] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = '\0';
}

/* LeakSanitizer would trace the process, which the units' system calls do not allow. */
static void systemd_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
    static const char *const managers[] = {"system", "user"};

    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++) {
        char *folder = memory_format("/etc/systemd/%s/litekeeper.service.d", managers[i]);
        char *path = memory_format("%s/sanitizer.conf", folder);
        systemd_do("mkdir -p %s", folder);
        systemd_write(path, "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n");
        free(path);
        free(folder);
    }
    systemd_do("systemctl daemon-reload");
#endif
}

/* The copy of the host is ours to change. */
static void systemd_prepare(void)
{
    char build[PATH_MAX];

    systemd_build(build);
    systemd_do("groupadd -g %d worklog", SYSTEMD_USER);
    systemd_do("useradd -u %d -g worklog -K UID_MAX=%d -M -d /srv/worklog worklog", SYSTEMD_USER,
               SYSTEMD_USER);
    systemd_do("tools/install put %s  /usr", build);
    systemd_sanitized();
}

static const char *systemd_missing(void)
{
    static char why[256];
    int status;

    char *said = systemd_say(&status, "%s -n /", systemd_script);
    said[strcspn(said, "\n")] = '\0';
    snprintf(why, sizeof why, "%s", status == 0 ? "" : said);
    if (status != 0 && status != SYSTEMD_SKIP)
        snprintf(why, sizeof why, "%s does not run: run this from the repository's root",
                 systemd_script);
    free(said);
    return why[0] ? why : NULL;
}

void systemd_enter(char **arguments)
{
    char build[PATH_MAX], here[PATH_MAX];

    if (arguments[1] && strcmp(arguments[1], systemd_inside) == 0)
        return;
    systemd_why = systemd_missing();
    if (systemd_why)
        return;
    systemd_build(build);
    char *program = memory_format("%s/tests/%s", build, strrchr(arguments[0], '/') + 1);
    execl(systemd_script, systemd_script, "-b", getcwd(here, sizeof here), "-b", build, "/",
          program, systemd_inside, (char *)NULL);
    systemd_why = "can't start tests/under-systemd";
}

bool systemd_or_skip(void)
{
    if (systemd_why)
        skip(systemd_why);
    else if (access("/usr/bin/litekeeper", X_OK) < 0)
        systemd_prepare();
    return !systemd_why;
}

void systemd_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_msg(file != NULL, "can't write %s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void systemd_policy(const char *yaml)
{
    char *path = memory_format("%s/litekeeper.yaml", systemd_etc);

    mkdir(systemd_etc, 0755);
    systemd_write(path, yaml);
    free(path);
}

void systemd_drop_in(const char *lines)
{
    char *path = memory_format("%s/test.conf", systemd_dir);
    char *text = memory_format("[Service]\n%s\n", lines);

    mkdir(systemd_dir, 0755);
    systemd_write(path, text);
    systemd_do("systemctl daemon-reload");
    free(text);
    free(path);
}

static const char systemd_file[] = "/srv/worklog/worklog.db";

void systemd_database(int rows)
{
    sqlite3 *db = sql_make(systemd_file);

    sql_do(
        db,
        "PRAGMA journal_mode=WAL; CREATE TABLE logs(id INTEGER PRIMARY KEY, at TEXT, line TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO logs SELECT i, datetime('now', '-' || (200.0 * (%d.5 - i) / %d) || ' days'), "
        "hex(randomblob(50)) FROM n; CREATE INDEX logs_at ON logs(at)",
        rows, rows, rows);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_int_eq(chown(systemd_file, SYSTEMD_USER, SYSTEMD_USER), 0);
}

int64_t systemd_ask(const char *sql)
{
    sqlite3 *db = sql_open(systemd_file);
    int64_t number = sql_number(db, sql);

    sqlite3_close(db);
    return number;
}

void systemd_clean(void)
{
    int status;

    free(systemd_say(&status, "systemctl stop litekeeper"));
    free(systemd_say(&status, "systemctl reset-failed litekeeper"));
    systemd_do("rm -rf %s %s /var/lib/litekeeper /srv/worklog", systemd_etc, systemd_dir);
    systemd_do("systemctl daemon-reload");
    systemd_do("install -d -o worklog -g worklog /srv/worklog");
    systemd_mark();
}

const char *systemd_property(const char *name)
{
    static char value[512];
    int status;

    char *said = systemd_say(&status, "systemctl show --value -p %s litekeeper", name);
    said[strcspn(said, "\n")] = '\0';
    snprintf(value, sizeof value, "%s", said);
    free(said);
    return value;
}

int systemd_process(void)
{
    return atoi(systemd_property("MainPID"));
}

void systemd_await_property(const char *name, const char *value, int seconds)
{
    const char *now = "";

    for (int i = 0; i < seconds * 10; i++, usleep(100000)) {
        now = systemd_property(name);
        if (strcmp(now, value) == 0)
            return;
    }
    ck_abort_msg("%s is %s, not %s, after %d s", name, now, value, seconds);
}

/* By time: journalctl's --after-cursor skips an entry too many where fields are asked for. */
void systemd_mark(void)
{
    int64_t now_us = clock_now_us();

    snprintf(systemd_since, sizeof systemd_since, "--since=@%" PRId64 ".%06" PRId64,
             now_us / 1000000, now_us % 1000000);
}

json_t *systemd_entry(int seconds, const char *matches)
{
    json_t *entry = NULL;
    int status;

    for (int i = 0; !entry && i <= seconds * 5; i++) {
        if (i > 0)
            usleep(200000);
        char *said = systemd_say(&status, "journalctl -q -o json %s %s", systemd_since, matches);
        entry = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL);
        free(said);
    }
    return entry;
}

json_t *systemd_expect_entry(int seconds, const char *matches)
{
    json_t *entry = systemd_entry(seconds, matches);
    int status;

    if (entry)
        return entry;
    char *said = systemd_say(&status, "journalctl -q %s -u litekeeper", systemd_since);
    ck_abort_msg("no entry with %s after %d s, but:\n%s", matches, seconds, said);
    return NULL;
}

const char *systemd_field(const json_t *entry, const char *name)
{
    const char *value = json_string_value(json_object_get(entry, name));

    return value ? value : "";
}
