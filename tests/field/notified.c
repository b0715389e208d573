/* A datagram socket, read by a thread, since silences must be measured while we do other things. */
#include "notified.h"

#include "latency.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    char said[65536]; /* all messages but beats, begun anew when it is full */
    size_t length;
    double beat_ms, silence_ms;
} notified_state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void notified_say(const char *message)
{
    if (notified_state.length + strlen(message) + 2 > sizeof notified_state.said)
        notified_state.length = 0;
    notified_state.length +=
        (size_t)snprintf(notified_state.said + notified_state.length,
                         sizeof notified_state.said - notified_state.length, "%s\n", message);
}

static void notified_take(const char *message)
{
    double now = latency_clock_ms();

    pthread_mutex_lock(&notified_state.lock);
    if (strcmp(message, "WATCHDOG=1") == 0) {
        double silence = now - notified_state.beat_ms;
        if (notified_state.beat_ms > 0 && silence > notified_state.silence_ms)
            notified_state.silence_ms = silence;
        notified_state.beat_ms = now;
    } else {
        notified_say(message);
    }
    pthread_mutex_unlock(&notified_state.lock);
}

static void *notified_read(void *argument)
{
    int fd = ((struct notified *)argument)->fd;
    char message[4096];

    for (;;) {
        ssize_t length = recv(fd, message, sizeof message - 1, 0);
        if (length < 0 && errno != EINTR)
            return NULL;
        message[length > 0 ? length : 0] = '\0';
        notified_take(message);
    }
}

void notified_open(struct notified *notified, const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *path = memory_format("%s/notify", folder);
    pthread_t thread;

    unlink(path);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    notified->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notified->fd < 0 || bind(notified->fd, (struct sockaddr *)&address, sizeof address) ||
        pthread_create(&thread, NULL, notified_read, notified))
        log_fatal("%s: %s", path, strerror(errno));
    setenv("NOTIFY_SOCKET", path, 1);
    free(path);
}

void notified_await(struct notified *notified, const char *text, int patience_ms)
{
    double until = latency_clock_ms() + patience_ms;
    bool said = false;

    (void)notified;
    while (!said && latency_clock_ms() < until) {
        pthread_mutex_lock(&notified_state.lock);
        said = strstr(notified_state.said, text) != NULL;
        pthread_mutex_unlock(&notified_state.lock);
        nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
    }
    if (!said)
        log_fatal("the daemon does not say %s", text);
}

double notified_silence_ms(struct notified *notified)
{
    (void)notified;
    pthread_mutex_lock(&notified_state.lock);
    double silence = notified_state.silence_ms;
    notified_state.silence_ms = 0;
    pthread_mutex_unlock(&notified_state.lock);
    return silence;
}
