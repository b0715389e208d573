/*
 * Compaction of a file without the task around it: the connections, the lease, and lib/compact.h's
 * own. The file is "app.db" where the test stands (opened_set_up, randomdb_folder).
 */
#ifndef LIB_COMPACTED_H
#define LIB_COMPACTED_H

#include "compact.h"
#include "task_engine.h"

struct compacted {
    struct engine engine;
    struct database *reading;
    struct compact *compact;
};

/* Whatever it returns, compacted_end() is to be called. */
enum status compacted_begin(struct compacted *compacted, struct error *error) MUST_CHECK;
void compacted_end(struct compacted *compacted);

#endif
