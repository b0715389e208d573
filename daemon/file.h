/* A database file as the daemon knows it: where it is, by which part of the policy it is kept,
 * and its duties. */
#ifndef FILE_H
#define FILE_H

#include "config.h"
#include "duty.h"
#include "identity.h"

struct run;

struct file {
    char *path;
    const struct config_database *database; /* of the policy in force */
    struct identity seen;                   /* when it was last found */
    bool there;                             /* it can be worked on */
    bool known;                             /* the history knows it as it is */
    bool arriving;                          /* its duties' pasts are being read */
    unsigned search;                        /* the last search that met it */
    char *why;                              /* why it can't; NULL where it can */
    uint64_t noticed;                       /* a hash of the last notice that was told of it */
    struct duty *duties;                    /* one a task of the database, in their order */
    size_t duty_count;
    struct run *run;    /* what works on it now; NULL: nothing */
    struct file *chain; /* in the registry's bucket */
};

/* What the database is called: by its name, or as a glob's match by its path. */
const char *file_name(const struct file *file);

/* Makes its duties anew for the tasks of its database. Those it had before for the same task and
 * target hand down what is known of their past. None may be with the scheduler. */
void file_make_duties(struct file *file);
/* None may be with the scheduler. */
void file_drop_duties(struct file *file);
/* The duty of that kind and target (NULL: none), or NULL. */
struct duty *file_duty(const struct file *file, const char *task, const char *target);

#endif
