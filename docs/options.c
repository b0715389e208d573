/*
 * Fills in the manual: copies the frame on its standard input to its standard output and puts the
 * table of options in the place of each line "@NAME@". Built and run by `make man`; no part of
 * litekeeper.
 */
#include "config_options.h"
#include "schema.h"
#include "task.h"

#include <stdio.h>
#include <string.h>

/* The tables that are not of a kind of task, by the name in the frame. */
static const struct {
    const char *name;
    const struct option *options;
} tables[] = {{"@file@\n", config_file_options},
              {"@daemon@\n", config_daemon_options},
              {"@limits@\n", config_limits_options},
              {"@database@\n", config_database_options}};

/* A phrase as a sentence, its special characters escaped. */
static void print_sentence(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '\\')
            fputs("\\e", stdout);
        else
            putchar(c == text && *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    puts(".");
}

static void print_choices(const struct option *option)
{
    const struct option_choice *choice = option->choices;

    for (; choice->name; choice++)
        printf(".Cm %s%s\n", choice->name, choice[1].name ? " ," : "");
    for (choice = option->choices; choice->name; choice++)
        if (choice->not_yet)
            printf("(\n.Cm %s\nis not supported yet)\n", choice->name);
}

/* Behind the name: what a value looks like. */
static void print_value(const struct option *option)
{
    const struct schema_type *type = schema_type(option->type);

    if (option->type == OPTION_CHOICE) {
        puts("One of");
        print_choices(option);
        puts(";");
    } else if (type) {
        printf("Takes %s", type->what);
        if (option->minimum && option->maximum)
            printf(", from %s to %s", option->minimum, option->maximum);
        else if (option->minimum)
            printf(", at least %s", option->minimum);
        else if (option->maximum)
            printf(", at most %s", option->maximum);
        puts(";");
    }
    if (!type)
        return;
    if (option->flags & OPTION_REQUIRED)
        puts("required.");
    else if (option->standard)
        printf("by default\n.Ql %s .\n", option->standard);
    else
        puts("by default none.");
}

static void print_table(const struct option *options)
{
    puts(".Bl -tag -width Ds");
    for (const struct option *option = options; option->name; option++) {
        printf(".It Ic %s\n", option->name);
        if (option->flags & OPTION_NOT_YET)
            puts("Not supported yet.");
        print_sentence(option->help);
        print_value(option);
        if (option->section && option->type != OPTION_NODE && options != config_file_options)
            print_table(option->section->options);
    }
    puts(".El");
}

static void print_tasks(void)
{
    for (size_t i = 0; tasks[i]; i++) {
        printf(".Ss %s\n", tasks[i]->name);
        print_sentence(tasks[i]->help);
        if (tasks[i]->flags & TASK_NOT_YET)
            puts("Not supported yet: a policy that has it is refused.");
        if (tasks[i]->flags & TASK_LIST)
            puts("A database may have a list of these, each with a target of its own.");
        print_table(tasks[i]->section.options);
    }
}

static void print_line(const char *line)
{
    if (strcmp(line, "@tasks@\n") == 0) {
        print_tasks();
        return;
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(line, tables[i].name) == 0) {
            print_table(tables[i].options);
            return;
        }
    fputs(line, stdout);
}

int main(void)
{
    char line[1024];

    while (fgets(line, sizeof line, stdin))
        print_line(line);
    return ferror(stdin) || fflush(stdout) != 0;
}
