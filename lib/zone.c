/*
 * Reads zone files (TZif, RFC 8536) of the host's tz database. Runs wherever a policy is loaded
 * or a window is asked about; it never touches TZ, tzset() or localtime().
 */
#include "zone.h"

#include "memory.h"
#include "zone_rule.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ZONE_NAME = 128,            /* longest name */
    ZONE_FILE = 64 * 1024,      /* largest file; the tz database's largest has 4 kB */
    ZONE_HEADER = 44,           /* bytes, RFC 8536 section 3.1 */
    ZONE_TYPE = 6,              /* bytes of a local time type */
    ZONE_OFFSET_MAX = 26 * 3600 /* RFC 8536 section 3.2 */
};

#define ZONE_SECOND INT64_C(1000000)

struct zone {
    int64_t *at;    /* seconds: when the offset changes ... */
    int32_t *after; /* ... to this one */
    size_t count;
    int32_t before; /* the offset ahead of the first change */
    bool has_rule;  /* for the time after the last change */
    struct zone_rule rule;
};

/* The six counts of a TZif header. */
struct zone_header {
    size_t utc_flags, wall_flags, leaps, times, types, letters;
};

static int64_t zone_integer(const unsigned char *bytes, size_t size)
{
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static bool zone_header(const unsigned char *bytes, size_t length, struct zone_header *header)
{
    size_t *counts[] = {&header->utc_flags, &header->wall_flags, &header->leaps,
                        &header->times,     &header->types,      &header->letters};

    if (length < ZONE_HEADER || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2')
        return false;
    for (size_t i = 0; i < 6; i++) {
        int64_t count = zone_integer(bytes + 20 + 4 * i, 4);
        if (count < 0 || count > ZONE_FILE)
            return false;
        *counts[i] = (size_t)count;
    }
    return true;
}

/* How long the block behind a header is, its times being `size` bytes each. */
static size_t zone_block(const struct zone_header *header, size_t size)
{
    return header->times * (size + 1) + header->types * ZONE_TYPE + header->letters +
           header->leaps * (size + 4) + header->wall_flags + header->utc_flags;
}

static bool zone_changes(struct zone *zone, const struct zone_header *header,
                         const unsigned char *block)
{
    const unsigned char *indexes = block + header->times * 8;
    const unsigned char *types = indexes + header->times;

    if (!header->types || header->leaps)
        return false;
    zone->count = header->times;
    zone->at = memory_zeroed(header->times, sizeof *zone->at);
    zone->after = memory_zeroed(header->times, sizeof *zone->after);
    zone->before = (int32_t)zone_integer(types, 4);
    for (size_t i = 0; i < header->times; i++) {
        if (indexes[i] >= header->types)
            return false;
        zone->at[i] = zone_integer(block + i * 8, 8);
        zone->after[i] = (int32_t)zone_integer(types + indexes[i] * ZONE_TYPE, 4);
        if (zone->after[i] < -ZONE_OFFSET_MAX || zone->after[i] > ZONE_OFFSET_MAX ||
            (i && zone->at[i] <= zone->at[i - 1]))
            return false;
    }
    return true;
}

/* The rule between two newlines at the file's end; there may be none, but not a wrong one. */
static bool zone_footer(struct zone *zone, const unsigned char *bytes, size_t length)
{
    char text[ZONE_NAME] = "";

    if (length < 2 || length - 2 >= sizeof text || bytes[0] != '\n' || bytes[length - 1] != '\n')
        return false;
    memcpy(text, bytes + 1, length - 2);
    zone->has_rule = zone_rule_parse(text, &zone->rule);
    return zone->has_rule || !*text;
}

/* Version 2 and later: a block of 32-bit times to skip, then one of 64-bit times. */
static bool zone_parse(struct zone *zone, const unsigned char *bytes, size_t length)
{
    struct zone_header header;

    for (size_t size = 4; size <= 8; size += 4) {
        if (!zone_header(bytes, length, &header))
            return false;
        bytes += ZONE_HEADER;
        length -= ZONE_HEADER;
        if (zone_block(&header, size) > length)
            return false;
        if (size == 8 && !zone_changes(zone, &header, bytes))
            return false;
        bytes += zone_block(&header, size);
        length -= zone_block(&header, size);
    }
    return zone_footer(zone, bytes, length);
}

/* Reads at most `size` bytes; -1 with errno. */
static ssize_t zone_read(const char *path, unsigned char *bytes, size_t size)
{
    size_t length = 0;
    ssize_t got = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0)
        return -1;
    while (length < size && (got = read(file, bytes + length, size - length)) > 0)
        length += (size_t)got;
    int reason = errno;
    close(file);
    errno = reason;
    return got < 0 ? -1 : (ssize_t)length;
}

static enum status zone_file(const char *path, const char *name, struct zone **zone,
                             struct error *error)
{
    unsigned char *bytes = memory_zeroed(ZONE_FILE, 1);
    struct zone *made = memory_new(struct zone);
    ssize_t length = zone_read(path, bytes, ZONE_FILE);
    enum status status = STATUS_OK;

    if (length < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EISDIR))
        status = error_set(error, STATUS_INVALID, "this host has no time zone \"%.100s\"", name);
    else if (length < 0)
        status = error_set(error, STATUS_INVALID, "%s: %s", path, strerror(errno));
    else if (!zone_parse(made, bytes, (size_t)length))
        status = error_set(error, STATUS_INVALID, "%s is no usable time zone file", path);
    free(bytes);
    if (status == STATUS_OK)
        *zone = made;
    else
        zone_free(made);
    return status;
}

/* A name of the tz database; nothing that could leave its folder. */
static bool zone_name_valid(const char *name)
{
    if (!isalpha((unsigned char)*name) || strlen(name) >= ZONE_NAME)
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
            return false;
    return !strstr(name, "//") && name[strlen(name) - 1] != '/';
}

static enum status zone_named(const char *name, struct zone **zone, struct error *error)
{
    if (!zone_name_valid(name))
        return error_set(
            error, STATUS_INVALID,
            "\"%.100s\" is no name of a time zone; write one such as Europe/Berlin or UTC", name);
    if (strcmp(name, "UTC") == 0) { /* also where no tz database is installed */
        *zone = memory_new(struct zone);
        return STATUS_OK;
    }
    char *path = memory_format("/usr/share/zoneinfo/%s", name);
    enum status status = zone_file(path, name, zone, error);
    free(path);
    return status;
}

/* Like tzset(3): TZ is a name, perhaps behind a colon, or a rule; what can't be read is UTC. */
static struct zone *zone_of_host(void)
{
    const char *name = getenv("TZ");
    struct zone *zone = NULL;

    if (name && *name == ':')
        name++;
    if (!name && zone_file("/etc/localtime", "localtime", &zone, NULL) == STATUS_OK)
        return zone;
    if (name && *name == '/' && zone_file(name, name, &zone, NULL) == STATUS_OK)
        return zone;
    if (name && *name && zone_named(name, &zone, NULL) == STATUS_OK)
        return zone;
    zone = memory_new(struct zone);
    zone->has_rule = name && zone_rule_parse(name, &zone->rule);
    return zone;
}

enum status zone_load(const char *name, struct zone **zone, struct error *error)
{
    if (name)
        return zone_named(name, zone, error);
    *zone = zone_of_host();
    return STATUS_OK;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->after);
    free(zone);
}

/* How many changes there were up to that second. */
static size_t zone_changed(const struct zone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t zone_seconds(int64_t us)
{
    return us / ZONE_SECOND - (us % ZONE_SECOND < 0);
}

int32_t zone_offset(const struct zone *zone, int64_t utc_us)
{
    int64_t seconds = zone_seconds(utc_us);
    size_t changed = zone_changed(zone, seconds);

    if (changed == zone->count && zone->has_rule)
        return zone_rule_offset(&zone->rule, seconds);
    return changed ? zone->after[changed - 1] : zone->before;
}

int64_t zone_change(const struct zone *zone, int64_t utc_us)
{
    int64_t seconds = zone_seconds(utc_us);
    int32_t offset = zone_offset(zone, utc_us);

    for (size_t i = zone_changed(zone, seconds); i < zone->count; i++)
        if (zone->after[i] != offset)
            return zone->at[i] * ZONE_SECOND;
    if (zone->count && seconds < zone->at[zone->count - 1])
        seconds = zone->at[zone->count - 1];
    seconds = zone->has_rule ? zone_rule_change(&zone->rule, seconds) : INT64_MAX;
    return seconds < INT64_MAX ? seconds * ZONE_SECOND : INT64_MAX;
}

/* Goes through the stretches of one offset in which it may be that the clock shows that time. */
int zone_moments(const struct zone *zone, int64_t local_us, int64_t moments[2])
{
    const int64_t most = ZONE_OFFSET_MAX * ZONE_SECOND;
    int64_t begin = local_us - most, end;
    int found = 0;

    for (; found < 2 && begin <= local_us + most; begin = end) {
        int64_t moment = local_us - zone_offset(zone, begin) * ZONE_SECOND;
        end = zone_change(zone, begin);
        if (moment < begin && !found) {
            moments[0] = begin;
            return 0;
        }
        if (moment >= begin && moment < end)
            moments[found++] = moment;
    }
    return found;
}
