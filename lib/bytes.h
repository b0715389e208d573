/* Big-endian numbers as SQLite's file format has them. The caller knows that the bytes are there.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>

static inline uint32_t bytes_two(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t bytes_four(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

#endif
