/*
 * A hash of values, eight bytes at a time, that finds accidents and not forgery. Within the
 * functions that take millions of rows, and so in line.
 */
#ifndef WORDHASH_H
#define WORDHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The finalizer of splitmix64 (prng.di.unimi.it/splitmix64.c). One to one in `word`: whichever
 * single word is another, the hash is another. */
static inline uint64_t wordhash_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) + 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static inline uint64_t wordhash_bytes(uint64_t hash, const unsigned char *bytes, size_t length)
{
    uint64_t word;

    hash = wordhash_mix(hash, length);
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = wordhash_mix(hash, word);
    }
    word = 0;
    if (length)
        memcpy(&word, bytes, length);
    return wordhash_mix(hash, word);
}

#endif
