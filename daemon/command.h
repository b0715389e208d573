/*
 * The commands: one row each with its arguments, options and help, from which --help, the parser
 * and the manual's test are made. A command is a function that returns the exit status.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, those of sysexits.h where it has one. */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1, /* a task failed, or a check found something */
    COMMAND_USAGE = 2,
    COMMAND_UNREACHABLE = 69, /* there is no daemon to ask */
    COMMAND_BUSY = 75,        /* the database stayed busy or is being worked on: try later */
    COMMAND_CONFIG = 78,      /* the policy is not valid */
    COMMAND_INTERRUPTED = 130
};

/* What a command line says, whatever the command; options that a command lacks stay zero. */
struct command_line {
    const char *config; /* NULL: the standard place, see paths.h */
    const char *socket; /* NULL: the policy's, or the standard place */
    const char *at, *since, *until, *where, *limit, *span;
    const char *into;
    bool into_table, lift;
    bool json, dump, force, outside_window, trust_clock, rebuild, unfinished;
    const char *names[3]; /* what is neither option nor value: DB, TASK, TARGET; or FILE */
};

struct command_option {
    char letter;      /* 0: none */
    const char *name; /* NULL ends the table */
    const char *argument;
    size_t offset; /* in command_line: of a `const char *` with an argument, else of a `bool` */
    const char *help;
};

struct command {
    const char *name; /* one word or two, with a blank between; NULL ends the table */
    const char *arguments;
    const char *summary; /* for the list of commands: a phrase */
    const char *help;    /* what else there is to say, lines of at most 80 columns; or NULL */
    const struct command_option *options;
    int least, most;                   /* how many names it takes */
    bool hidden;                       /* from people: it is for litekeeper itself */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct command commands[];

/* Takes the command line of the command argv[0] apart. Returns -1, or the exit status with which
 * all is said: help was printed (0) or the usage is wrong (2, and standard error says how). */
int command_parse(int argc, char **argv, struct command_line *line);

/* All of litekeeper: finds the command and runs it. */
int command_main(int argc, char **argv);

/* In cmd_NAME.c, one each. */
int cmd_alerts(int argc, char **argv);
int cmd_archive_cat(int argc, char **argv);
int cmd_archive_list(int argc, char **argv);
int cmd_archive_verify(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_daemon(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_status(int argc, char **argv);

#endif
