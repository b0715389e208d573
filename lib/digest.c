/* SHA-256 by nettle. Pure. */
#include "digest.h"

#include <stdint.h>
#include <stdio.h>

void digest_begin(struct digest *digest)
{
    sha256_init(&digest->context);
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
    sha256_update(&digest->context, length, bytes);
}

void digest_end(struct digest *digest, char hex[DIGEST_HEX])
{
    uint8_t bytes[SHA256_DIGEST_SIZE];

    sha256_digest(&digest->context, sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void digest_of(const void *bytes, size_t length, char hex[DIGEST_HEX])
{
    struct digest digest;

    digest_begin(&digest);
    digest_add(&digest, bytes, length);
    digest_end(&digest, hex);
}
