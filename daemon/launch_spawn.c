/* Starts workers: always our own program, with next to nothing of our environment. */
#include "launch_spawn.h"

#include "launch.h"
#include "memory.h"

#include <stdlib.h>

static const char *launch_path = "/proc/self/exe";

/* Of our environment: zone and sanitizers. Nothing else of root's, and TMPDIR least of all. */
static const char *const launch_environment[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                                 "LSAN_OPTIONS"};
enum { LAUNCH_VARIABLES = sizeof launch_environment / sizeof *launch_environment };

void launch_program(const char *path)
{
    launch_path = path;
}

/* Fills in the child's environment; the texts are the caller's to free. */
static void launch_variables(char *variables[LAUNCH_VARIABLES + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < LAUNCH_VARIABLES; i++) {
        const char *value = getenv(launch_environment[i]);
        if (value)
            variables[count++] = memory_format("%s=%s", launch_environment[i], value);
    }
    variables[count] = NULL;
}

int launch_spawn(uv_loop_t *loop, uv_process_t *process, uv_pipe_t pipes[LAUNCH_STREAMS],
                 uv_exit_cb exited)
{
    char *arguments[] = {(char[]){"litekeeper"}, (char[]){"worker"}, NULL};
    char *variables[LAUNCH_VARIABLES + 1];
    uv_stdio_container_t stdio[LAUNCH_STREAMS];
    uv_process_options_t options = {
        .exit_cb = exited,
        .file = launch_path,
        .args = arguments,
        .env = variables,
        .cwd = "/",
        /* a session of its own: Ctrl-C is ours to pass on, and a worker that was taken over
         * types nothing into root's terminal */
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = LAUNCH_STREAMS,
        .stdio = stdio,
    };

    for (int i = 0; i < LAUNCH_STREAMS; i++) {
        stdio[i].flags = UV_CREATE_PIPE | (i == LAUNCH_INPUT ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
        stdio[i].data.stream = (uv_stream_t *)&pipes[i];
    }
    launch_variables(variables);
    int problem = uv_spawn(loop, process, &options);
    for (char **variable = variables; *variable; variable++)
        free(*variable);
    return problem;
}
