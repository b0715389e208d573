/* The history's file itself, for the history's own rooms alone. */
#ifndef HISTORY_FILE_H
#define HISTORY_FILE_H

#include "history_db.h"

/* Makes sure that the file at the history's path is the one that is open, and of this version;
 * opens or makes it where it is not. Not within a transaction. */
enum status history_file_ready(struct history *history, struct error *error) MUST_CHECK;

#endif
