/* The child process of a launch: its program, its environment, its pipes. For launch.c alone. */
#ifndef LAUNCH_SPAWN_H
#define LAUNCH_SPAWN_H

#include <uv.h>

enum launch_stream { LAUNCH_INPUT, LAUNCH_OUTPUT, LAUNCH_ERRORS, LAUNCH_STREAMS };

/* Starts a worker that the pipes lead to; 0 or libuv's error. */
int launch_spawn(uv_loop_t *loop, uv_process_t *process, uv_pipe_t pipes[LAUNCH_STREAMS],
                 uv_exit_cb exited);

#endif
