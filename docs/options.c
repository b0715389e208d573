/*
 * Fills in the manual: copies the frame on its standard input to its standard output and puts the
 * table of options in the place of each line "@NAME@". Built and run by `make man`; no part of
 * litekeeper.
 */
#include "alert.h"
#include "config_options.h"
#include "schema.h"
#include "task.h"

#include <ctype.h>
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
static void print_sentence(const char *text, FILE *out)
{
    for (const char *c = text; *c; c++)
        if (*c == '\\')
            fputs("\\e", out);
        else
            fputc(c == text ? toupper((unsigned char)*c) : *c, out);
    fputs(".\n", out);
}

static void print_choices(const struct option *option, FILE *out)
{
    fputs("One of\n", out);
    for (const struct option_choice *choice = option->choices; choice->name; choice++)
        fprintf(out, ".Cm %s%s %s\n", choice->name, choice->not_yet ? " Pq not supported yet" : "",
                choice[1].name ? "," : ";");
}

/* A type's name without its example, which the page gives elsewhere. */
static void print_type(const struct option *option, FILE *out)
{
    const char *what = schema_type(option->type)->what, *example = strstr(what, " such as");
    const char *list = strstr(what, ", or a list");

    fprintf(out, "Takes %.*s%s", example ? (int)(example - what) : (int)strlen(what), what,
            example && list ? list : "");
    if (option->minimum && option->maximum)
        fprintf(out, ", from %s to %s", option->minimum, option->maximum);
    else if (option->minimum)
        fprintf(out, ", at least %s", option->minimum);
    else if (option->maximum)
        fprintf(out, ", at most %s", option->maximum);
    fputs(";\n", out);
}

/* What a value looks like. */
static void print_value(const struct option *option, FILE *out)
{
    if (!schema_type(option->type))
        return;
    if (option->choices)
        print_choices(option, out);
    else
        print_type(option, out);
    if (option->flags & OPTION_REQUIRED)
        fputs("required.\n", out);
    else if (option->standard)
        fprintf(out, "by default\n.Ql %s .\n", option->standard);
    else
        fputs("by default none.\n", out);
}

/* What a text in the place of a mapping stands for. */
static void print_short(const struct option *option, FILE *out)
{
    if (option->type != OPTION_SECTIONS)
        return;
    for (const struct option *own = option->section->options; own->name; own++)
        if (own->flags & OPTION_SHORT)
            fprintf(out, "A text in the place of a mapping is its\n.Ic %s .\n", own->name);
}

static void print_table(const struct option *options, FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct option *option = options; option->name; option++) {
        fprintf(out, ".It Ic %s\n", option->name);
        if (option->flags & OPTION_NOT_YET)
            fputs("Not supported yet.\n", out);
        print_sentence(option->help, out);
        print_value(option, out);
        print_short(option, out);
        if (option->section && option->type != OPTION_NODE && options != config_file_options)
            print_table(option->section->options, out);
    }
    fputs(".El\n", out);
}

static void print_tasks(FILE *out)
{
    for (size_t i = 0; tasks[i]; i++) {
        fprintf(out, ".Ss %s\n", tasks[i]->name);
        print_sentence(tasks[i]->help, out);
        if (tasks[i]->flags & TASK_NOT_YET)
            fputs("Not supported yet: a policy that has it is refused.\n", out);
        if (tasks[i]->flags & TASK_LIST)
            fputs("A database may have a list of these, each with a target of its own.\n", out);
        print_table(tasks[i]->section.options, out);
    }
}

/* Metrics with a threshold, or the conditions that are watched without one. */
static void print_metrics(bool conditions, FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct alert_metric *metric = alert_metrics; metric->name; metric++) {
        if (conditions != ((metric->flags & ALERT_CONDITION) != 0))
            continue;
        fprintf(out, ".It Cm %s\n", metric->name);
        if (metric->flags & ALERT_NOT_YET)
            fputs("Not supported yet.\n", out);
        print_sentence(metric->help, out);
        if (conditions)
            fprintf(out, "By itself its severity is %s.\n", alert_severity_name(metric->severity));
        else
            fprintf(out, "Its threshold is %s.\n", schema_type(metric->unit)->what);
        if (metric->flags & ALERT_NEEDS_TABLE)
            fputs("Needs\n.Ic table .\n", out);
        else if (metric->flags & ALERT_OF_TABLE)
            fputs("Takes\n.Ic table .\n", out);
    }
    fputs(".El\n", out);
}

static void print_line(const char *line, FILE *out)
{
    if (strcmp(line, "@tasks@\n") == 0) {
        print_tasks(out);
        return;
    }
    if (strcmp(line, "@metrics@\n") == 0 || strcmp(line, "@conditions@\n") == 0) {
        print_metrics(line[1] == 'c', out);
        return;
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(line, tables[i].name) == 0) {
            print_table(tables[i].options, out);
            return;
        }
    fputs(line, out);
}

/* Copies the frame, filled in. */
static void print_page(FILE *frame, FILE *out)
{
    char line[1024];

    while (fgets(line, sizeof line, frame))
        print_line(line, out);
}

int main(void)
{
    print_page(stdin, stdout);
    return ferror(stdin) || fflush(stdout) != 0;
}
