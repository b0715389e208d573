/*
 * One client: a line is read, handed to the host, and answered in pieces that are only as large as
 * the client reads them. All its bytes are limited and counted, and so is its time in each phase.
 * Runs in the daemon, on its loop; decides nothing but who may command.
 */
#include "control_client.h"

#include "lines.h"
#include "memory.h"
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENT_PIECE = 64 * 1024 }; /* written at once: so much must be read in CONTROL_READ_MS */

struct control_client {
    uv_pipe_t pipe;
    uv_timer_t timer; /* for the request, then for each piece of the answer */
    uv_write_t write;
    int open; /* handles not yet closed */
    enum control_phase phase;
    struct control_desk *desk;
    struct control_reply *reply; /* while the host has it */
    uid_t user;
    struct lines request;
    struct text next;                      /* lines that wait ... */
    char *sending;                         /* ... and those on their way, from `sent` on */
    size_t sending_length, sent, in_write; /* `in_write` 0: nothing is being written */
    bool cut;                              /* the answer became too long */
};

struct control_reply {
    struct control_client *client; /* NULL once it has gone */
    uid_t user;
};

static void client_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;

    if (--client->open)
        return;
    client->desk->gone(client->desk->argument, client);
    lines_free(&client->request);
    text_free(&client->next);
    free(client->sending);
    free(client);
}

void control_client_close(struct control_client *client)
{
    if (client->phase == CONTROL_CLOSED)
        return;
    client->phase = CONTROL_CLOSED;
    client->desk->queued -= control_client_queued(client);
    if (client->reply)
        client->reply->client = NULL;
    client->reply = NULL;
    uv_close((uv_handle_t *)&client->pipe, client_closed);
    uv_close((uv_handle_t *)&client->timer, client_closed);
}

enum control_phase control_client_phase(const struct control_client *client)
{
    return client->phase;
}

size_t control_client_queued(const struct control_client *client)
{
    return client->next.length + client->sending_length - client->sent;
}

static void client_late(uv_timer_t *timer)
{
    control_client_close(timer->data);
}

static void client_write(struct control_client *client);

static void client_written(uv_write_t *request, int status)
{
    struct control_client *client = request->data;

    if (client->phase == CONTROL_CLOSED)
        return;
    uv_timer_stop(&client->timer);
    client->sent += client->in_write;
    client->desk->queued -= client->in_write;
    client->in_write = 0;
    if (status < 0)
        control_client_close(client);
    else
        client_write(client);
}

/* Writes the next piece, if none is on its way. */
static void client_write(struct control_client *client)
{
    if (client->in_write)
        return;
    if (client->sent == client->sending_length) {
        free(client->sending);
        client->sent = 0;
        client->sending_length = client->next.length;
        client->sending = text_take(&client->next);
    }
    size_t left = client->sending_length - client->sent;
    if (left == 0 && client->phase == CONTROL_READING)
        control_client_close(client);
    if (left == 0)
        return;
    client->in_write = left < CLIENT_PIECE ? left : CLIENT_PIECE;
    uv_buf_t piece = uv_buf_init(client->sending + client->sent, (unsigned)client->in_write);
    uv_timer_start(&client->timer, client_late, CONTROL_READ_MS, 0);
    if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &piece, 1, client_written) < 0)
        control_client_close(client);
}

static void client_add(struct control_client *client, const char *line, size_t length)
{
    text_add_length(&client->next, line, length);
    client->desk->queued += length;
}

char *control_client_end(int exit_status, const char *message)
{
    char *said = memory_copy(message);

    if (said)
        text_sanitize(said); /* JSON is UTF-8, paths may not be */
    json_t *end =
        json_pack("{s:s, s:i, s:s?}", "event", "end", "exit", exit_status, "message", said);
    char *line = json_dumps(end, JSON_COMPACT), *whole = memory_format("%s\n", line);
    free(line);
    free(said);
    json_decref(end);
    return whole;
}

/* Nothing more will come. */
static void client_end(struct control_client *client, int exit_status, const char *message)
{
    char *line = control_client_end(exit_status, message);

    client->reply = NULL;
    client->phase = CONTROL_READING;
    client_add(client, line, strlen(line));
    free(line);
    client_write(client);
}

/* Whether there is room for so much more. */
static bool client_room(struct control_client *client, size_t length)
{
    if (length > REQUEST_REPLY_LINE || control_client_queued(client) + length > CONTROL_REPLY)
        return false;
    if (client->desk->queued + length > CONTROL_REPLIES)
        client->desk->full(client->desk->argument, client);
    return client->desk->queued + length <= CONTROL_REPLIES;
}

void control_say(struct control_reply *reply, json_t *line)
{
    struct control_client *client = reply->client;
    char *text =
        client && !client->cut ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    size_t length = text ? strlen(text) : 0;

    json_decref(line);
    if (!text)
        return;
    client->cut = !client_room(client, length + 1);
    if (!client->cut) {
        text[length] = '\n';
        client_add(client, text, length + 1);
    }
    free(text);
    if (client->next.length >= CLIENT_PIECE)
        client_write(client);
}

void control_end(struct control_reply *reply, int exit_status, const char *message)
{
    struct control_client *client = reply->client;

    free(reply);
    if (client && client->cut)
        client_end(client, exit_status ? exit_status : 1,
                   message ? message : "the answer is too long and was cut; ask for less");
    else if (client)
        client_end(client, exit_status, message);
}

uid_t control_asker(const struct control_reply *reply)
{
    return reply->user;
}

static void client_refuse(struct control_client *client, const char *why)
{
    char *message = memory_format("the daemon doesn't take this request: %s", why);

    client_end(client, 1, message);
    free(message);
}

static void client_forbid(struct control_client *client, const struct request *request)
{
    char *message =
        memory_format("only root and the daemon's own user may %s; you may ask for status, history "
                      "and alerts",
                      request_name(request->kind));

    client_end(client, 1, message);
    free(message);
}

static void client_request(struct control_client *client, const char *line, size_t length)
{
    struct request request;
    struct error error = {0};

    if (request_parse(line, length, &request, &error)) {
        client_refuse(client, error.text);
        return;
    }
    if (request_commands(request.kind) && client->user != 0 && client->user != geteuid()) {
        client_forbid(client, &request);
    } else {
        client->phase = CONTROL_WAITING;
        client->reply = memory_new(struct control_reply);
        *client->reply = (struct control_reply){client, client->user};
        client->desk->host.take(client->desk->host.argument, &request, client->reply);
    }
    request_free(&request);
}

static void client_bytes(struct control_client *client, const char *bytes, size_t length)
{
    enum lines_found found;
    size_t size;
    char *line;

    lines_add(&client->request, bytes, length);
    found = lines_next(&client->request, &line, &size);
    if (found == LINES_NONE)
        return;
    uv_read_stop((uv_stream_t *)&client->pipe);
    uv_timer_stop(&client->timer);
    if (found == LINES_TOO_LONG)
        client_refuse(client, "it is too long");
    else if (lines_left(&client->request))
        client_refuse(client, "one is enough for a connection");
    else
        client_request(client, line, size);
}

static void client_piece(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct control_client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(client->desk->piece, sizeof client->desk->piece);
}

/* The end is the end of a line, too: `printf '{...}' | nc -U` sends no newline. */
static void client_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct control_client *client = stream->data;

    if (length == UV_EOF && lines_left(&client->request))
        client_bytes(client, "\n", 1);
    else if (length < 0)
        control_client_close(client);
    else
        client_bytes(client, buffer->base, (size_t)length);
}

/* Who is at the other end; nobody who may command, where the kernel doesn't say. */
static uid_t client_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : (uid_t)-1;
}

struct control_client *control_client_new(uv_loop_t *loop, int fd, struct control_desk *desk)
{
    struct control_client *client = memory_new(struct control_client);

    client->desk = desk;
    client->user = client_user(fd);
    client->open = 2;
    lines_init(&client->request, REQUEST_LINE);
    uv_pipe_init(loop, &client->pipe, 0);
    uv_timer_init(loop, &client->timer);
    client->pipe.data = client->timer.data = client->write.data = client;
    if (uv_pipe_open(&client->pipe, fd) < 0)
        close(fd);
    uv_update_time(loop);
    uv_timer_start(&client->timer, client_late, CONTROL_ASK_MS, 0);
    if (uv_read_start((uv_stream_t *)&client->pipe, client_piece, client_read) < 0)
        control_client_close(client);
    return client;
}
