/* Command lines from a table of options. */
#include "arguments.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const arguments_placeholders[] = {"", " N", " TEXT"};

static void arguments_help(const char *synopsis, const struct argument *rows)
{
    char option[64];

    printf("Usage: %s\n\n", synopsis);
    for (; rows->name; rows++) {
        snprintf(option, sizeof option, "--%s%s", rows->name, arguments_placeholders[rows->type]);
        printf("  %-22s %s\n", option, rows->help);
    }
    exit(0);
}

void arguments_wrong(const char *what)
{
    fprintf(stderr, "%s; see --help\n", what);
    exit(2);
}

static void arguments_set(const struct argument *row, const char *text)
{
    char *end;

    if (row->type == ARGUMENT_FLAG) {
        *(bool *)row->value = true;
    } else if (row->type == ARGUMENT_TEXT) {
        *(const char **)row->value = text;
    } else {
        *(int64_t *)row->value = strtoll(text, &end, 10);
        if (end == text || *end || *(int64_t *)row->value < 0)
            arguments_wrong("not a number");
    }
}

int arguments_read(const char *synopsis, const struct argument *rows, int operands, int argc,
                   char **argv)
{
    struct option options[ARGUMENTS_MOST + 2] = {{NULL, 0, NULL, 0}};
    int count = 0, found;

    for (; count < ARGUMENTS_MOST && rows[count].name; count++)
        options[count] =
            (struct option){rows[count].name, rows[count].type != ARGUMENT_FLAG, NULL, count};
    options[count] = (struct option){"help", no_argument, NULL, count};
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (found == '?')
            arguments_wrong("unknown option");
        if (found == count)
            arguments_help(synopsis, rows);
        arguments_set(&rows[found], optarg);
    }
    if (argc - optind != operands)
        arguments_wrong("wrong number of operands");
    return optind;
}
