/* Written past stdio's buffer, which a forked test could write again. */
#include "lib_skip.h"

#include <stdio.h>
#include <unistd.h>

void skip(const char *why)
{
    dprintf(STDOUT_FILENO, "skipped: %s\n", why);
}
