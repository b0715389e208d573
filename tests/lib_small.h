/* A small disk in the test's folder: a file system in memory, in a mount namespace of our own. */
#ifndef LIB_SMALL_H
#define LIB_SMALL_H

#include <stdbool.h>
#include <stdint.h>

/* Mounts it on the folder of that name, made if missing. `options` as in "size=4m,mode=700". False
 * where that can't be: the test is skipped. What is started afterwards sees it, too. */
bool small_mount(const char *name, const char *options);
void small_unmount(const char *name);
/* Whether it can be written from now on. */
void small_writable(const char *name, bool writable);

/* The bytes that are left. */
int64_t small_room(const char *name);
/* Takes all of them but `leave`, at once; or gives them back. */
void small_fill(const char *name, int64_t leave);
void small_empty(const char *name);

#endif
