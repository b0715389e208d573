/* Makes, runs, compares, puts back, compares again. */
#include "lib_cascade.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_restored.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int64_t effect(const struct proof_run *run, const char *key)
{
    json_t *value = json_object_get(json_object_get(run->outcome, "effect"), key);

    return value ? json_integer_value(value) : 0;
}

/* What can't be said beforehand is how many files there are, and how long. */
static void check_outcome(const struct cascade_case *c, const struct proof_run *run, int64_t rows)
{
    const struct {
        const char *key;
        int64_t wanted;
    } numbers[] = {{"child_rows", c->children},
                   {"rows_kept", c->kept},
                   {"rows_refused", c->refused},
                   {"child_rows_changed", c->child_changed},
                   {"child_rows_refused", c->child_refused},
                   {"rows_past_cutoff", c->kept + c->refused}};
    const char *outcome = json_string_value(json_object_get(run->outcome, "outcome"));
    bool by_age = !strstr(c->proof.setup, "DROP INDEX t_at");

    ck_assert_msg(outcome && strcmp(outcome, "done") == 0 && run->result.status == 0, "%s: %s%s",
                  c->proof.name, run->result.out, run->result.err);
    ck_assert_int_eq(json_integer_value(json_object_get(run->outcome, "rows")), rows);
    for (size_t i = 0; by_age && i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(effect(run, numbers[i].key) == numbers[i].wanted, "%s: %s is %lld, not %lld",
                      c->proof.name, numbers[i].key, (long long)effect(run, numbers[i].key),
                      (long long)numbers[i].wanted);
    ck_assert_int_gt(effect(run, "segments"), 1);
    const char *reason = json_string_value(json_object_get(run->outcome, "reason"));
    if (c->proof.reason)
        expect_text(c->proof.name, reason, c->proof.reason);
}

static sqlite3 *copy_of(sqlite3 *db)
{
    sqlite3 *copy = proof_open(":memory:");
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");

    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
    sqlite3_db_config(copy, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return copy;
}

void cascade_make_directory(void)
{
    char *cold = folder_path("cold");

    ck_assert_int_eq(mkdir(cold, 0750), 0);
    free(cold);
}

/* What the archive has comes back. */
static void check_whole(const struct cascade_case *c, sqlite3 *db, sqlite3 *before)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    ck_assert_int_eq(
        proof_integer(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%keeper%'"), 0);
    ck_assert_int_eq(restored_all(db), 0);
    proof_do(before, c->whole ? c->whole : "");
    proof_same(&c->proof, before);
}

void cascade_leaves(const struct cascade_case *c, const char *journal)
{
    char *path = proof_path(&c->proof);
    struct proof_run run;

    cascade_make_directory();
    sqlite3 *model = proof_make(&c->proof, journal);
    int64_t rows = proof_gone(&c->proof, model);
    sqlite3 *db = proof_open(path), *before = copy_of(db);
    proof_run(&c->proof, &run);
    check_outcome(c, &run, rows);
    proof_same(&c->proof, model);
    check_whole(c, db, before);
    sqlite3_close(model);
    sqlite3_close(before);
    sqlite3_close(db);
    proof_free(&run);
    free(path);
}
