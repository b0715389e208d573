/* SHA-256 (FIPS 180-4), as archives use it. The one room that knows the library. */
#ifndef DIGEST_H
#define DIGEST_H

#include <nettle/sha2.h>
#include <stddef.h>

enum { DIGEST_HEX = 2 * SHA256_DIGEST_SIZE + 1 };

struct digest {
    struct sha256_ctx context;
};

void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t length);
/* Lower case hex and a NUL; the digest begins anew. */
void digest_end(struct digest *digest, char hex[DIGEST_HEX]);

/* Of some bytes at once. */
void digest_of(const void *bytes, size_t length, char hex[DIGEST_HEX]);

#endif
