/*
 * Retention that archives what refers to old rows before these: a database of three generations,
 * and a run of the real program on it. What is left is compared with what SQL makes of a copy, and
 * what was archived is put back and must make the whole of it again.
 */
#ifndef LIB_CASCADE_H
#define LIB_CASCADE_H

#include "lib_proof.h"

/* 1000 rows, aged 6 to 5001 hours; 100 days are 2400 hours, so rows 480 to 1000 are old. */
#define PARENT                                                                                     \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT, code TEXT UNIQUE, x);"            \
    "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(1000) "INSERT INTO t SELECT i, "                   \
                                                      "strftime('%s', " PROOF_AGO(                 \
                                                          "i * 5 + 1") ") + 0, i * 5 + 1,"         \
                                                                       " 'c' || i, CASE i % 4 "    \
                                                                       "WHEN 0 THEN i / 3.0 WHEN " \
                                                                       "1 THEN x'00ff' ELSE 'x' "  \
                                                                       "END FROM n;"
/* Three rows for every tenth row: those of 480, 490 ... 1000 are 159. */
#define CHILD(reference)                                                      \
    "CREATE TABLE c(id INTEGER PRIMARY KEY, t_id INT " reference ", note);"   \
    "CREATE INDEX c_t ON c(t_id);" PROOF_NUMBERS(                             \
        300) "INSERT INTO c SELECT i, (i + 2) / 3 * 10, 'note ' || i FROM n;" \
             "INSERT INTO c(t_id, note) VALUES (NULL, 'nobody''s');"
/* And for each of those whose number is odd one: 79. */
#define GRANDCHILD(reference)                                         \
    "CREATE TABLE g(id INTEGER PRIMARY KEY, c_id INT " reference ");" \
    "CREATE INDEX g_c ON g(c_id);" PROOF_NUMBERS(                     \
        300) "INSERT INTO g SELECT i, i FROM n WHERE i % 2;"
#define CASCADES          "REFERENCES t ON DELETE CASCADE"
#define OLD               "age > 2400"
#define OLD_CHILDREN      "t_id IN (SELECT id FROM t WHERE " OLD ")"
#define OLD_GRANDCHILDREN "c_id IN (SELECT id FROM c WHERE " OLD_CHILDREN ")"
#define GO                "DELETE FROM c WHERE " OLD_CHILDREN "; DELETE FROM t WHERE " OLD ";"
#define GO_ALL            "DELETE FROM g WHERE " OLD_GRANDCHILDREN ";" GO
#define TRIGGER(when, statement) \
    "CREATE TRIGGER amid AFTER DELETE ON c WHEN " when " BEGIN " statement "; END;"
#define OPTIONS(more) "keep: 100d, cascade: archive, archive: { directory: \"@/cold\"" more " }"

struct cascade_case {
    struct proof_case proof;
    int64_t children; /* that leave */
    int64_t kept, refused, child_changed, child_refused;
    const char
        *whole; /* SQL that makes of what was there what it was with all that came meanwhile */
};

/* Runs it in the test's folder, and compares. */
void cascade_leaves(const struct cascade_case *c, const char *journal);
/* Makes the archive's folder. */
void cascade_make_directory(void);

#endif
