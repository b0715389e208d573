/* Becomes the owner of what a job is about. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "error.h"

#include <jansson.h>

/* Goes to the folder of the job's file, if that is still the file that was seen, and becomes its
 * owner, for good. Where the job says that the file is gone (job_owned), becomes the owner of the
 * folder that it names instead, and stays where it is. A further job must be of the same owner. */
enum status rights_become(const json_t *job, struct error *error) MUST_CHECK;

#endif
