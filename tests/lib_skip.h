/*
 * Tests that can't be done here. Each says so in one line of its own, "skipped: WHY", by which
 * tests/run counts it as skipped and not as passed.
 */
#ifndef LIB_SKIP_H
#define LIB_SKIP_H

#include <check.h>

void skip(const char *why);

/* Adds a test that says so of online compaction, which the linked SQLite can't do. */
void skip_online(TCase *tests);

#endif
