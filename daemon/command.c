/*
 * The command line: finds a command in the table, takes its options apart by their rows, and
 * writes the help from the same rows. Runs in the parent, before anything else.
 */
#include "command.h"

#include "memory.h"
#include "suggest.h"
#include "text.h"

#include <getopt.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS = 16, COMMANDS = 32, OPTION_BASE = 256 };

static const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static void command_usage(FILE *out, const struct command *command)
{
    fprintf(out, "usage: litekeeper %s [options]%s%s\n", command->name,
            command->arguments[0] ? " " : "", command->arguments);
}

static void command_help_option(char letter, const char *name, const char *argument,
                                const char *help)
{
    char *words = memory_format("--%s%s%s", name, argument ? " " : "", argument ? argument : "");

    printf("  %c%c%c %s\n          %s\n", letter ? '-' : ' ', letter ? letter : ' ',
           letter ? ',' : ' ', words, help);
    free(words);
}

static void command_help(const struct command *command)
{
    command_usage(stdout, command);
    printf("\n%c%s.\n", command->summary[0] & ~0x20, command->summary + 1);
    if (command->help)
        printf("\n%s", command->help);
    puts("\nOptions:");
    for (const struct command_option *option = command->options; option->name; option++)
        command_help_option(option->letter, option->name, option->argument, option->help);
    command_help_option('h', "help", NULL, "print this help");
}

static void command_overview(FILE *out)
{
    fputs("litekeeper keeps SQLite databases small, ordered and watched, while\n"
          "applications use them.\n\nusage: litekeeper COMMAND [options] [names]\n\n",
          out);
    for (const struct command *command = commands; command->name; command++)
        if (!command->hidden)
            fprintf(out, "  %-16s%s\n", command->name, command->summary);
    fputs("\n  litekeeper COMMAND --help says more about one command.\n"
          "  litekeeper --version prints the version.\n",
          out);
}

/* Says what is wrong with the usage, and what the usage is. */
static int __attribute__((format(printf, 2, 3)))
command_wrong(const struct command *command, const char *format, ...)
{
    struct text line = {0};
    va_list arguments;
    char *what = NULL;

    va_start(arguments, format);
    int length = vasprintf(&what, format, arguments);
    va_end(arguments);
    text_addf(&line, "litekeeper %s: %s", command->name, length < 0 ? "wrong usage" : what);
    text_sanitize(line.bytes);
    fprintf(stderr, "%s\n", line.bytes);
    command_usage(stderr, command);
    text_free(&line);
    free(what);
    return COMMAND_USAGE;
}

/* getopt's own tables, from our rows: the letters, and the long options with row numbers. */
static void command_getopt(const struct command *command, char *letters, struct option *options)
{
    size_t count = 0;

    letters += sprintf(letters, ":h");
    for (const struct command_option *row = command->options; row->name; row++) {
        if (row->letter)
            letters += sprintf(letters, "%c%s", row->letter, row->argument ? ":" : "");
        options[count++] =
            (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                            OPTION_BASE + (int)(row - command->options)};
    }
    options[count++] = (struct option){"help", no_argument, NULL, 'h'};
    options[count] = (struct option){0};
}

static void command_set(const struct command_option *row, const char *value,
                        struct command_line *line)
{
    char *field = (char *)line + row->offset;

    if (row->argument)
        memcpy(field, &value, sizeof value);
    else
        *(bool *)field = true;
}

static const struct command_option *command_row(const struct command *command, int found)
{
    for (const struct command_option *row = command->options; row->name; row++)
        if (found == OPTION_BASE + (int)(row - command->options) ||
            (row->letter && found == row->letter))
            return row;
    return NULL;
}

static int command_unknown(const struct command *command, const char *word)
{
    const char *names[OPTIONS], *nearest;
    size_t count = 0;

    for (const struct command_option *row = command->options; row->name; row++)
        names[count++] = row->name;
    names[count++] = "help";
    nearest = strncmp(word, "--", 2) == 0 ? suggest_nearest(word + 2, names, count) : NULL;
    if (nearest)
        return command_wrong(command, "no option %s; did you mean --%s?", word, nearest);
    return command_wrong(command, "no option %s", word);
}

/* What may have been meant by a name where there can be none. */
static const char *command_hint(const struct command *command)
{
    bool policy = command->most == 0 && command_row(command, 'c');

    return policy ? "; a policy is named with -c FILE" : "";
}

static int command_names(const struct command *command, int count, char **names,
                         struct command_line *line)
{
    if (count < command->least)
        return command_wrong(command, "%s is missing", command->arguments);
    if (count > command->most)
        return command_wrong(command, "\"%s\" is one too many%s", names[command->most],
                             command_hint(command));
    for (int i = 0; i < count; i++)
        line->names[i] = names[i];
    return -1;
}

int command_parse(int argc, char **argv, struct command_line *line)
{
    const struct command *command = command_find(argv[0]);
    struct option options[OPTIONS];
    char letters[2 * OPTIONS];
    int found;

    command_getopt(command, letters, options);
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    while ((found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct command_option *row = command_row(command, found);
        if (row)
            command_set(row, optarg, line);
        else if (found == ':')
            return command_wrong(command, "%s needs a value", argv[optind - 1]);
        else if (found == 'h') {
            command_help(command);
            return COMMAND_OK;
        } else
            return command_unknown(command, argv[optind - 1]);
    }
    return command_names(command, argc - optind, argv + optind, line);
}

/* --- finding the command ------------------------------------------------------------------ */

/* What follows `group` in the name of one of its commands, "list" of "archive list"; else NULL. */
static const char *command_in(const struct command *command, const char *group)
{
    size_t length = strlen(group);

    return strncmp(command->name, group, length) == 0 && command->name[length] == ' '
               ? command->name + length + 1
               : NULL;
}

static bool command_is_group(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (command_in(command, name))
            return true;
    return false;
}

static void command_group(FILE *out, const char *group)
{
    for (const struct command *command = commands; command->name; command++)
        if (command_in(command, group))
            command_usage(out, command);
}

static int command_missing(const char *name)
{
    const char *names[COMMANDS];
    size_t count = 0;

    for (const struct command *command = commands; command->name; command++)
        if (!command->hidden)
            names[count++] = command->name;
    suggest_report("litekeeper", name[0] == '-' ? "option" : "command", name, names, count);
    return COMMAND_USAGE;
}

/* `litekeeper archive lits`, or without a second word. */
static int command_missing_in(const char *group, const char *word)
{
    char *where = memory_format("litekeeper %s", group);
    const char *names[COMMANDS];
    size_t count = 0;

    for (const struct command *command = commands; command->name; command++)
        if (command_in(command, group))
            names[count++] = command_in(command, group);
    if (word)
        suggest_report(where, "command", word, names, count);
    else
        command_group(stderr, group);
    free(where);
    return COMMAND_USAGE;
}

/* The command that one or two words name, and how many those are. */
static const struct command *command_named(const char *first, const char *second, int *words)
{
    char *both = memory_format("%s %s", first, second ? second : "");
    const struct command *found = command_find(both);

    free(both);
    *words = found ? 2 : 1;
    return found ? found : command_find(first);
}

/* `litekeeper help [COMMAND]`, as git has it. */
static int command_explain(const char *first, const char *second)
{
    int words;
    const struct command *command = first ? command_named(first, second, &words) : NULL;

    if (command)
        command_help(command);
    else if (first && command_is_group(first) && !second)
        command_group(stdout, first);
    else if (first)
        return command_is_group(first) ? command_missing_in(first, second) : command_missing(first);
    else
        command_overview(stdout);
    return COMMAND_OK;
}

static int command_run(int argc, char **argv)
{
    const char *second = argc > 2 ? argv[2] : NULL;
    int words;
    const struct command *command = command_named(argv[1], second, &words);

    if (command) {
        argv[words] = (char *)command->name; /* what command_parse finds it by */
        return command->run(argc - words, argv + words);
    }
    if (!command_is_group(argv[1]))
        return command_missing(argv[1]);
    if (second && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0))
        return command_explain(argv[1], NULL);
    return command_missing_in(argv[1], second);
}

int command_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name) {
        command_overview(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return command_explain(NULL, NULL);
    if (strcmp(name, "help") == 0)
        return command_explain(argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
    if (strcmp(name, "--version") == 0) {
        printf("litekeeper %s (SQLite %s)\n", VERSION, sqlite3_libversion());
        return COMMAND_OK;
    }
    return command_run(argc, argv);
}
