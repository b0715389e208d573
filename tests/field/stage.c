/* Programs beside each other, for demo and bench. */
#include "stage.h"

#include "latency.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void stage_child(const char *const argv[], const char *log, int out)
{
    int errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (errors < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    log_fatal("%s: %s", argv[0], strerror(errno));
}

void stage_start(struct stage_process *process, const char *const argv[], const char *log)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        log_fatal("no pipe: %s", strerror(errno));
    *process = (struct stage_process){.pid = fork(), .out = ends[0]};
    if (process->pid < 0)
        log_fatal("no process: %s", strerror(errno));
    if (process->pid == 0)
        stage_child(argv, log, ends[1]);
    close(ends[1]);
    process->line = memory_zeroed(STAGE_LINE, 1);
}

/* Takes the first whole line out of the buffer; false: there is none. */
static bool stage_take(struct stage_process *p, json_t **event)
{
    char *end = memchr(p->line, '\n', p->length);

    if (!end)
        return false;
    size_t used = (size_t)(end - p->line) + 1;
    *event = json_loadb(p->line, used - 1, 0, NULL);
    memmove(p->line, p->line + used, p->length - used);
    p->length -= used;
    return true;
}

bool stage_next(struct stage_process *p, int timeout_ms, json_t **event)
{
    double end = latency_clock_ms() + timeout_ms;
    struct pollfd wait = {.fd = p->out, .events = POLLIN};

    *event = NULL;
    while (!*event) {
        if (stage_take(p, event))
            continue;
        int left = timeout_ms < 0 ? -1 : (int)(end - latency_clock_ms()) + 1;
        if (timeout_ms >= 0 && left <= 0)
            return true;
        if (poll(&wait, 1, left) <= 0)
            continue;
        ssize_t got = read(p->out, p->line + p->length, STAGE_LINE - p->length);
        if (got <= 0)
            return false;
        p->length += (size_t)got;
    }
    return true;
}

int stage_end(struct stage_process *process)
{
    struct rusage usage = {0};
    int status = 0;

    while (wait4(process->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    process->memory_bytes = usage.ru_maxrss * 1024;
    close(process->out);
    free(process->line);
    process->line = NULL;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool stage_is(const json_t *event, const char *kind)
{
    const char *is = json_string_value(json_object_get(event, "event"));

    return is && !strcmp(is, kind);
}

json_t *stage_run(const char *const argv[], const char *log, const char *kind, int *status)
{
    struct stage_process process;
    json_t *event, *last = NULL;

    stage_start(&process, argv, log);
    while (stage_next(&process, -1, &event)) {
        if (!kind || stage_is(event, kind)) {
            json_decref(last);
            last = event;
        } else {
            json_decref(event);
        }
    }
    *status = stage_end(&process);
    return last;
}

void stage_application(struct stage_process *process, const char *const argv[], const char *log)
{
    json_t *event;

    stage_start(process, argv, log);
    if (!stage_next(process, 120000, &event) || !stage_is(event, "ready"))
        log_fatal("the application did not start; %s says why", log);
    json_decref(event);
}

json_t *stage_application_stop(struct stage_process *process)
{
    json_t *report;

    kill(process->pid, SIGTERM);
    if (!stage_next(process, 120000, &report) || !report)
        log_fatal("the application did not report");
    stage_end(process);
    return report;
}

void stage_remove(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = memory_format("%s%s", path, suffixes[i]);
        unlink(name);
        free(name);
    }
}

char *stage_folder(const char *folder)
{
    char *parent = memory_copy(folder), *slash = strrchr(parent, '/');

    if (slash && slash != parent) {
        *slash = '\0';
        mkdir(parent, 0755);
    }
    free(parent);
    if (mkdir(folder, 0755) && errno != EEXIST)
        log_fatal("%s: %s", folder, strerror(errno));
    char *path = realpath(folder, NULL);
    if (!path)
        log_fatal("%s: %s", folder, strerror(errno));
    return path;
}

void stage_copy(const char *from, const char *to)
{
    struct stat about;
    int in = open(from, O_RDONLY | O_CLOEXEC), out;

    stage_remove(to);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (in < 0 || out < 0 || fstat(in, &about))
        log_fatal("%s to %s: %s", from, to, strerror(errno));
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(out, in, NULL, (size_t)left);
        if (sent <= 0)
            log_fatal("%s to %s: %s", from, to, strerror(errno));
        left -= sent;
    }
    if (fsync(out)) /* else its writing back would be measured with the rest */
        log_fatal("%s: %s", to, strerror(errno));
    close(in);
    close(out);
}

int64_t stage_size(const char *path, const char *suffix)
{
    char *name = memory_format("%s%s", path, suffix);
    struct stat about;
    int64_t size = stat(name, &about) ? 0 : about.st_size;

    free(name);
    return size;
}

double stage_number(const json_t *object, const char *outer, const char *key)
{
    return json_number_value(json_object_get(outer ? json_object_get(object, outer) : object, key));
}

int64_t stage_errors(const json_t *latency)
{
    json_t *count;
    const char *code;
    int64_t sum = 0;

    json_object_foreach (json_object_get(latency, "errors"), code, count)
        sum += json_integer_value(count);
    return sum;
}
