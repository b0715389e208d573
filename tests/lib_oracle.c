/* Runs other programs for tests that compare. */
#include "lib_oracle.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_PROGRAM = 127 };

static void oracle_child(const char *const arguments[], int output, bool errors)
{
    int null = open("/dev/null", O_RDWR);

    setenv("TZ", "UTC", 1);
    setenv("LC_ALL", "C", 1);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(errors ? output : null, STDERR_FILENO);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(NO_PROGRAM);
}

static int oracle_ask(const char *const arguments[], bool errors, struct text *out)
{
    char bytes[4096];
    int ends[2], status = 0;
    ssize_t got;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        oracle_child(arguments, ends[1], errors);
    close(ends[1]);
    while (child > 0 && (got = read(ends[0], bytes, sizeof bytes)) > 0)
        text_add_length(out, bytes, (size_t)got);
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status) == NO_PROGRAM ? -1 : WEXITSTATUS(status);
}

int oracle_run(const char *const arguments[], struct text *out)
{
    return oracle_ask(arguments, false, out);
}

int oracle_run_all(const char *const arguments[], struct text *out)
{
    return oracle_ask(arguments, true, out);
}
