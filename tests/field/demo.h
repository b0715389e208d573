/* The demo's parts: what they share, and what each of its files does. */
#ifndef DEMO_H
#define DEMO_H

#include "stage.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { DEMO_WIDTH = 100 };

struct demo {
    const char *build, *folder;
    int64_t logs, worklogs, seconds;
    char *database, *policy, *log, *said; /* files; `said` is the daemon's standard error */
    char *litekeeper, *application, *seeder;
    int64_t due_us; /* when tasks begin to be due */
    int64_t cutoff_us;
};

extern const char demo_policy_source[];
/* demo_policy.c: writes config/demo.yaml with the demo's places and times, the window open or
 * closed at present. */
void demo_policy_write(const struct demo *demo, bool open);

/* demo_daemon.c: the daemon, and what it says. */
struct demo_daemon {
    struct stage_process process;
    int said;        /* what it says, where we are in it */
    char line[4096]; /* the part of a line that has come */
    size_t length;
    double began_ms;  /* the scene */
    int64_t began_us; /* likewise, on the wall */
};

/* What has to come about before the demo goes on. */
struct demo_scene {
    const char *const *tasks;  /* have run: "retention logs" */
    const char *const *alerts; /* are not raised any more */
    bool window;               /* a task that waits for its window has not run */
};

void demo_daemon_start(const struct demo *demo, struct demo_daemon *daemon);
/* Begins a scene, before whatever makes it happen. */
void demo_daemon_begin(struct demo_daemon *daemon);
/* Prints what the daemon says until all has come about; ends the demo if that takes too long. */
void demo_daemon_follow(const struct demo *demo, struct demo_daemon *daemon,
                        const struct demo_scene *scene);
/* Prints a command, of one word or two (`verb` or NULL), and what it answers. */
void demo_daemon_show(const struct demo *demo, const char *command, const char *verb);
void demo_daemon_stop(const struct demo *demo, struct demo_daemon *daemon);

/* demo_table.c: what is compared. */
struct demo_state {
    int64_t rows, past, size;
    json_t *inspection;
};

void demo_look(const struct demo *demo, struct demo_state *state);
void demo_print_states(const struct demo_state *before, const struct demo_state *after);
/* The application's reports: alone, beside the steps, beside what needs the window. */
void demo_print_latencies(json_t *const reports[3]);

#endif
