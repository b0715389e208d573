/* Command lines: one row an option, which drives getopt_long and the text of --help. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

enum argument_type {
    ARGUMENT_FLAG,   /* bool */
    ARGUMENT_NUMBER, /* int64_t, not negative */
    ARGUMENT_TEXT    /* const char * */
};

struct argument {
    const char *name; /* NULL ends the table */
    enum argument_type type;
    void *value;
    const char *help; /* with the default, which is what `value` holds before */
};

enum { ARGUMENTS_MOST = 20 };

/* Reads the options and returns the index of the first operand; there must be `operands`. A wrong
 * command line ends the process with 2, --help with 0. */
int arguments_read(const char *synopsis, const struct argument *rows, int operands, int argc,
                   char **argv);
void arguments_wrong(const char *what) __attribute__((noreturn));

#endif
