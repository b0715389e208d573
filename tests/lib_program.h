/* Runs the real litekeeper as a child and catches what it prints; no shell in between. */
#ifndef LIB_PROGRAM_H
#define LIB_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct program {
    pid_t pid;
    int out, err; /* the ends that we read */
};

struct program_result {
    int status;      /* exit status, or 128 and the signal that killed it */
    char *out, *err; /* everything printed */
};

/* Starts build/VARIANT/litekeeper, beside which the test itself lies, with `words` split at single
 * spaces as its arguments. With `terminal` standard output and error are a terminal of 80 columns,
 * and both are read as `out`. */
void program_start(struct program *program, const char *words, bool terminal);
/* The same for another program of build/VARIANT ("field/application"). */
void program_start_named(struct program *program, const char *name, const char *words,
                         bool terminal);
/* Starts that program, or one by its whole path, with both outputs at `fd`; it dies with us. Its
 * process, which is the caller's to wait for. */
pid_t program_spawn(const char *name, const char *words, int fd);
/* Waits for more on standard output until `text` was printed; false if it ended before. What was
 * read is thrown away. */
bool program_expect(struct program *program, const char *text);
void program_finish(struct program *program, struct program_result *result);

/* From now on it is litekeeper that is started, by a descriptor opened here: for a user who can't
 * reach the build's folder. */
void program_hold(void);

/* From now on each litekeeper is started by that command, found in the PATH ("strace -f"), which
 * gets its path and arguments as further ones; NULL: by itself. `command` must stay. */
void program_through(const char *command);

void program_run(const char *words, struct program_result *result);
void program_result_free(struct program_result *result);

#endif
