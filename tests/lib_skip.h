/*
 * Tests that can't be done here. Each says so in one line of its own, "skipped: WHY", by which
 * tests/run counts it as skipped and not as passed.
 */
#ifndef LIB_SKIP_H
#define LIB_SKIP_H

#include <check.h>

void skip(const char *why);

/* The whole of a test program of online compaction: its exit status. Where the linked SQLite can't
 * do it, one test says so instead of those that `add` adds. `seconds` is what each may take. */
int online_main(const char *name, double seconds, void (*add)(TCase *tests));

#endif
