/* The bytes of a file, in memory, changed as calls change a file. */
#ifndef LIB_POWER_BYTES_H
#define LIB_POWER_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised it is empty; `bytes` is the caller's to free. */
struct power_bytes {
    unsigned char *bytes;
    size_t length, room;
};

/* Makes it that long: cut off, or with zeros behind it. */
void power_bytes_reach(struct power_bytes *bytes, size_t length);
void power_bytes_put(struct power_bytes *bytes, size_t at, const unsigned char *from, size_t count);

/* Reads a file; false, and empty, if there is none. */
bool power_bytes_read(struct power_bytes *bytes, const char *path);
void power_bytes_write(const struct power_bytes *bytes, const char *path);

#endif
