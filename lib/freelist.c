/* The walk along the freelist's trunks; each page is taken once, so a loop ends it. */
#include "freelist.h"

#include "btreewalk.h"
#include "bytes.h"

#include <inttypes.h>

enum { AT_NEXT = 0, AT_COUNT = 4, AT_LEAVES = 8 };

struct freelist {
    struct pagefile *file;
    struct pageset *taken;
    int64_t pages; /* so far */
    unsigned char bytes[FILEHEADER_PAGE_MAX];
};

/* Takes a trunk and its leaves; `next` is the next trunk, 0 at the end. */
static enum status freelist_trunk(struct freelist *list, uint32_t number, uint32_t *next,
                                  struct error *error)
{
    enum status status = btreewalk_take(list->file, list->taken, number, error);

    if (!status)
        status = pagefile_read(list->file, number, list->bytes, error);
    if (status)
        return status;
    uint32_t count = bytes_four(list->bytes + AT_COUNT);
    if (count > list->file->header.usable / 4 - 2)
        return error_set(error, STATUS_INVALID,
                         "its trunk page %" PRIu32 " counts %" PRIu32
                         " pages, more than it can name",
                         number, count);
    for (uint32_t i = 0; i < count && !status; i++)
        status = btreewalk_take(list->file, list->taken,
                                bytes_four(list->bytes + AT_LEAVES + 4 * i), error);
    list->pages += 1 + (int64_t)count;
    *next = bytes_four(list->bytes + AT_NEXT);
    return status;
}

/* Every page is taken before it is read, so this ends after as many trunks as there are pages.
 * Where someone wrote between two slices the list is another one: no more is said of it. */
enum status freelist_check(struct pagefile *file, struct pageset *taken, int64_t trunks,
                           struct error *error)
{
    struct freelist list = {.file = file, .taken = taken};
    uint32_t trunk = file->header.freelist, counted = file->header.free_pages;
    int64_t changes = file->changes;
    enum status status = STATUS_OK;

    if (counted > file->pages)
        return error_set(error, STATUS_INVALID,
                         "the header counts %" PRIu32 " free pages, but the file has %" PRIu32,
                         counted, file->pages);
    for (; trunk && trunks > 0 && !status; trunks--) {
        status = pagefile_breathe(file, error);
        if (file->changes != changes)
            return status;
        if (!status)
            status = freelist_trunk(&list, trunk, &trunk, error);
    }
    if (!status && !trunk && list.pages != counted)
        return error_set(error, STATUS_INVALID,
                         "it has %" PRId64 " pages, but the header counts %" PRIu32, list.pages,
                         counted);
    return status;
}
