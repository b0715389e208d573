/* Big-endian numbers as SQLite's file format has them. The caller knows that the bytes are there.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t bytes_two(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t bytes_four(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void bytes_put_four(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

/* A variable-length integer (fileformat2.html#varint) at `*at`, which moves behind it; false if it
 * does not end within `length` bytes. */
static inline bool bytes_varint(const unsigned char *bytes, uint32_t length, uint32_t *at,
                                uint64_t *value)
{
    uint64_t found = 0;

    for (int i = 0; i < 9; i++) {
        if (*at >= length)
            return false;
        unsigned char byte = bytes[(*at)++];
        if (i == 8) {
            found = found << 8 | byte;
            break;
        }
        found = found << 7 | (byte & 0x7F);
        if (!(byte & 0x80))
            break;
    }
    *value = found;
    return true;
}

#endif
