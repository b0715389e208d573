/*
 * Exchanges the methods of the open database file and its log for a copy that differs in xRead
 * (c3ref/io_methods.html: a file is whatever its pMethods says), and puts them back. Owned by the
 * worker's one thread.
 */
#include "readwatch.h"

#include "memory.h"

#include <stdbool.h>
#include <stdlib.h>

/* What pMethods of a watched file points to: `methods` comes first. */
struct readwatch_file {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *below;
    sqlite3_file *file; /* NULL: not watched */
    struct readwatch *watch;
};

struct readwatch {
    struct readwatch_file database, log;
    void (*heard)(void *argument, int64_t bytes);
    void *argument;
};

static int readwatch_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    const struct readwatch_file *own = (const struct readwatch_file *)(const void *)file->pMethods;
    struct readwatch *watch = own->watch;
    int rc = own->below->xRead(file, bytes, count, at);

    watch->heard(watch->argument, count);
    return rc;
}

static void readwatch_attach(struct readwatch *watch, struct readwatch_file *own, sqlite3 *db,
                             int pointer)
{
    sqlite3_file *file = NULL;

    sqlite3_file_control(db, "main", pointer, &file);
    if (!file || !file->pMethods || file->pMethods->iVersion > 3)
        return;
    own->watch = watch;
    own->file = file;
    own->below = file->pMethods;
    own->methods = *file->pMethods;
    own->methods.xRead = readwatch_read;
    file->pMethods = &own->methods;
}

static void readwatch_detach(struct readwatch_file *own)
{
    if (own->file && own->file->pMethods == &own->methods)
        own->file->pMethods = own->below;
}

struct readwatch *readwatch_open(sqlite3 *db, void (*heard)(void *argument, int64_t bytes),
                                 void *argument)
{
    struct readwatch *watch = memory_new(struct readwatch);

    watch->heard = heard;
    watch->argument = argument;
    readwatch_attach(watch, &watch->database, db, SQLITE_FCNTL_FILE_POINTER);
    readwatch_attach(watch, &watch->log, db, SQLITE_FCNTL_JOURNAL_POINTER);
    return watch;
}

void readwatch_close(struct readwatch *watch)
{
    if (!watch)
        return;
    readwatch_detach(&watch->database);
    readwatch_detach(&watch->log);
    free(watch);
}
