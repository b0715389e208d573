/*
 * Runs litekeeper and compares what it prints with a pattern: @ is the test's folder, # a number,
 * ~ any text within a line, & all the rest.
 */
#ifndef LIB_EXPECT_H
#define LIB_EXPECT_H

#include "lib_program.h"

/* `words` with each @ as the folder; the caller's to free. */
char *expect_words(const char *words);
void expect_run(const char *words, struct program_result *result);
void expect_text(const char *what, const char *text, const char *pattern);

/* Runs it, and fails the test unless all three are as expected. */
void expect(const char *words, int status, const char *out, const char *err);

/* Writes policy.yaml, each @ as the folder. */
void expect_policy(const char *yaml);

#endif
