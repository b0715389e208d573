/* What a process costs, by /proc. */
#ifndef PROCFS_H
#define PROCFS_H

#include <sys/types.h>

/* Seconds of processor time of the process and of all its children that have ended. */
double procfs_cpu_s(pid_t pid);
double procfs_rss_mib(pid_t pid);

#endif
