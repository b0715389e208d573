/* The socket of systemd's "Native Journal Protocol", in a /run that only this process sees. */
#include "lib_journald.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct sockaddr_un journald_address = {AF_UNIX, "/run/systemd/journal/socket"};
static int journald_socket = -1, journald_errors = -1;

bool journald_begin(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("journald", "/run", "tmpfs", MS_NOSUID, "mode=755") < 0 ||
        mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0)
        return false;
    journald_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return bind(journald_socket, (const struct sockaddr *)&journald_address,
                sizeof journald_address) == 0;
}

void journald_catch_stderr(bool native)
{
    struct stat about;
    char stream[64];
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    journald_errors = ends[0];
    ck_assert_int_eq(fstat(STDERR_FILENO, &about), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)about.st_dev,
             (uintmax_t)about.st_ino + !native);
    setenv("JOURNAL_STREAM", stream, 1);
}

const char *journald_stderr(void)
{
    static char said[8192];
    ssize_t length = read(journald_errors, said, sizeof said - 1);

    said[length > 0 ? length : 0] = '\0';
    return said;
}

const char *journald_entry(void)
{
    static char entry[8192];
    ssize_t length = recv(journald_socket, entry, sizeof entry - 1, 0);

    entry[length > 0 ? length : 0] = '\0';
    return entry;
}

void journald_fill(void)
{
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int sent = 0;

    while (sendto(sender, "X=1\n", 4, 0, (const struct sockaddr *)&journald_address,
                  sizeof journald_address) > 0)
        sent++;
    ck_assert_int_gt(sent, 0);
    close(sender);
}

void journald_end(void)
{
    close(journald_socket);
}
