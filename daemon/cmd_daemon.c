/* `litekeeper daemon`: its command line; daemon.c is the daemon. */
#include "command.h"
#include "daemon.h"
#include "log.h"
#include "memory.h"
#include "paths.h"

#include <stdlib.h>

int cmd_daemon(int argc, char **argv)
{
    struct command_line line = {0};
    struct daemon *daemon = NULL;
    struct error error = {0};
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    char *path = line.config ? memory_copy(line.config) : paths_config();
    enum status opened = daemon_open(path, &daemon, &error);
    free(path);
    if (opened) {
        log_error("%s", error.text);
        return opened == STATUS_INVALID ? COMMAND_CONFIG : COMMAND_FAILED;
    }
    daemon_run(daemon);
    daemon_close(daemon);
    return COMMAND_OK;
}
