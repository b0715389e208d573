/*
 * Runs in a worker, since a mount can hang, with the right to search every folder and no other.
 * Looks at files with lstat alone and never opens one.
 */
#include "discover.h"

#include "identity.h"
#include "job.h"
#include "memory.h"
#include "privileges.h"
#include "text.h"
#include "worker.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DISCOVER_FILES = 100000, /* of one pattern; more is a mistake in the pattern */
    DISCOVER_ASK = 100       /* files between two questions whether to stop */
};

/* What a search has met so far; NULL: each event goes out as it comes. Static, since glob(3) hands
 * nothing on to its callback. */
static json_t *discover_met;

static void discover_say(json_t *event)
{
    if (discover_met)
        json_array_append_new(discover_met, event);
    else
        worker_emit(NULL, event);
}

static void discover_refused(const char *path, const char *reason)
{
    char *name = memory_copy(path);

    text_sanitize(name);
    discover_say(json_pack("{s:s, s:s, s:s}", "event", "refused", "path", name, "reason", reason));
    free(name);
}

static void discover_found(const char *path, const struct identity *identity)
{
    discover_say(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "event", "found", "path", path,
                           "device", (json_int_t)identity->device, "inode",
                           (json_int_t)identity->inode, "owner", (json_int_t)identity->owner,
                           "group", (json_int_t)identity->group));
}

/* A name that can't be printed as it is can't be named in a job or a journal either. */
static bool discover_printable(const char *path)
{
    char *copy = memory_copy(path);

    text_sanitize(copy);
    bool same = strcmp(copy, path) == 0;
    free(copy);
    return same;
}

/* The folder that was opened last: a glob's matches mostly lie in one. */
static struct {
    char *path;
    int fd;
} discover_folder = {NULL, -1};

static bool discover_same_folder(const char *path)
{
    size_t length = (size_t)(strrchr(path, '/') - path);

    return discover_folder.path && strncmp(discover_folder.path, path, length) == 0 &&
           discover_folder.path[length] == '\0';
}

static void discover_keep_folder(const char *path, int fd)
{
    if (discover_folder.fd >= 0)
        close(discover_folder.fd);
    free(discover_folder.path);
    discover_folder.path = memory_copy_length(path, (size_t)(strrchr(path, '/') - path));
    discover_folder.fd = fd;
}

static enum status discover_look(const char *path, struct identity *identity, struct error *error)
{
    const char *name;
    int folder;

    if (discover_same_folder(path))
        return identity_find_in(discover_folder.fd, strrchr(path, '/') + 1, identity, error);
    enum status status = identity_find(path, &folder, &name, identity, error);
    if (!status)
        discover_keep_folder(path, folder);
    return status;
}

static void discover_file(const char *path)
{
    struct identity identity;
    struct error error = {0};

    if (!discover_printable(path))
        discover_refused(path, "its name has control characters or is not UTF-8; rename it");
    else if (discover_look(path, &identity, &error))
        discover_refused(path, error.text);
    else
        discover_found(path, &identity);
}

/* glob(3) tells of each folder that it can't read. One that is not there is no match. */
static int discover_unreadable(const char *folder, int problem)
{
    if (problem != ENOENT && problem != ENOTDIR) {
        char *reason = memory_format("the folder can't be read: %s", strerror(problem));
        discover_refused(folder, reason);
        free(reason);
    }
    return 0;
}

static enum status discover_all(const char *pattern, const glob_t *found, struct error *error)
{
    if (found->gl_pathc > DISCOVER_FILES)
        return error_set(error, STATUS_REFUSED,
                         "%s matches more than %d files; make the pattern narrower", pattern,
                         DISCOVER_FILES);
    for (size_t i = 0; i < found->gl_pathc; i++) {
        if (i % DISCOVER_ASK == 0 && worker_stopped(NULL))
            return error_set(error, STATUS_CANCELLED, "told to stop");
        if (!identity_beside(found->gl_pathv[i]))
            discover_file(found->gl_pathv[i]);
    }
    return STATUS_OK;
}

static enum status discover_glob(const char *pattern, struct error *error)
{
    glob_t found = {0};
    int result = glob(pattern, 0, discover_unreadable, &found);

    enum status status = STATUS_OK;
    if (result == GLOB_NOSPACE)
        status = error_set(error, STATUS_REFUSED,
                           "%s matches more files than fit into memory; make the pattern narrower",
                           pattern);
    else if (result && result != GLOB_NOMATCH)
        status = error_set(error, STATUS_FAILED, "%s can't be looked for", pattern);
    else
        status = discover_all(pattern, &found, error);
    globfree(&found);
    return status;
}

static enum status discover_pattern(const char *pattern, struct error *error)
{
    struct stat about;

    if (strpbrk(pattern, "*?[") && lstat(pattern, &about) < 0)
        return discover_glob(pattern, error);
    discover_file(pattern); /* brackets may be in a name, too */
    return STATUS_OK;
}

enum status discover_serve(json_t *job, struct error *error)
{
    const char *pattern;

    enum status status = job_pattern(job, &pattern, error);
    if (status)
        return status;
    privileges_yield();
    return discover_pattern(pattern, error);
}

/* FNV-1a, 64 bits, over the events as they would go out. Who can make two searches look the same
 * gains nothing: a worker looks at its file again before it touches it. */
static void discover_digest(const json_t *events, char digest[DISCOVER_DIGEST])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < json_array_size(events); i++) {
        char *line = json_dumps(json_array_get(events, i), JSON_COMPACT);
        for (const char *c = line; c && *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        free(line);
    }
    snprintf(digest, DISCOVER_DIGEST, "%016" PRIx64, hash);
}

static void discover_tell(const json_t *events, const char *known)
{
    char digest[DISCOVER_DIGEST];
    bool same;

    discover_digest(events, digest);
    same = strcmp(digest, known) == 0;
    for (size_t i = 0; !same && i < json_array_size(events); i++)
        worker_emit(NULL, json_incref(json_array_get(events, i)));
    worker_emit(NULL, json_pack("{s:s, s:s, s:b}", "event", "searched", "digest", digest, "same",
                                (int)same));
}

enum status discover_search(json_t *job, struct error *error)
{
    const char *known;
    json_t *patterns;

    enum status status = job_patterns(job, &patterns, &known, error);
    if (status)
        return status;
    privileges_yield();
    discover_met = json_array();
    for (size_t i = 0; !status && i < json_array_size(patterns); i++)
        status = discover_pattern(json_string_value(json_array_get(patterns, i)), error);
    if (!status)
        discover_tell(discover_met, known);
    json_decref(discover_met);
    discover_met = NULL;
    return status;
}
