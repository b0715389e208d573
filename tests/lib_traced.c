/* The trace is a file in the test's folder. */
#include "lib_traced.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRACED_PROCESSES = 1 << 22 };

#define TRACED_CALLS "pwrite64,pread64,fsync,fdatasync,ftruncate,unlink,renameat,unlinkat"

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
            text_addf(&files, " -P %s%s", name, endings[i]);
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
