/* Everything here is in the test's folder: the database, the templates, the state. */
#include "lib_crash.h"

#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_sql.h"
#include "lib_writer.h"
#include "memory.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRASH_POLICY                    \
    "daemon: { state: \"@/state\" }\n"  \
    "databases:\n"                      \
    "  - name: worklog\n"               \
    "    path: \"@/live/worklog.db\"\n" \
    "    sample: {}\n"                  \
    "    retention:\n"                  \
    "      - table: logs\n"             \
    "        column: timestamp\n"       \
    "        format: datetime\n"        \
    "        zone: UTC\n"               \
    "        keep: 100d\n"              \
    "      - table: orders\n"           \
    "        column: created\n"         \
    "        format: unix\n"            \
    "        keep: 100d\n"              \
    "        cascade: delete\n"

void crash_policy(const char *limits)
{
    char *yaml = memory_format(CRASH_POLICY "%s", limits);

    expect_policy(yaml);
    free(yaml);
}

void crash_open(struct crash *crash, uint64_t random)
{
    folder_make();
    char *live = folder_path("live");
    ck_assert_int_eq(mkdir(live, 0700), 0);
    free(live);
    crash_policy(CRASH_LIMITS);
    family_adopt();
    *crash = (struct crash){.ledger = ledger_new(),
                            .path = folder_path("live/worklog.db"),
                            .random = random};
}

void crash_close(struct crash *crash)
{
    crash_application(crash, false);
    free(crash->path);
    folder_remove();
}

static void crash_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char bytes[65536];
    ssize_t length;

    ck_assert(in >= 0 && out >= 0);
    while ((length = read(in, bytes, sizeof bytes)) > 0)
        ck_assert_int_eq(write(out, bytes, (size_t)length), length);
    ck_assert_int_eq(length, 0);
    close(out);
    close(in);
}

/* What the last run has left beside it belongs to the database that was there then. */
static void crash_remove_beside(const char *path)
{
    static const char *const endings[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *beside = memory_format("%s%s", path, endings[i]);
        unlink(beside);
        free(beside);
    }
}

void crash_reset(struct crash *crash, const struct ledger_kind *kind)
{
    char *name = memory_format("%s-%d%d-%d.template", kind->journal, kind->by_index, kind->trigger,
                               kind->scale);
    char *template = folder_path(name);

    if (access(template, F_OK) < 0)
        ledger_make(template, kind);
    crash_application(crash, false);
    crash_remove_beside(crash->path);
    crash_copy(template, crash->path);
    ledger_start(crash->ledger, kind);
    free(template);
    free(name);
}

void crash_application(struct crash *crash, bool wanted)
{
    if (wanted && !crash->application) {
        uint64_t random = (uint64_t)randomdb_number(&crash->random, INT64_MAX);
        crash->application = writer_start(crash->ledger, crash->path, random);
    } else if (!wanted && crash->application) {
        writer_stop(crash->application);
        crash->application = 0;
    }
}

/* --- outcomes ----------------------------------------------------------------------------- */

static void crash_outcome(const json_t *event, struct crash_outcomes *outcomes)
{
    const char *outcome = json_string_value(json_object_get(event, "outcome"));
    const char *reason = json_string_value(json_object_get(event, "reason"));
    const struct {
        const char *name;
        int *count;
    } kinds[] = {{"done", &outcomes->done},
                 {"skipped", &outcomes->skipped},
                 {"failed", &outcomes->failed},
                 {"cancelled", &outcomes->cancelled}};
    int *count = NULL;

    ck_assert_msg(outcome && reason && *reason, "an outcome without a reason");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, outcome) == 0)
            count = kinds[i].count;
    ck_assert_msg(count != NULL, "outcome %s", outcome);
    if (json_is_true(json_object_get(event, "busy")))
        count = &outcomes->busy;
    ++*count;
    if (strcmp(outcome, "done") != 0)
        snprintf(outcomes->reason, sizeof outcomes->reason, "%s", reason);
}

void crash_outcomes(const char *out, struct crash_outcomes *outcomes)
{
    json_t *seen = json_object();
    json_t *event;

    *outcomes = (struct crash_outcomes){0};
    for (const char *end; (end = strchr(out, '\n')); out = end + 1) {
        event = json_loadb(out, (size_t)(end - out), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(event), "%.*s", (int)(end - out), out);
        const char *kind = json_string_value(json_object_get(event, "event"));
        if (kind && strcmp(kind, "outcome") == 0) {
            char *task = json_dumps(json_object_get(event, "task"), JSON_ENCODE_ANY);
            char *target = json_dumps(json_object_get(event, "target"), JSON_ENCODE_ANY);
            char *subject = memory_format("%s %s", task, target);
            ck_assert_msg(!json_object_get(seen, subject), "%s has two outcomes", subject);
            json_object_set_new(seen, subject, json_true());
            crash_outcome(event, outcomes);
            free(subject);
            free(target);
            free(task);
        }
        json_decref(event);
    }
    json_decref(seen);
}

/* --- afterwards --------------------------------------------------------------------------- */

static void crash_next_run(void)
{
    struct crash_outcomes outcomes;
    struct program_result result;

    expect_run(CRASH_RUN, &result);
    crash_outcomes(result.out, &outcomes);
    ck_assert_msg(result.status == 0 && !*result.err, "the next run: exit status %d: %s\n%s",
                  result.status, outcomes.reason, result.err);
    ck_assert_int_eq(outcomes.done + outcomes.skipped, 3);
    program_result_free(&result);
}

static void crash_check_history(void)
{
    char *path = folder_path("state/history.db");
    sqlite3 *db = sql_open(path);

    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    ck_assert_int_eq(
        sql_number(db, "SELECT count(*) FROM (SELECT outcome FROM run ORDER BY id DESC LIMIT 3)"
                       " WHERE outcome IN ('done', 'skipped')"),
        3);
    sqlite3_close(db);
    free(path);
}

/* In a folder there is that file and no other. */
static void crash_check_alone(const char *folder, const char *file)
{
    char *path = folder_path(folder);
    DIR *entries = opendir(path);
    struct dirent *entry;

    ck_assert_ptr_nonnull(entries);
    while ((entry = readdir(entries)))
        ck_assert_msg(entry->d_name[0] == '.' || strcmp(entry->d_name, file) == 0,
                      "%s/%s is left behind", path, entry->d_name);
    closedir(entries);
    free(path);
}

void crash_recover(struct crash *crash)
{
    ck_assert_msg(family_gone(crash->application), "a worker is still there after %d ms",
                  FAMILY_ORPHAN_MS);
    crash_next_run();
    crash_application(crash, false);
    ledger_check(crash->ledger, crash->path, true);
    crash_check_history();
    crash_check_alone("live", "worklog.db");
    crash_check_alone("state", "history.db");
}
