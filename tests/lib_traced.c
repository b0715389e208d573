/* The trace is a file in the test's folder. */
#include "lib_traced.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRACED_PROCESSES = 1 << 22 };

#define TRACED_CALLS                                                        \
    "pwrite64,pread64,fsync,fdatasync,ftruncate,unlink,renameat,renameat2," \
    "unlinkat,fchmod"

static char *traced_files; /* arguments */

bool traced_can(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        execlp("strace", "strace", "-f", "-qq", "-o", "/dev/null", "true", (char *)NULL);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void traced_watch(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct text files = {0};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        text_addf(&files, " -P @/%s%s", path, endings[i]);
        if (*endings[i])
            text_addf(&files, " -P %s%s -P ./%s%s", name, endings[i], name, endings[i]);
    }
    free(traced_files);
    traced_files = text_take(&files);
}

void traced_watch_all(void)
{
    free(traced_files);
    traced_files = memory_copy("");
}

void traced_run(const char *words, const char *inject, struct program_result *result)
{
    const char *fast = strstr(inject, "signal=") ? "" : " --seccomp-bpf"; /* with which none come */
    char *command = memory_format("strace -f%s -qq -o @/trace%s -e trace=" TRACED_CALLS "%s", fast,
                                  traced_files, inject);
    char *real = expect_words(command);

    program_through(real);
    expect_run(words, result);
    program_through(NULL);
    free(real);
    free(command);
}

int traced_count(const char *text)
{
    char *path = folder_path("trace"), *line = NULL;
    int *counts = memory_zeroed(TRACED_PROCESSES, sizeof *counts), most = 0;
    FILE *trace = fopen(path, "r");
    size_t size = 0;

    while (trace && getline(&line, &size, trace) > 0) {
        int process = atoi(line) % TRACED_PROCESSES; /* "PROCESS CALL(..." */
        if (strstr(line, text) && ++counts[process] > most)
            most = counts[process];
    }
    if (trace)
        fclose(trace);
    free(line);
    free(counts);
    free(path);
    return most;
}

char *traced_choose(const char *call, const char *error, int calls, uint64_t *random)
{
    int64_t below = 1 + randomdb_number(random, calls > 0 ? calls : 1); /* rather an early one */
    int64_t first = 1 + randomdb_number(random, below);
    int64_t every = 1 + randomdb_number(random, 40);
    const char *what = strncmp(error, "SIG", 3) == 0 ? "signal" : "error";
    char *one = memory_format(" -e inject=%s:%s=%s:when=%" PRId64, call, what, error, first);
    int64_t way = randomdb_number(random, 3);
    char *all = way == 0   ? memory_copy(one)
                : way == 1 ? memory_format("%s+", one)
                           : memory_format("%s+%" PRId64, one, every);

    free(one);
    return all;
}

static bool traced_check(const json_t *event, const char *outcome, int status)
{
    const char *reason = json_string_value(json_object_get(event, "reason"));
    bool done = strcmp(outcome, "done") == 0, busy = json_is_true(json_object_get(event, "busy"));

    ck_assert_msg(reason && *reason, "%s without a reason", outcome);
    ck_assert_msg(status == (done   ? 0
                             : busy ? 75
                                    : 1),
                  "status %d: %s: %s", status, outcome, reason);
    printf("  %s: %.200s\n", outcome, reason);
    fflush(stdout);
    return done;
}

bool traced_outcome(const struct program_result *result)
{
    char *copy = memory_copy(result->out), *rest = copy, *line;
    bool done = false;
    int outcomes = 0;

    while ((line = strsep(&rest, "\n")) && *line) {
        json_t *event = json_loads(line, 0, NULL);
        const char *outcome = json_string_value(json_object_get(event, "outcome"));
        outcomes += outcome != NULL;
        if (outcome)
            done = traced_check(event, outcome, result->status);
        json_decref(event);
    }
    ck_assert_msg(outcomes == 1, "status %d: %s%s", result->status, result->out, result->err);
    free(copy);
    return done;
}
