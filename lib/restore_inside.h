/* What the rooms of a restore share: which segments there are, what is wanted of them, and what
 * became of it. */
#ifndef RESTORE_INSIDE_H
#define RESTORE_INSIDE_H

#include "archive_shelf.h"
#include "restore.h"
#include "restore_put.h"
#include "task_engine.h"

enum { RESTORE_NAMED = 10 }; /* rows and files that are named; the others are counted */

struct restore_segment {
    const struct shelf_segment *on; /* the shelf */
    int64_t rows;                   /* that are wanted; 0: nothing of it is, or it can't be used */
};

struct restore_facts {
    struct shelf shelf;
    struct restore_segment *segments; /* the newest first */
    struct archive_columns columns;   /* of all of them */
};

/* Those of a hold that is rolled back never were. */
struct restore_counts {
    int64_t fates[RESTORE_FATES];
    int64_t anew; /* of those that were put, with another rowid than before */
    size_t done;  /* rows of the batch that are dealt with */
    size_t named[RESTORE_FATES];
};

struct restore_result {
    bool ends;                 /* what failed was not a segment, but all of it */
    int64_t rows;              /* that are wanted */
    int64_t read;              /* so far, for the progress, ... */
    int64_t to_read;           /* ... and all */
    int64_t first_us, last_us; /* between which they are; -1, -1: there are none */
    int64_t segments;          /* with such rows */
    struct restore_counts counts;
    json_t *names[RESTORE_FATES]; /* of rows that stayed out; NULL where none are named */
    json_t *damaged, *unfinished; /* segments: texts */
    json_t *removed;              /* likewise, by keep_archives */
    json_t *left_out;             /* columns that the table lacks */
    json_t *missing;              /* columns of it that some segment lacks */
    json_t *plain;                /* generated columns that are ordinary ones in the file */
};

void restore_result_begin(struct restore_result *result);
void restore_result_free(struct restore_result *result);
/* Adds a text to a list, fit for a terminal. */
void restore_name(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* In words and numbers; where something could not be used, the task has failed. */
void restore_report(const struct restore_options *options, const struct restore_result *result,
                    struct outcome *outcome);

/* restore_survey.c: the kinds' `measure`, `decide` and `free_facts`. */
enum status restore_measure(struct engine *engine, const void *options, void **facts,
                            struct error *error) MUST_CHECK;
void restore_decide(const void *options, const void *facts, int64_t now_us,
                    struct decision *decision);
void restore_free_facts(void *facts);

/* Reads all segments that may have rows that are wanted to their ends, checks them, and counts. One
 * that is not what it was, or not done, is named and left out. */
enum status restore_survey(struct engine *engine, const struct restore_options *options,
                           struct restore_facts *facts, struct restore_result *result,
                           struct error *error) MUST_CHECK;

/* The filter of what is wanted of a segment. Rows that went because of what they refer to have no
 * times: their segments alone have. */
enum status restore_filter(const struct restore_options *options, const struct restore_facts *facts,
                           const struct restore_segment *segment, struct archive_filter **filter,
                           struct error *error) MUST_CHECK;
/* Whether we are to stop; asked after so many rows. */
bool restore_stopped(const struct engine *engine, int64_t rows);

/* Puts a batch of rows; `counts.done` of them are dealt with already. */
struct restore_sink {
    enum status (*put)(void *argument, struct restore_put *put, const struct rowlist *batch,
                       struct error *error);
    void *argument;
};

/* Takes the wanted rows of all segments, the newest first, to the sink. */
enum status restore_rows(struct engine *engine, const struct restore_options *options,
                         const struct restore_facts *facts, const struct restore_target *target,
                         const struct restore_sink *sink, struct restore_result *result,
                         struct error *error) MUST_CHECK;

/* Puts the row of the batch that is next, and counts it. */
enum status restore_row(struct restore_put *put, const struct rowlist *batch,
                        struct restore_result *result, enum restore_fate *fate,
                        struct error *error) MUST_CHECK;

#endif
