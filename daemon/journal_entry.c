/*
 * Fields, and the way to journald. sd_journal_sendv(3) waits for a journald that does not read, so
 * whether it reads is asked before.
 */
#include "journal_entry.h"

#include "libsystemd.h"
#include "log.h"
#include "memory.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

enum { JOURNAL_PATIENCE_MS = 100 };

/* Whether entries go to journald: found out once. Its stream is ours alone then, and must not make
 * us wait either. */
static bool journal_entry_native(void)
{
    static bool known, native;

    if (known)
        return native;
    known = true;
    native = log_to_journal();
    if (native)
        (void)fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
    return native;
}

/* Whether journald is there and has room for one entry more: a datagram socket is writable while
 * its peer's queue is not full. One that is only behind gets a moment; one that took nothing in
 * that moment is not waited for until it takes again. */
static bool journal_entry_room(void)
{
    static bool hangs;
    const struct sockaddr_un journald = {AF_UNIX, "/run/systemd/journal/socket"};
    struct pollfd room = {
        .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        .events = POLLOUT,
    };

    if (room.fd < 0)
        return false;
    bool there = connect(room.fd, (const struct sockaddr *)&journald, sizeof journald) == 0;
    bool found =
        there && poll(&room, 1, hangs ? 0 : JOURNAL_PATIENCE_MS) == 1 && room.revents == POLLOUT;
    hangs = there && !found;
    close(room.fd);
    return found;
}

/* Takes over the field. */
static void journal_entry_add(struct journal_entry *entry, char *field)
{
    if (entry->count < JOURNAL_FIELDS)
        entry->fields[entry->count++] = (struct iovec){field, strlen(field)};
    else
        free(field);
}

void journal_entry_text(struct journal_entry *entry, const char *name, const char *value)
{
    if (value)
        journal_entry_add(entry, memory_format("LITEKEEPER_%s=%s", name, value));
}

void journal_entry_json(struct journal_entry *entry, const char *name, const json_t *value)
{
    if (json_is_string(value))
        journal_entry_text(entry, name, json_string_value(value));
    else if (json_is_integer(value))
        journal_entry_add(entry, memory_format("LITEKEEPER_%s=%" JSON_INTEGER_FORMAT, name,
                                               json_integer_value(value)));
    else if (json_is_real(value))
        journal_entry_add(entry, memory_format("LITEKEEPER_%s=%.3f", name, json_real_value(value)));
}

void journal_entry_figure(struct journal_entry *entry, const char *name, double value)
{
    if (value != -1)
        journal_entry_add(entry, memory_format("LITEKEEPER_%s=%.15g", name, value));
}

/* The functions of lib/log, by the priority up to which each serves. */
static const struct {
    int priority;
    void (*print)(const char *format, ...) LOG_FORMAT;
} journal_entry_lines[] = {
    {LOG_ERR, log_error},
    {LOG_WARNING, log_warning},
    {LOG_NOTICE, log_notice},
    {LOG_DEBUG, log_info},
};

static void journal_entry_print(int priority, const char *message)
{
    size_t i = 0;

    while (journal_entry_lines[i].priority < priority)
        i++;
    journal_entry_lines[i].print("%s", message);
}

void journal_entry_send(struct journal_entry *entry, const struct journal_row *row, int priority,
                        const char *message)
{
    if (row->priority != JOURNAL_BY_SEVERITY)
        priority = row->priority;
    journal_entry_text(entry, "EVENT", row->name);
    journal_entry_add(entry, memory_format("MESSAGE=%s", message));
    journal_entry_add(entry, memory_format("MESSAGE_ID=%s", row->id));
    journal_entry_add(entry, memory_format("PRIORITY=%d", priority));
    journal_entry_add(entry, memory_copy("SYSLOG_IDENTIFIER=litekeeper"));
    if (!journal_entry_native() || !journal_entry_room() ||
        libsystemd()->journal_sendv(entry->fields, entry->count) < 0)
        journal_entry_print(priority, message);
    while (entry->count > 0)
        free(entry->fields[--entry->count].iov_base);
}
