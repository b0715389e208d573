/* Hints: a number for each page, two bits of it for its kind; and what undoes a change of them. */
#include "compact_inside.h"

#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_SHIFT = 30, GROWTH = 4096 };

#define PARENT_MASK ((UINT32_C(1) << KIND_SHIFT) - 1)

enum pagelink_kind compact_kind(const struct compact *compact, uint32_t page)
{
    return page <= compact->capacity ? (enum pagelink_kind)(compact->hints[page] >> KIND_SHIFT)
                                     : PAGELINK_NONE;
}

uint32_t compact_parent(const struct compact *compact, uint32_t page)
{
    return compact->hints[page] & PARENT_MASK;
}

bool compact_is_root(const struct compact *compact, uint32_t page)
{
    return compact_kind(compact, page) == PAGELINK_CHILD && compact_parent(compact, page) == 0;
}

static uint32_t hint_of(enum pagelink_kind kind, uint32_t parent)
{
    return (uint32_t)kind << KIND_SHIFT | parent;
}

void compact_set_hint(struct compact *compact, uint32_t page, enum pagelink_kind kind,
                      uint32_t parent)
{
    if (page > 1 && page <= compact->capacity)
        compact->hints[page] = hint_of(kind, parent);
}

void compact_note(struct compact *compact, uint32_t *number, uint32_t value)
{
    if (compact->undo_count == compact->undo_room) {
        compact->undo_room = compact->undo_room ? compact->undo_room * 2 : 1024;
        compact->undos = memory_resize(compact->undos, compact->undo_room, sizeof *compact->undos);
    }
    compact->undos[compact->undo_count++] = (struct compact_undo){number, *number};
    *number = value;
}

void compact_note_hint(struct compact *compact, uint32_t page, enum pagelink_kind kind,
                       uint32_t parent)
{
    if (page > 1 && page <= compact->capacity)
        compact_note(compact, &compact->hints[page], hint_of(kind, parent));
}

static uint32_t *hint_room(uint32_t *numbers, uint32_t from, uint32_t to)
{
    numbers = memory_resize(numbers, (size_t)to + 1, sizeof *numbers);
    memset(numbers + from, 0, ((size_t)to + 1 - from) * sizeof *numbers);
    return numbers;
}

enum status compact_grow(struct compact *compact, uint32_t pages, struct error *error)
{
    uint32_t from = compact->hints ? compact->capacity + 1 : 0;

    if (pages <= compact->capacity)
        return STATUS_OK;
    if (pages > PARENT_MASK - GROWTH)
        return error_set(error, STATUS_REFUSED,
                         "the file has %" PRIu32 " pages, more than can be kept track of", pages);
    compact->hints = hint_room(compact->hints, from, pages + GROWTH);
    compact->filled = memory_resize(compact->filled, (size_t)pages + GROWTH + 1, 1);
    memset(compact->filled + from, UINT8_MAX, (size_t)pages + GROWTH + 1 - from);
    if (compact->rank)
        compact->rank = hint_room(compact->rank, from, pages + GROWTH);
    compact->capacity = pages + GROWTH;
    return STATUS_OK;
}
