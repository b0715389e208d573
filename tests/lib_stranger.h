/* SQLite libraries of other versions (tests/field/fetch-libraries), and programs with them. */
#ifndef LIB_STRANGER_H
#define LIB_STRANGER_H

#include <stdbool.h>
#include <stddef.h>

enum { STRANGERS_MOST = 8 };

/* Gets them into build/libraries if they are not there, from the folder in which tests begin.
 * Fills in the folders of those that can be loaded here, NULL at the end, and returns how many;
 * says of each that can't that it is skipped. */
size_t stranger_libraries(const char *folders[STRANGERS_MOST + 1]);
/* The same of those of long ago (tests/field/fetch-elders), in build/elders. */
size_t stranger_elders(const char *folders[STRANGERS_MOST + 1]);
/* Replaces this process by build/VARIANT/stranger with that library; `arguments` end in NULL. */
_Noreturn void stranger_exec(const char *folder, const char *const *arguments);
/* What it prints, the caller's to free; `*ended_well` tells whether it did. */
char *stranger_run(const char *folder, const char *const *arguments, bool *ended_well);

#endif
