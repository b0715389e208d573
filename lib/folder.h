/*
 * Opens the folder of a path, so that nobody who may write to some folder on the way can lead us
 * elsewhere by a symbolic link.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "error.h"

/* Opens the folder of `path` (absolute) with O_PATH, following no symbolic link but those that
 * only root or ourselves could have put there. `*folder` is the caller's to close; `*name` is the
 * last part of `path`. STATUS_REFUSED names the reason. */
enum status folder_open(const char *path, int *folder, const char **name,
                        struct error *error) MUST_CHECK;

#endif
