/* Looks at /proc; see proc(5). */
#include "lib_family.h"

#include "clock.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void family_adopt(void)
{
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

/* Reads a file of /proc into `text`; false where there is none, since the process has gone. */
static bool family_read(const char *process, const char *name, char *text, size_t size)
{
    char path[300];

    snprintf(path, sizeof path, "/proc/%s/%s", process, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length > 0;
}

struct family_process {
    char state;
    pid_t parent;
    unsigned long long begun; /* in ticks since the machine's start */
};

/* "PID (name) STATE PARENT ...", where the name may have any character; what has begun is the 22nd.
 * False if it has ended, though its parent may not have waited for it yet. */
static bool family_look(const char *process, struct family_process *seen)
{
    static const char form[] = ") %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                               " %*s %*s %llu";
    char text[512];

    if (!family_read(process, "stat", text, sizeof text))
        return false;
    const char *behind = strrchr(text, ')');
    return behind && sscanf(behind, form, &seen->state, &seen->parent, &seen->begun) == 3 &&
           !strchr("ZXx", seen->state);
}

static bool family_see(pid_t process, struct family_process *seen)
{
    char name[16];

    snprintf(name, sizeof name, "%d", (int)process);
    return family_look(name, seen);
}

bool family_has(pid_t parent, pid_t child)
{
    struct family_process seen;

    return family_see(child, &seen) && seen.parent == parent;
}

bool family_lives(pid_t process)
{
    struct family_process seen;

    return family_see(process, &seen);
}

bool family_dies(pid_t process, double limit_ms)
{
    double until = clock_monotonic_ms() + limit_ms;

    while (family_lives(process)) {
        if (clock_monotonic_ms() >= until)
            return false;
        clock_sleep_ms(5);
    }
    return true;
}

size_t family_children(pid_t parent, pid_t *children)
{
    DIR *all = opendir("/proc");
    struct family_process seen;
    struct dirent *entry;
    size_t count = 0;

    ck_assert_ptr_nonnull(all);
    while (count < FAMILY_MOST && (entry = readdir(all)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            family_look(entry->d_name, &seen) && seen.parent == parent)
            children[count++] = (pid_t)atoi(entry->d_name);
    closedir(all);
    return count;
}

pid_t family_youngest(pid_t parent)
{
    pid_t children[FAMILY_MOST], youngest = 0;
    size_t count = family_children(parent, children);
    struct family_process seen, last = {0};

    for (size_t i = 0; i < count; i++) {
        if (!family_see(children[i], &seen) || seen.begun < last.begun ||
            (seen.begun == last.begun && children[i] < youngest))
            continue;
        youngest = children[i];
        last = seen;
    }
    return youngest;
}

int64_t family_writes(pid_t process)
{
    char name[16], text[512];
    int64_t writes;

    snprintf(name, sizeof name, "%d", (int)process);
    if (!family_read(name, "io", text, sizeof text))
        return -1;
    const char *line = strstr(text, "syscw: ");
    return line && sscanf(line, "syscw: %" SCNd64, &writes) == 1 ? writes : -1;
}

bool family_ended(pid_t child)
{
    siginfo_t about = {0};

    return waitid(P_PID, (id_t)child, &about, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           about.si_pid == child;
}

static bool family_excepts(pid_t child, const pid_t *except, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (child == except[i])
            return true;
    return false;
}

bool family_gone_but(const pid_t *except, size_t count)
{
    double until = clock_monotonic_ms() + FAMILY_ORPHAN_MS;
    pid_t children[FAMILY_MOST];

    for (;;) {
        size_t all = family_children(getpid(), children), others = 0;
        for (size_t i = 0; i < all; i++)
            others += !family_excepts(children[i], except, count);
        if (!others)
            return true;
        if (clock_monotonic_ms() >= until)
            return false;
        clock_sleep_ms(5);
    }
}

bool family_gone(pid_t except)
{
    return family_gone_but(&except, 1);
}
