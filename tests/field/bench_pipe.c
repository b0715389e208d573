/* What people do today to put rows away: sqlite3 -json DB 'SELECT ...' | zstd -3. */
#include "bench.h"

#include "latency.h"
#include "log.h"
#include "memory.h"
#include "sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs argv[0] with these as its standard input and output. */
static pid_t pipe_start(const char *const argv[], int in, int out)
{
    pid_t child = fork();

    if (child < 0)
        log_fatal("can't fork: %s", strerror(errno));
    if (child)
        return child;
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    closefrom(STDERR_FILENO + 1);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void pipe_wait(pid_t child, const char *name)
{
    int status;

    if (waitpid(child, &status, 0) != child || status)
        log_fatal("%s failed; is it installed?", name);
}

/* Seconds till the file is there, and on the disk, as an archive must be. */
static double pipe_run(const char *path, const char *select, const char *file)
{
    const char *const query[] = {"sqlite3", "-json", path, select, NULL};
    const char *const compress[] = {"zstd", "-3", "-q", "-f", "-o", file, "-", NULL};
    const char *const sync[] = {"sync", file, NULL};
    double began = latency_clock_ms();
    int ends[2];

    if (pipe(ends) < 0)
        log_fatal("can't make a pipe: %s", strerror(errno));
    pid_t reader = pipe_start(query, STDIN_FILENO, ends[1]);
    pid_t writer = pipe_start(compress, ends[0], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    pipe_wait(reader, "sqlite3");
    pipe_wait(writer, "zstd");
    pipe_wait(pipe_start(sync, STDIN_FILENO, STDERR_FILENO), "sync");
    return (latency_clock_ms() - began) / 1e3;
}

int bench_pipe(const char *path, const char *select)
{
    sqlite3 *db = sql_open(path, SQLITE_OPEN_READONLY);
    char *count = memory_format("SELECT count(*) FROM (%s)", select);
    char *file = memory_format("%s.jsonl.zst", path);
    int64_t rows = sql_number(db, count);

    sqlite3_close(db);
    double seconds = pipe_run(path, select, file);
    printf("{\"event\":\"outcome\",\"outcome\":\"done\",\"rows\":%lld,\"seconds\":%f,"
           "\"effect\":{\"export_seconds\":%f}}\n",
           (long long)rows, seconds, seconds);
    unlink(file);
    free(count);
    free(file);
    return 0;
}
