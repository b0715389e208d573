/* What the rooms of an archive's job share: archive_job.c, and archive_cat.c, which gives out rows.
 */
#ifndef ARCHIVE_LOOK_H
#define ARCHIVE_LOOK_H

#include "archive_filter.h"
#include "archive_shelf.h"
#include "engine.h"
#include "task_retention.h"

struct archive_look {
    const struct engine_job *job;
    const struct retention_options *options;
    const char *table;
    struct shelf shelf, second; /* the latter where there was need of a second look */
    bool again;
    struct archive_wanted wanted; /* of `cat` */
    bool unfinished;              /* those, too */
    struct archive_filter *filter;
    struct text rows; /* lines that are not sent yet */
    int64_t untimed;
    bool wrong; /* the expression failed on a row */
};

enum look_found { LOOK_NOT_READ, LOOK_RIGHT, LOOK_CHANGING };

/* Emits "shelved". */
void look_tell(const struct archive_look *look, const struct shelf_segment *segment,
               enum look_found found, const struct error *problem);
/* Whether there is a file that must be what the manifest says. */
bool look_has_file(const struct shelf_segment *segment);
/* Whether its manifest's problem is still there: a run may have been at work on it. */
bool look_still(struct archive_look *look, const struct shelf_segment *segment);
/* Reads it to its end. Only that we were told to stop is an error; the rest is a finding. */
enum status look_check(const struct archive_look *look, const struct shelf_segment *segment,
                       enum look_found *found, struct error *problem,
                       struct error *error) MUST_CHECK;

/* Emits the rows that are wanted, segment after segment. */
enum status look_cat(struct archive_look *look, struct error *error) MUST_CHECK;

#endif
