/* Reads /proc/PID/stat and status (proc(5)). */
#include "procfs.h"

#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

double procfs_cpu_s(pid_t pid)
{
    char path[64], line[1024] = "";
    unsigned long user, system;
    long child_user, child_system;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file))
        log_fatal("process %d has ended", (int)pid);
    fclose(file);
    const char *rest = strrchr(line, ')'); /* behind the name, which may have spaces */
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
                        &user, &system, &child_user, &child_system) != 4)
        log_fatal("%s is not as expected", path);
    return ((double)user + (double)system + (double)child_user + (double)child_system) /
           (double)sysconf(_SC_CLK_TCK);
}

double procfs_rss_mib(pid_t pid)
{
    char path[64], line[256];
    double kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        log_fatal("process %d has ended", (int)pid);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %lf kB", &kib) == 1)
            break;
    fclose(file);
    return kib / 1024;
}
