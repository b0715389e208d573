/* Online compaction of "app.db" (lib_opened.h) without the task around it. */
#ifndef LIB_COMPACTING_H
#define LIB_COMPACTING_H

#include "compact.h"
#include "database.h"
#include "error.h"
#include "task_engine.h"

struct compacting {
    struct engine engine;
    struct database *reading;
    struct compact *compact;
};

enum { COMPACTING_LOCK_MS = 20 }; /* max_lock */

/* Opens both connections, with half a second of patience. It must be ended whatever it returns. */
enum status compacting_begin(struct compacting *compacting, struct error *error);
void compacting_end(struct compacting *compacting);
/* From now on the policy has another max_lock, in us; the lease of a hold stays what it was. */
void compacting_lock(int64_t us);
/* All of it; `audit` first. */
enum status compacting_whole(bool audit, struct error *error);

#endif
