/* Whole files in memory. */
#include "lib_power_bytes.h"

#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void power_bytes_reach(struct power_bytes *bytes, size_t length)
{
    if (length > bytes->room) {
        bytes->room = length * 2;
        bytes->bytes = memory_resize(bytes->bytes, bytes->room, 1);
    }
    if (length > bytes->length)
        memset(bytes->bytes + bytes->length, 0, length - bytes->length);
    bytes->length = length;
}

void power_bytes_put(struct power_bytes *bytes, size_t at, const unsigned char *from, size_t count)
{
    if (!count)
        return;
    if (at + count > bytes->length)
        power_bytes_reach(bytes, at + count);
    memcpy(bytes->bytes + at, from, count);
}

bool power_bytes_read(struct power_bytes *bytes, const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned char part[65536];

    *bytes = (struct power_bytes){0};
    for (size_t got; file && (got = fread(part, 1, sizeof part, file)) > 0;)
        power_bytes_put(bytes, bytes->length, part, got);
    if (file)
        fclose(file);
    return file != NULL;
}

void power_bytes_write(const struct power_bytes *bytes, const char *path)
{
    FILE *file = fopen(path, "we");

    ck_assert_msg(file != NULL, "%s", path);
    if (bytes->length)
        ck_assert_uint_eq(fwrite(bytes->bytes, 1, bytes->length, file), bytes->length);
    ck_assert_int_eq(fclose(file), 0);
}
