/* A library that needs a newer libc than ours comes with that, and with its loader. */
#include "lib_stranger.h"

#include "lib_skip.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRANGER_ARGUMENTS = 12 };

static char *stranger_program(void)
{
    char *own = realpath("/proc/self/exe", NULL), *end = strstr(own, "/tests/test_");

    if (end)
        *end = '\0';
    char *program = memory_format("%s/stranger", own);
    free(own);
    return program;
}

void stranger_exec(const char *folder, const char *const *arguments)
{
    char *loader = memory_format("%s/loader", folder), *program = stranger_program();
    const char *all[STRANGER_ARGUMENTS + 5] = {loader, "--library-path", folder, program};
    size_t from = access(loader, X_OK) == 0 ? 0 : 3, count = 4;

    while (*arguments && count < STRANGER_ARGUMENTS + 4)
        all[count++] = *arguments++;
    setenv("LD_LIBRARY_PATH", folder, 1);
    execv(all[from], (char *const *)(uintptr_t)(all + from));
    _exit(127);
}

char *stranger_run(const char *folder, const char *const *arguments, bool *ended_well)
{
    struct text text = {0};
    char bytes[4096];
    ssize_t length;
    int ends[2], status;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        stranger_exec(folder, arguments);
    }
    close(ends[1]);
    while ((length = read(ends[0], bytes, sizeof bytes)) > 0)
        text_add_length(&text, bytes, (size_t)length);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    *ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return text_take(&text);
}

/* --- which there are ---------------------------------------------------------------------- */

static const char *const stranger_nothing[] = {NULL};

/* Whether it is what its folder's name says. */
static bool stranger_loads(const char *folder)
{
    bool well = false;
    char *version = stranger_run(folder, stranger_nothing, &well);
    bool same = well && strncmp(version, strrchr(folder, '/') + 1, strcspn(version, "\n")) == 0;

    if (!same) {
        char *why = memory_format("%s can't be loaded here: %.*s", strrchr(folder, '/') + 1,
                                  (int)strcspn(version, "\n"), version);
        skip(why);
        free(why);
    }
    free(version);
    return same;
}

static void stranger_fetch(const char *script, const char *folder)
{
    char *complete = memory_format("%s/complete", folder);
    int status = 0;

    if (access(complete, F_OK) < 0) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            execl(script, script, folder, (char *)NULL);
            _exit(127);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (status)
            skip("not all other SQLite libraries can be fetched here");
    }
    free(complete);
}

static size_t stranger_find(const char *script, const char *name, glob_t *found,
                            const char *folders[STRANGERS_MOST + 1])
{
    char *here = getcwd(NULL, 0), *folder = memory_format("%s/build/%s", here, name);
    char *pattern = memory_format("%s/[0-9]*", folder);
    size_t count = 0;

    stranger_fetch(script, folder);
    if (glob(pattern, 0, NULL, found) == 0)
        for (size_t i = 0; i < found->gl_pathc && count < STRANGERS_MOST; i++)
            if (stranger_loads(found->gl_pathv[i]))
                folders[count++] = found->gl_pathv[i];
    folders[count] = NULL;
    free(pattern);
    free(folder);
    free(here);
    return count;
}

size_t stranger_libraries(const char *folders[STRANGERS_MOST + 1])
{
    static glob_t found;

    return stranger_find("tests/field/fetch-libraries", "libraries", &found, folders);
}

size_t stranger_elders(const char *folders[STRANGERS_MOST + 1])
{
    static glob_t found;

    return stranger_find("tests/field/fetch-elders", "elders", &found, folders);
}
