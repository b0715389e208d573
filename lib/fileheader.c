/* The database header: every field that the rest relies on is checked here, once. */
#include "fileheader.h"

#include "bytes.h"

#include <inttypes.h>
#include <string.h>

enum { LOCK_BYTE = 0x40000000, USABLE_MIN = 480 };

/* Where each field is; fileformat2.html#the_database_header. */
enum {
    AT_PAGE_SIZE = 16,
    AT_READ_VERSION = 19,
    AT_RESERVED = 20,
    AT_FRACTIONS = 21,
    AT_CHANGES = 24,
    AT_PAGES = 28,
    AT_FREELIST = 32,
    AT_FREE_PAGES = 36,
    AT_SCHEMA = 40,
    AT_LARGEST_ROOT = 52,
    AT_INCREMENTAL = 64,
    AT_VALID_FOR = 92,
    AT_WRITER = 96
};

static enum status fileheader_check(const unsigned char *bytes, uint32_t size, struct error *error)
{
    if (memcmp(bytes, "SQLite format 3", 16))
        return error_set(error, STATUS_INVALID, "it does not begin as a SQLite database does");
    if (size < 512 || size > FILEHEADER_PAGE_MAX || (size & (size - 1)))
        return error_set(error, STATUS_INVALID,
                         "its header has a page size of %" PRIu32
                         ", and only powers of two from 512 to 65536 are valid",
                         size);
    if (bytes[AT_READ_VERSION] < 1 || bytes[AT_READ_VERSION] > 2)
        return error_set(error, STATUS_INVALID, "its header asks for version %d of the format",
                         bytes[AT_READ_VERSION]);
    if (size - bytes[AT_RESERVED] < USABLE_MIN)
        return error_set(error, STATUS_INVALID,
                         "its header reserves %d bytes of each page of %" PRIu32 " bytes",
                         bytes[AT_RESERVED], size);
    if (memcmp(bytes + AT_FRACTIONS, "\100\040\040", 3))
        return error_set(error, STATUS_INVALID,
                         "its header's payload fractions are not 64, 32, 32");
    return STATUS_OK;
}

enum status fileheader_parse(const unsigned char bytes[FILEHEADER_SIZE], struct fileheader *header,
                             struct error *error)
{
    uint32_t size = bytes_two(bytes + AT_PAGE_SIZE);

    size = size == 1 ? FILEHEADER_PAGE_MAX : size;
    enum status status = fileheader_check(bytes, size, error);
    if (status)
        return status;
    *header = (struct fileheader){
        .page_size = size,
        .usable = size - bytes[AT_RESERVED],
        .changes = bytes_four(bytes + AT_CHANGES),
        .pages = bytes_four(bytes + AT_PAGES),
        .freelist = bytes_four(bytes + AT_FREELIST),
        .free_pages = bytes_four(bytes + AT_FREE_PAGES),
        .schema = bytes_four(bytes + AT_SCHEMA),
        .largest_root = bytes_four(bytes + AT_LARGEST_ROOT),
        .incremental = bytes_four(bytes + AT_INCREMENTAL) != 0,
        .valid_for = bytes_four(bytes + AT_VALID_FOR),
        .writer = bytes_four(bytes + AT_WRITER),
    };
    return STATUS_OK;
}

uint32_t fileheader_lock_page(const struct fileheader *header)
{
    return LOCK_BYTE / header->page_size + 1;
}

/* A pointer-map page and the pages that it has entries of 5 bytes for. */
static uint32_t fileheader_group(const struct fileheader *header)
{
    return header->usable / 5 + 1;
}

/* The first one is page 2; one begins each group. Where that would be the lock page it is the
 * page behind it instead (ptrmapPageno). */
bool fileheader_pointer_map(const struct fileheader *header, uint32_t page)
{
    if (!header->largest_root || page < 2)
        return false;
    uint32_t group = fileheader_group(header);
    uint32_t map = (page - 2) / group * group + 2;
    if (map == fileheader_lock_page(header))
        map++;
    return map == page;
}

uint32_t fileheader_special_pages(const struct fileheader *header, uint32_t pages)
{
    uint32_t special = pages >= fileheader_lock_page(header) ? 1 : 0;

    if (header->largest_root && pages >= 2)
        special += (pages - 2) / fileheader_group(header) + 1;
    return special;
}
