/* `litekeeper check`: its command line; policy_check.c does the work. */
#include "command.h"
#include "log.h"
#include "memory.h"
#include "paths.h"
#include "policy_check.h"

#include <stdio.h>
#include <stdlib.h>

int cmd_check(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    if (line.dump && line.json) {
        log_error("check takes --dump or --json, not both");
        return COMMAND_USAGE;
    }
    char *path = line.config ? memory_copy(line.config) : paths_config();
    enum policy_form form = line.dump ? POLICY_DUMP : line.json ? POLICY_JSON : POLICY_TEXT;
    status = policy_check(path, form, stdout, stderr);
    free(path);
    return status;
}
