#include "lib_control.h"

#include "memory.h"
#include "text.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct control *daemon_control;

static void daemon_signal(uv_signal_t *signal, int number)
{
    (void)number;
    control_close(daemon_control);
    uv_stop(signal->loop);
}

static _Noreturn void daemon_child(int ready, const char *path, const struct control_host *given)
{
    struct error error = {0};
    uv_loop_t loop;
    uv_signal_t stop;
    struct control_host host = {given->take, &loop};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uv_loop_init(&loop);
    uv_signal_init(&loop, &stop);
    uv_signal_start(&stop, daemon_signal, SIGTERM);
    uv_unref((uv_handle_t *)&stop);
    if (control_open(&loop, path, &host, &daemon_control, &error)) {
        fprintf(stderr, "control_open: %s\n", error.text);
        _exit(1);
    }
    if (write(ready, "r", 1) != 1)
        _exit(1);
    close(ready);
    uv_run(&loop, UV_RUN_DEFAULT); /* until the signal ... */
    uv_close((uv_handle_t *)&stop, NULL);
    uv_run(&loop, UV_RUN_DEFAULT); /* ... and all is closed */
    exit(uv_loop_close(&loop) == 0 ? 0 : 2);
}

void control_daemon_start(struct control_daemon *daemon, const char *path, uid_t user,
                          void (*take)(void *loop, const struct request *request,
                                       struct control_reply *reply))
{
    struct control_host host = {take, NULL};
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    daemon->pid = fork();
    ck_assert_int_ge(daemon->pid, 0);
    if (daemon->pid == 0) {
        close(ready[0]);
        if (user && (setgid(user) < 0 || setuid(user) < 0))
            _exit(1);
        daemon_child(ready[1], path, &host);
    }
    close(ready[1]);
    ck_assert_msg(read(ready[0], &byte, 1) == 1, "the daemon doesn't listen");
    close(ready[0]);
}

void control_daemon_stop(struct control_daemon *daemon)
{
    int status = -1;

    kill(daemon->pid, SIGTERM);
    ck_assert_int_eq(waitpid(daemon->pid, &status, 0), daemon->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the daemon ended with %x",
                  (unsigned)status);
}

void control_daemon_kill(struct control_daemon *daemon)
{
    kill(daemon->pid, SIGKILL);
    ck_assert_int_eq(waitpid(daemon->pid, NULL, 0), daemon->pid);
}

static long daemon_figure(const struct control_daemon *daemon, const char *file, const char *format)
{
    char *path = memory_format("/proc/%d/%s", (int)daemon->pid, file), line[1024];
    FILE *stream = fopen(path, "r");
    long figure = -1, more = 0;

    ck_assert_ptr_nonnull(stream);
    while (figure < 0 && fgets(line, sizeof line, stream)) {
        figure = -1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (sscanf(line, format, &figure, &more) < 1)
            figure = -1;
#pragma GCC diagnostic pop
    }
    fclose(stream);
    free(path);
    ck_assert_int_ge(figure, 0);
    return figure + more;
}

long control_daemon_memory(const struct control_daemon *daemon)
{
    return daemon_figure(daemon, "status", "VmRSS: %ld kB");
}

/* proc(5): utime and stime are the 14th and 15th. */
long control_daemon_cpu(const struct control_daemon *daemon)
{
    long ticks = daemon_figure(daemon, "stat",
                               "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld");

    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

int control_daemon_descriptors(const struct control_daemon *daemon)
{
    char *path = memory_format("/proc/%d/fd", (int)daemon->pid);
    DIR *folder = opendir(path);
    int count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    free(path);
    return count - 2;
}

int control_dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "%s: %s", path,
                  strerror(errno));
    return fd;
}

void control_send(int fd, const char *bytes)
{
    size_t length = strlen(bytes);

    /* who is turned away at the door is told so before this */
    ck_assert(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length || errno == EPIPE ||
              errno == ECONNRESET);
}

char *control_hear(int fd)
{
    struct text heard = {0};
    char piece[4096];
    ssize_t got;

    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        text_add_length(&heard, piece, (size_t)got);
    close(fd);
    return text_take(&heard);
}

char *control_ask(const char *path, const char *line)
{
    int fd = control_dial(path);

    control_send(fd, line);
    control_send(fd, "\n");
    return control_hear(fd);
}

void control_say_pack(struct control_reply *reply, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    json_t *line = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    ck_assert_ptr_nonnull(line);
    control_say(reply, line);
}
