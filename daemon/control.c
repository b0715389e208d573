/*
 * The control socket's door: who is let in, and who has to go when it is full. Runs in the daemon,
 * on its loop. What is said inside is control_client.c's.
 */
#include "control.h"

#include "control_client.h"
#include "control_socket.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONTROL_ACCEPTS = 16, /* in a row; then those inside have their turn */
    CONTROL_REST_MS = 200 /* without a descriptor, not even for a refusal */
};

struct control {
    struct control_desk desk;
    struct control_socket socket;
    uv_loop_t *loop;
    uv_poll_t door;
    uv_timer_t rest;
    int open;    /* handles and clients not yet gone */
    int reserve; /* a descriptor to refuse with when there is no other; -1: gone, too */
    struct control_client *clients[CONTROL_CLIENTS]; /* in the order in which they came */
    size_t client_count;
};

static void control_release(struct control *control)
{
    if (--control->open == 0)
        free(control);
}

static void control_closed(uv_handle_t *handle)
{
    control_release(handle->data);
}

/* Breaks off a client, and its place is free. */
static void control_drop(struct control *control, size_t place)
{
    struct control_client *client = control->clients[place];

    control->client_count--;
    memmove(control->clients + place, control->clients + place + 1,
            (control->client_count - place) * sizeof *control->clients);
    control_client_close(client);
}

static void control_gone(void *argument, struct control_client *client)
{
    struct control *control = argument;

    for (size_t i = 0; i < control->client_count; i++)
        if (control->clients[i] == client) {
            control_drop(control, i);
            break;
        }
    control_release(control);
}

/* Frees the places of those that have ended, without waiting for the loop. */
static void control_sweep(struct control *control)
{
    for (size_t i = control->client_count; i-- > 0;)
        if (control_client_phase(control->clients[i]) == CONTROL_CLOSED)
            control_drop(control, i);
}

static bool control_drop_oldest(struct control *control, enum control_phase phase)
{
    for (size_t i = 0; i < control->client_count; i++)
        if (control_client_phase(control->clients[i]) == phase) {
            control_drop(control, i);
            return true;
        }
    return false;
}

/* Those who ask slowly go first, then those who read slowly; who waits for us may stay. */
static bool control_drop_slow(struct control *control)
{
    return control_drop_oldest(control, CONTROL_ASKING) ||
           control_drop_oldest(control, CONTROL_READING);
}

/* Makes room by breaking off whoever has left the most unread. */
static void control_full(void *argument, const struct control_client *client)
{
    struct control *control = argument;
    size_t most = 0, place = 0;

    control_sweep(control);
    for (size_t i = 0; i < control->client_count; i++)
        if (control->clients[i] != client && control_client_queued(control->clients[i]) > most) {
            most = control_client_queued(control->clients[i]);
            place = i;
        }
    if (most > control_client_queued(client))
        control_drop(control, place);
}

/* Says why to one who can't come in. */
static void control_refuse(int fd, const char *why)
{
    char *line = control_client_end(75, why); /* EX_TEMPFAIL */

    (void)!send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    free(line);
    close(fd);
}

static void control_admit(struct control *control, int fd)
{
    control_sweep(control);
    if (control->client_count == CONTROL_CLIENTS && !control_drop_slow(control)) {
        control_refuse(fd, "the daemon has too many clients; try later");
        return;
    }
    control->open++;
    control->clients[control->client_count++] =
        control_client_new(control->loop, fd, &control->desk);
}

/* Who knocks next, or -1. Linux looks for a descriptor before it looks for somebody: without one it
 * says EMFILE even where nobody knocks, which is EAGAIN here. */
static int control_accept(struct control *control)
{
    struct pollfd door = {.fd = control->socket.fd, .events = POLLIN};
    int fd = accept4(control->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int problem = errno;

    if (fd < 0)
        errno = poll(&door, 1, 0) == 0 ? EAGAIN : problem;
    return fd;
}

static void control_knock(uv_poll_t *door, int status, int events);

static void control_rested(uv_timer_t *timer)
{
    struct control *control = timer->data;

    uv_poll_start(&control->door, UV_READABLE, control_knock);
}

/* No descriptor is left: a slow client's place is taken, or the new one is told so. False: there is
 * nothing to be done for a while. */
static bool control_exhausted(struct control *control)
{
    int fd;

    control_sweep(control);
    if (control_drop_slow(control))
        return true;
    if (control->reserve >= 0)
        close(control->reserve);
    fd = control_accept(control);
    if (fd >= 0)
        control_refuse(fd, "the daemon has no file descriptor left; try later");
    control->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void control_rest(struct control *control)
{
    uv_poll_stop(&control->door);
    uv_timer_start(&control->rest, control_rested, CONTROL_REST_MS, 0);
}

static void control_knock(uv_poll_t *door, int status, int events)
{
    struct control *control = door->data;

    (void)events;
    for (int i = 0; status == 0 && i < CONTROL_ACCEPTS; i++) {
        int fd = control_accept(control);
        if (fd >= 0)
            control_admit(control, fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED && !control_exhausted(control)) {
            control_rest(control);
            return;
        }
    }
}

enum status control_open(uv_loop_t *loop, const char *path, const struct control_host *host,
                         struct control **control, struct error *error)
{
    struct control_socket socket;
    enum status status = control_socket_open(path, &socket, error);

    if (status)
        return status;
    signal(SIGPIPE, SIG_IGN);
    struct control *opened = memory_new(struct control);
    opened->desk = (struct control_desk){
        .host = *host, .full = control_full, .gone = control_gone, .argument = opened};
    opened->socket = socket;
    opened->loop = loop;
    opened->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    opened->open = 2;
    opened->door.data = opened->rest.data = opened;
    uv_timer_init(loop, &opened->rest);
    if (uv_poll_init(loop, &opened->door, socket.fd) < 0)
        abort(); /* a descriptor that is ours and a socket: it can't be refused */
    uv_poll_start(&opened->door, UV_READABLE, control_knock);
    *control = opened;
    return STATUS_OK;
}

void control_close(struct control *control)
{
    if (!control)
        return;
    uv_close((uv_handle_t *)&control->door, control_closed);
    uv_close((uv_handle_t *)&control->rest, control_closed);
    control_socket_close(&control->socket);
    if (control->reserve >= 0)
        close(control->reserve);
    while (control->client_count)
        control_drop(control, control->client_count - 1);
}
