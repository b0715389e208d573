/*
 * `litekeeper alerts`: what is raised now, as the daemon knows it. That there is something to see
 * is its exit status, as it is of any check.
 */
#include "alert_print.h"
#include "answer.h"
#include "client.h"

#include <stdio.h>

static void alerts_print(const json_t *lines)
{
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line)
        if (answer_is(line, "alert"))
            alert_print(line, 0, true);
    if (!answer_count(lines, "alert"))
        puts("no alert is raised");
}

static int alerts_verdict(const json_t *lines)
{
    return answer_count(lines, "alert") ? COMMAND_FAILED : COMMAND_OK;
}

int cmd_alerts(int argc, char **argv)
{
    struct command_line line = {0};
    struct request request;
    int status = command_parse(argc, argv, &line);

    if (status >= 0)
        return status;
    client_request(&line, REQUEST_ALERTS, &request);
    return client_command(&line, &request, alerts_print, alerts_verdict);
}
