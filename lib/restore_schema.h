/* The table of a new file, from what manifests say that it was. */
#ifndef RESTORE_SCHEMA_H
#define RESTORE_SCHEMA_H

#include "restore_inside.h"

/* Makes it in the file that `sql` has open: as the newest segment has it, and the columns that
 * only older ones have behind its own. `plain`: from the names and types of columns and the key
 * alone, for a schema that can't be had here; generated columns are ordinary ones then, and
 * `result->plain` gets their names. STATUS_INVALID: it can't be made so. */
enum status restore_schema_make(sqlite3 *sql, const struct restore_options *options,
                                const struct restore_facts *facts, bool plain,
                                struct restore_result *result, struct error *error) MUST_CHECK;

#endif
