/* Versions of SQLite and what they are known for. */
#include "library.h"

#include <stddef.h>
#include <stdio.h>

/* Versions from `first` up to, not including, `repaired` have the bug. */
static const struct {
    int first, repaired;
} library_wal_reset[] = {
    {3007000, 3044006},
    {3045000, 3050007},
    {3051000, 3051003},
};

bool library_has_wal_reset_bug(int version)
{
    for (size_t i = 0; i < sizeof library_wal_reset / sizeof *library_wal_reset; i++)
        if (version >= library_wal_reset[i].first && version < library_wal_reset[i].repaired)
            return true;
    return false;
}

char *library_version(char *buffer, int version)
{
    snprintf(buffer, LIBRARY_VERSION, "%d.%d.%d", version / 1000000, version / 1000 % 1000,
             version % 1000);
    return buffer;
}
