/*
 * Where litekeeper begins, in every process: standard descriptors that can be relied on, then the
 * command. Nothing else is decided here.
 */
#include "command.h"
#include "log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* A database opened as descriptor 2 would get every message written into it. */
static void main_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        _exit(COMMAND_FAILED);
    close(fd);
}

/* Whoever reads may have had enough, as in `litekeeper inspect FILE | head`. */
static bool main_reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* What was printed must have arrived: a full disk is not success. */
static int main_flush(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (!main_reader_left())
        log_error("can't write to standard output");
    return status ? status : COMMAND_FAILED;
}

int main(int argc, char **argv)
{
    main_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a worker or a reader that goes away is an error, not our end */
    log_start("litekeeper", false);
    return main_flush(command_main(argc, argv));
}
