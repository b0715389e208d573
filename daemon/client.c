/*
 * Asks the daemon: finds its socket, connects, sends the line, gathers the answer. It gathers all
 * before it prints, so that a pager that is not read on does not keep the daemon waiting. Runs in
 * the foreground; knows nothing of what the lines mean.
 */
#include "client.h"

#include "config.h"
#include "event.h"
#include "lines.h"
#include "log.h"
#include "memory.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CLIENT_CONNECT_S = 5,      /* the daemon's door may be crowded */
    CLIENT_SILENCE_MS = 60000, /* a reload of 10,000 databases takes a while */
    CLIENT_BYTES = 64 << 20    /* of an answer */
};

void client_request(const struct command_line *line, enum request_kind kind,
                    struct request *request)
{
    request_init(request, kind);
    request->database = (char *)(uintptr_t)line->names[0];
    request->task = (char *)(uintptr_t)line->names[1];
    request->target = (char *)(uintptr_t)line->names[2];
}

/* The socket that the policy names, the caller's to free; NULL where it names none. The daemon may
 * run with a policy that is not valid any more, or that is gone. */
static char *client_policy_socket(const struct command_line *line)
{
    char *path = line->config ? memory_copy(line->config) : paths_config();
    char *found = config_socket(path);
    struct config_errors errors = {0};
    struct config *config = NULL;

    if (!found && config_load(path, &config, &errors) && line->config)
        log_warning(
            "can't load the policy (%s), so the standard socket is asked; name another with "
            "--socket PATH",
            errors.lines[0]);
    config_free(config);
    config_errors_free(&errors);
    free(path);
    return found;
}

/* A connected socket, or -1 with errno. */
static int client_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = CLIENT_CONNECT_S};
    size_t length = strlen(path);

    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* of connect(2), too */
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

static enum status client_unreachable(const char *path, int problem, struct error *error)
{
    if (problem == EACCES || problem == EPERM)
        return error_set(error, STATUS_FAILED,
                         "may not ask the daemon at %s: ask as root, or as a member of the "
                         "socket's group",
                         path);
    return error_set(error, STATUS_FAILED,
                     "can't reach the daemon at %s: %s; is the daemon running? systemctl status "
                     "litekeeper",
                     path, problem == EAGAIN ? "it is too busy" : strerror(problem));
}

/* Where nothing is said, a user without a daemon asks the host's. */
static enum status client_open(const struct command_line *line, int *fd, struct error *error)
{
    char *said = line->socket ? memory_copy(line->socket) : client_policy_socket(line);
    char *path = said ? said : paths_socket();
    int made = client_connect(path), problem = errno;

    if (made < 0 && !said && (problem == ENOENT || problem == ECONNREFUSED)) {
        free(path);
        path = paths_socket_system();
        made = client_connect(path);
        problem = errno;
    }
    enum status status = made < 0 ? client_unreachable(path, problem, error) : STATUS_OK;
    if (!status)
        *fd = made;
    free(path);
    return status;
}

/* A daemon that turns us away does so before it has read: what it says is read all the same. */
static void client_send(int fd, const char *line)
{
    size_t left = strlen(line);
    ssize_t sent;

    while (left > 0) {
        sent = send(fd, line, left, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return;
        line += sent > 0 ? sent : 0;
        left -= sent > 0 ? (size_t)sent : 0;
    }
}

static enum status client_lines(struct lines *lines, struct answer *answer, bool *done,
                                struct error *error)
{
    enum status status = STATUS_OK;
    enum lines_found found = LINES_NONE;
    size_t length;
    char *text;

    while (!status && !*done && (found = lines_next(lines, &text, &length)) == LINES_ONE)
        status = answer_line(text, length, answer, done, error);
    if (!status && found == LINES_TOO_LONG)
        return error_set(error, STATUS_FAILED, "the daemon answers a line of more than %d bytes",
                         REQUEST_REPLY_LINE);
    return status;
}

/* Reads what there is next. */
static enum status client_read(int fd, char *piece, size_t size, size_t *got, struct error *error)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count;
    ssize_t length;

    do
        count = poll(&ready, 1, CLIENT_SILENCE_MS);
    while (count < 0 && errno == EINTR);
    if (count == 0)
        return error_set(error, STATUS_FAILED, "the daemon has said nothing for %d s",
                         CLIENT_SILENCE_MS / 1000);
    length = recv(fd, piece, size, 0);
    if (length <= 0)
        return error_set(error, STATUS_FAILED,
                         "the daemon broke off before the end of its answer; its log says why: "
                         "journalctl -u litekeeper");
    *got = (size_t)length;
    return STATUS_OK;
}

static enum status client_gather(int fd, struct answer *answer, struct error *error)
{
    char piece[64 * 1024];
    struct lines lines;
    size_t total = 0, got = 0;
    bool done = false;
    enum status status = STATUS_OK;

    lines_init(&lines, REQUEST_REPLY_LINE);
    while (!status && !done) {
        status = client_read(fd, piece, sizeof piece, &got, error);
        if (!status && (total += got) > CLIENT_BYTES)
            status = error_set(error, STATUS_FAILED, "the daemon's answer is endless");
        if (!status) {
            lines_add(&lines, piece, got);
            status = client_lines(&lines, answer, &done, error);
        }
    }
    lines_free(&lines);
    return status;
}

enum status client_ask(const struct command_line *line, const struct request *request,
                       struct answer *answer, struct error *error)
{
    struct answer made = {.lines = json_array()};
    char *text = request_line(request);
    int fd = -1;
    enum status status = STATUS_OK;

    if (!text || strlen(text) > REQUEST_LINE)
        status = error_set(error, STATUS_INVALID, "there can't be such a name: it is %s",
                           text ? "too long" : "not UTF-8");
    if (!status)
        status = client_open(line, &fd, error);
    if (!status) {
        strcat(text = memory_resize(text, strlen(text) + 2, 1), "\n");
        client_send(fd, text);
        status = client_gather(fd, &made, error);
        close(fd);
    }
    free(text);
    if (status)
        answer_free(&made);
    else
        *answer = made;
    return status;
}

static void client_print_json(const json_t *lines)
{
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line) {
        char *text = event_line(line);
        puts(text ? text : "{}");
        free(text);
    }
}

int client_command(const struct command_line *line, const struct request *request,
                   void (*print)(const json_t *lines), int (*verdict)(const json_t *lines))
{
    struct answer answer = {0};
    struct error error = {0};
    enum status status = client_ask(line, request, &answer, &error);

    if (status) {
        log_error("%s", error.text);
        return status == STATUS_INVALID ? COMMAND_USAGE : COMMAND_UNREACHABLE;
    }
    if (line->json)
        client_print_json(answer.lines);
    else if (!answer.exit_status || json_array_size(answer.lines))
        print(answer.lines);
    fflush(stdout);
    if (answer.message)
        log_error("%s", answer.message);
    int exit_status = answer.exit_status;
    if (!exit_status && verdict)
        exit_status = verdict(answer.lines);
    answer_free(&answer);
    return exit_status;
}
