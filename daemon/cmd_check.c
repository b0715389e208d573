/* The command line of `litekeeper check`. Apart from what it does: getopt.h has a struct option. */
#include "policy_check.h"

#include "memory.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

int cmd_check(int argc, char **argv);

enum { CHECK_USAGE = 2 };

static const char check_help[] =
    "Usage: litekeeper check [-c FILE] [--dump | --json]\n"
    "\n"
    "Loads the policy and prints everything that is wrong with it, one line each:\n"
    "file:line:col: path.to.key: what is wrong, what is allowed.\n"
    "\n"
    "  -c, --config FILE  the policy; else /etc/litekeeper/litekeeper.yaml, or for another\n"
    "                     user than root litekeeper/litekeeper.yaml in $XDG_CONFIG_HOME\n"
    "      --dump         print the policy with every default; it loads to the same policy\n"
    "      --json         print one JSON object\n"
    "  -h, --help         print this\n"
    "\n"
    "Exit status: 0 the policy is valid, 2 usage, 78 it is not.\n";

/* Where the policy is when nobody says; the caller's. */
static char *check_standard_path(void)
{
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        return memory_copy("/etc/litekeeper/litekeeper.yaml");
    if (folder && *folder == '/')
        return memory_format("%s/litekeeper/litekeeper.yaml", folder);
    return memory_format("%s/.config/litekeeper/litekeeper.yaml", home ? home : "");
}

static int check_usage(const char *why)
{
    fprintf(stderr, "litekeeper check: %s; see litekeeper check --help\n", why);
    return CHECK_USAGE;
}

int cmd_check(int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"dump", no_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *config = NULL;
    int dump = 0, json = 0, letter;

    optind = 0; /* begin anew, whoever has parsed before */
    while ((letter = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        dump |= letter == 'd';
        json |= letter == 'j';
        config = letter == 'c' ? optarg : config;
        if (letter == 'h')
            return fputs(check_help, stdout) < 0;
        if (letter == '?')
            return check_usage("the command line is wrong");
    }
    if (optind < argc)
        return check_usage("takes no arguments; the policy is named with -c");
    if (dump && json)
        return check_usage("takes --dump or --json, not both");
    char *path = config ? memory_copy(config) : check_standard_path();
    int status = policy_check(path,
                              dump   ? POLICY_DUMP
                              : json ? POLICY_JSON
                                     : POLICY_TEXT,
                              stdout, stderr);
    free(path);
    return status;
}
