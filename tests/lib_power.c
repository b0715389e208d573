/*
 * A file is what it certainly holds and what waits to reach the disk; a name is the file that it
 * certainly leads to and those that it led to since the folder was last synced.
 */
#include "lib_power.h"

#include "identity.h"
#include "lib_power_bytes.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POWER_SECTOR = 512, POWER_JUNK = 0xA5 };

enum power_name { POWER_DATABASE, POWER_LOG, POWER_JOURNAL, POWER_MARK, POWER_NAMES };

static const char *const power_endings[POWER_NAMES] = {"", "-wal", "-journal", IDENTITY_MARK};

/* What becomes of that which waits. */
enum power_way { POWER_NONE, POWER_ALL, POWER_FIRST, POWER_SOME, POWER_TORN, POWER_WAYS };

struct power_op {
    struct recorder_entry entry;
    const unsigned char *bytes;
    int name; /* enum power_name; POWER_NAMES: the folder, or a word of the application's */
};

struct power_file {
    struct power_bytes durable;
    const struct power_op **waiting;
    size_t count, room;
};

struct power_link {
    struct power_file *durable;  /* NULL: there is none */
    struct power_file **waiting; /* the last is what it leads to now; NULL: it was unlinked */
    size_t count, room;
};

struct power {
    char *database; /* its name */
    enum power_flaw flaw;
    struct power_bytes recording;
    struct power_op *ops;
    size_t count, room, at;
    struct power_link links[POWER_NAMES];
    struct power_commits commits;
};

/* --- what reaches the disk ---------------------------------------------------------------- */

static void op_apply(const struct power_op *op, struct power_bytes *bytes)
{
    if (op->entry.call == RECORDER_TRUNCATE)
        power_bytes_reach(bytes, (size_t)op->entry.offset);
    else
        power_bytes_put(bytes, (size_t)op->entry.offset, op->bytes, (size_t)op->entry.length);
}

/* Each sector is there, or not; or others' bytes are, where the file had not reached before. */
static void op_tear(const struct power_op *op, size_t durable, struct power_bytes *bytes,
                    uint64_t *random)
{
    size_t begin = (size_t)op->entry.offset, end = begin + (size_t)op->entry.length, next;
    unsigned char junk[POWER_SECTOR];

    memset(junk, POWER_JUNK, sizeof junk);
    for (size_t at = begin; at < end; at = next) {
        next = (at / POWER_SECTOR + 1) * POWER_SECTOR;
        next = next < end ? next : end;
        int64_t fate = randomdb_number(random, 8);
        if (fate < 4)
            power_bytes_put(bytes, at, op->bytes + (at - begin), next - at);
        else if (fate == 4 && at >= durable)
            power_bytes_put(bytes, at, junk, next - at);
    }
}

static void file_cut(const struct power_file *file, struct power_bytes *bytes, uint64_t *random)
{
    enum power_way way = (enum power_way)randomdb_number(random, POWER_WAYS);
    size_t first = (size_t)randomdb_number(random, (int64_t)file->count + 1);

    power_bytes_put(bytes, 0, file->durable.bytes, file->durable.length);
    for (size_t i = 0; i < file->count; i++) {
        const struct power_op *op = file->waiting[i];
        bool half = randomdb_number(random, 2);
        if (way == POWER_TORN && op->entry.call == RECORDER_WRITE)
            op_tear(op, file->durable.length, bytes, random);
        else if (way == POWER_ALL || (way == POWER_FIRST && i < first) ||
                 (way >= POWER_SOME && half))
            op_apply(op, bytes);
    }
}

static void file_sync(struct power_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        op_apply(file->waiting[i], &file->durable);
    file->count = 0;
}

static void file_free(struct power_file *file)
{
    if (!file)
        return;
    free(file->durable.bytes);
    free(file->waiting);
    free(file);
}

/* --- names -------------------------------------------------------------------------------- */

static struct power_file *link_now(const struct power_link *link)
{
    return link->count ? link->waiting[link->count - 1] : link->durable;
}

static void link_add(struct power_link *link, struct power_file *file)
{
    if (link->count == link->room) {
        link->room = link->room * 2 + 4;
        link->waiting = memory_resize(link->waiting, link->room, sizeof(void *));
    }
    link->waiting[link->count++] = file;
}

static void link_sync(struct power_link *link)
{
    if (!link->count)
        return;
    file_free(link->durable);
    for (size_t i = 0; i + 1 < link->count; i++)
        file_free(link->waiting[i]);
    link->durable = link_now(link);
    link->count = 0;
}

/* What a name leads to after a cut. */
static const struct power_file *link_cut(const struct power_link *link, uint64_t *random)
{
    size_t done = (size_t)randomdb_number(random, (int64_t)link->count + 1);

    return done ? link->waiting[done - 1] : link->durable;
}

/* --- the recording ------------------------------------------------------------------------ */

static int power_name(const struct power *power, const struct recorder_entry *entry)
{
    size_t length = strlen(power->database);

    if (entry->call == RECORDER_SYNC_FOLDER || strcmp(entry->name, RECORDER_ACKNOWLEDGED) == 0)
        return POWER_NAMES;
    for (int i = 0; i < POWER_NAMES; i++)
        if (strncmp(entry->name, power->database, length) == 0 &&
            strcmp(entry->name + length, power_endings[i]) == 0)
            return i;
    ck_abort_msg("a file %s was touched", entry->name);
    return POWER_NAMES;
}

static void power_parse(struct power *power)
{
    const struct power_bytes *all = &power->recording;

    for (size_t at = 0; at < all->length;) {
        struct power_op op = {0};
        ck_assert_uint_le(at + sizeof op.entry, all->length);
        memcpy(&op.entry, all->bytes + at, sizeof op.entry);
        op.bytes = all->bytes + (at += sizeof op.entry);
        at += (size_t)op.entry.length;
        ck_assert_uint_le(at, all->length);
        op.name = power_name(power, &op.entry);
        if (power->count == power->room) {
            power->room = power->room * 2 + 1024;
            power->ops = memory_resize(power->ops, power->room, sizeof *power->ops);
        }
        power->ops[power->count++] = op;
    }
}

struct power *power_open(const char *folder, const char *name, const char *before,
                         enum power_flaw flaw)
{
    struct power *power = memory_new(struct power);
    char *path = memory_format("%s/" RECORDER_FILE, folder);

    power->database = memory_copy(name);
    power->flaw = flaw;
    ck_assert_msg(power_bytes_read(&power->recording, path), "%s", path);
    power_parse(power);
    power->links[POWER_DATABASE].durable = memory_new(struct power_file);
    ck_assert(power_bytes_read(&power->links[POWER_DATABASE].durable->durable, before));
    free(path);
    return power;
}

void power_close(struct power *power)
{
    for (int i = 0; i < POWER_NAMES; i++) {
        link_sync(&power->links[i]);
        file_free(power->links[i].durable);
        free(power->links[i].waiting);
    }
    free(power->recording.bytes);
    free(power->ops);
    free(power->database);
    free(power);
}

size_t power_count(const struct power *power)
{
    return power->count;
}

static bool power_amid(const struct power_op *op)
{
    return op->entry.call == RECORDER_WRITE && op->name == POWER_DATABASE;
}

static bool power_beside(const struct power_op *op, bool cut)
{
    if (cut)
        return op->entry.call == RECORDER_TRUNCATE || op->entry.call == RECORDER_UNLINK;
    return op->entry.call != RECORDER_WRITE;
}

size_t power_choose(const struct power *power, bool amid, uint64_t *random)
{
    size_t any = (size_t)randomdb_number(random, (int64_t)power->count);

    if (amid) {
        while (any < power->count && !power_amid(&power->ops[any]))
            any++;
        return any < power->count ? any + 1 : any;
    }
    int64_t way = randomdb_number(random, 4);
    if (way >= 2)
        return any;
    while (any < power->count && !power_beside(&power->ops[any], way))
        any++;
    any += (size_t)randomdb_number(random, 3);
    return any < power->count ? any : power->count;
}

/* --- the replay --------------------------------------------------------------------------- */

static void power_wait(struct power_file *file, const struct power_op *op)
{
    if (file->count == file->room) {
        file->room = file->room * 2 + 16;
        file->waiting = memory_resize(file->waiting, file->room, sizeof(void *));
    }
    file->waiting[file->count++] = op;
}

static void power_touch(struct power *power, const struct power_op *op)
{
    struct power_link *link = &power->links[op->name];

    if (op->entry.call == RECORDER_UNLINK) {
        link_add(link, NULL);
        return;
    }
    if (!link_now(link))
        link_add(link, memory_new(struct power_file));
    if (op->entry.call != RECORDER_SYNC)
        power_wait(link_now(link), op);
    else if (power->flaw != POWER_DEAF || op->name == POWER_DATABASE)
        file_sync(link_now(link));
    if (op->entry.call == RECORDER_SYNC && op->name == POWER_LOG)
        power->commits.before_log = power->commits.acknowledged;
}

static void power_do(struct power *power, const struct power_op *op)
{
    int32_t number = 0;

    if (op->name < POWER_NAMES) {
        power_touch(power, op);
    } else if (op->entry.call == RECORDER_SYNC_FOLDER) {
        for (int i = 0; i < POWER_NAMES; i++)
            link_sync(&power->links[i]);
        power->commits.before_folder = power->commits.acknowledged;
    } else if (op->entry.call == RECORDER_WRITE) {
        ck_assert_int_eq(op->entry.length, sizeof number);
        memcpy(&number, op->bytes, sizeof number);
        power->commits.acknowledged = number;
    }
}

void power_go(struct power *power, size_t entries)
{
    ck_assert(power->at <= entries && entries <= power->count);
    for (; power->at < entries; power->at++)
        power_do(power, &power->ops[power->at]);
}

struct power_commits power_commits(const struct power *power)
{
    return power->commits;
}

static char *power_path(const struct power *power, const char *folder, int name)
{
    return memory_format("%s/%s%s", folder, power->database, power_endings[name]);
}

void power_cut(const struct power *power, const char *folder, uint64_t *random)
{
    for (int i = 0; i < POWER_NAMES; i++) {
        const struct power_file *file = link_cut(&power->links[i], random);
        struct power_bytes bytes = {0};
        char *path = power_path(power, folder, i);
        unlink(path);
        if (file && (i == POWER_DATABASE || power->flaw != POWER_ALONE)) {
            file_cut(file, &bytes, random);
            power_bytes_write(&bytes, path);
            chmod(path, S_IRUSR | S_IWUSR); /* as SQLite and litekeeper make it */
        }
        free(bytes.bytes);
        free(path);
    }
}

/* All that was written to it; nothing where it is not there. */
static struct power_bytes file_whole(const struct power_file *file)
{
    struct power_bytes bytes = {0};

    if (!file)
        return bytes;
    power_bytes_put(&bytes, 0, file->durable.bytes, file->durable.length);
    for (size_t i = 0; i < file->count; i++)
        op_apply(file->waiting[i], &bytes);
    return bytes;
}

void power_same(const struct power *power, const char *folder)
{
    for (int i = 0; i < POWER_NAMES; i++) {
        const struct power_file *file = link_now(&power->links[i]);
        struct power_bytes there, whole = file_whole(file);
        char *path = power_path(power, folder, i);
        bool is_there = power_bytes_read(&there, path);
        ck_assert_msg(is_there == (file != NULL), "%s is %sthere", path, is_there ? "" : "not ");
        ck_assert_msg(whole.length == there.length &&
                          (!whole.length || !memcmp(whole.bytes, there.bytes, whole.length)),
                      "%s is not what was recorded: %zu and %zu bytes", path, there.length,
                      whole.length);
        free(whole.bytes);
        free(there.bytes);
        free(path);
    }
}
