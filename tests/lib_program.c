/* Children for tests: arguments are given as they are, and both pipes are read to their ends. */
#include "lib_program.h"

#include "memory.h"
#include "text.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 64, PATIENCE_MS = 60000 };

static const char *program_command;
static int program_held = -1; /* litekeeper, open; -1: by its path */

/* The test is build/VARIANT/tests/test_X; `name` is looked for in build/VARIANT. */
static void program_path(const char *name, char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);

    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    if (name[0] == '/') {
        snprintf(path, size, "%s", name);
        return;
    }
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = '\0';
    ck_assert_uint_lt(strlen(path) + 1 + strlen(name), size);
    strcat(strcat(path, "/"), name);
}

/* Appends copies of the words; they live as long as the child. */
static int program_words(char **arguments, int count, const char *words)
{
    char *rest = memory_copy(words ? words : "");

    while (rest && *rest && count < ARGUMENTS - 1)
        arguments[count++] = strsep(&rest, " ");
    return count;
}

static void program_child(const char *name, const char *words, int out, int err)
{
    char path[PATH_MAX], *arguments[ARGUMENTS] = {NULL};
    int null = open("/dev/null", O_RDONLY);

    if (program_held >= 0)
        snprintf(path, sizeof path, "/proc/self/fd/%d", program_held);
    else
        program_path(name, path, sizeof path);
    int count = program_words(arguments, 0, program_command);
    arguments[count] = path;
    program_words(arguments, count + 1, words);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvp(count ? arguments[0] : path, arguments);
    _exit(127);
}

void program_hold(void)
{
    char path[PATH_MAX];

    program_path("litekeeper", path, sizeof path);
    program_held = open(path, O_PATH);
    ck_assert_int_ge(program_held, 0);
}

void program_through(const char *command)
{
    program_command = command;
}

static void program_terminal(int *ours, int *theirs)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};

    *ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(*ours, 0);
    ck_assert_int_eq(grantpt(*ours) || unlockpt(*ours), 0);
    *theirs = open(ptsname(*ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(*theirs, 0);
    ck_assert_int_eq(ioctl(*theirs, TIOCSWINSZ, &size), 0);
}

/* Check's handlers are not for the child: before it is another program they would answer a signal
 * to it by one to the test's whole process group. */
static pid_t program_fork(void)
{
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

void program_start_named(struct program *program, const char *name, const char *words,
                         bool terminal)
{
    int out[2], err[2];

    if (terminal)
        program_terminal(&out[0], &out[1]);
    else
        ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    program->pid = program_fork();
    if (program->pid == 0)
        program_child(name, words, out[1], terminal ? out[1] : err[1]);
    close(out[1]);
    close(err[1]);
    program->out = out[0];
    program->err = err[0];
}

void program_start(struct program *program, const char *words, bool terminal)
{
    program_start_named(program, "litekeeper", words, terminal);
}

pid_t program_spawn(const char *name, const char *words, int fd)
{
    pid_t pid = program_fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        program_child(name, words, fd, fd);
    }
    return pid;
}

/* Appends what there is to read; false at the end (which a terminal tells by EIO). */
static bool program_read(int fd, struct text *text)
{
    char bytes[4096];
    ssize_t length = read(fd, bytes, sizeof bytes);

    if (length > 0)
        text_add_length(text, bytes, (size_t)length);
    return length > 0 || (length < 0 && errno == EINTR);
}

bool program_expect(struct program *program, const char *text)
{
    struct text seen = {0};
    bool more = true;

    while (more && !(seen.bytes && strstr(seen.bytes, text)))
        more = program_read(program->out, &seen);
    text_free(&seen);
    return more;
}

void program_finish(struct program *program, struct program_result *result)
{
    struct pollfd ends[2] = {{program->out, POLLIN, 0}, {program->err, POLLIN, 0}};
    struct text texts[2] = {{0}, {0}};
    int status;

    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        int ready = poll(ends, 2, PATIENCE_MS);
        ck_assert_msg(ready > 0 || (ready < 0 && errno == EINTR), "litekeeper hangs");
        for (int i = 0; i < 2; i++)
            if (ends[i].revents && !program_read(ends[i].fd, &texts[i]))
                ends[i].fd = -1;
    }
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    close(program->out);
    close(program->err);
    result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result->out = text_take(&texts[0]);
    result->err = text_take(&texts[1]);
}

void program_run(const char *words, struct program_result *result)
{
    struct program program;

    program_start(&program, words, false);
    program_finish(&program, result);
}

void program_result_free(struct program_result *result)
{
    free(result->out);
    free(result->err);
}
