/*
 * Tests that can't be done here. Each says so in one line of its own, "skipped: WHY", by which
 * tests/run counts it as skipped and not as passed.
 */
#ifndef LIB_SKIP_H
#define LIB_SKIP_H

void skip(const char *why);

#endif
