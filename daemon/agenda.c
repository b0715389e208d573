/* A binary heap; each duty knows its place in it, so that it can be taken out from the middle. */
#include "agenda.h"

#include "memory.h"

#include <stdlib.h>

void agenda_free(struct agenda *agenda)
{
    free(agenda->duties);
    *agenda = (struct agenda){0};
}

static bool agenda_before(const struct duty *one, const struct duty *other)
{
    if (one->look_us != other->look_us)
        return one->look_us < other->look_us;
    return one->file == other->file && one->task < other->task;
}

static void agenda_set(struct agenda *agenda, size_t place, struct duty *duty)
{
    agenda->duties[place - 1] = duty;
    duty->place = place;
}

static void agenda_up(struct agenda *agenda, struct duty *duty)
{
    size_t place = duty->place;

    for (; place > 1; place /= 2) {
        struct duty *parent = agenda->duties[place / 2 - 1];
        if (!agenda_before(duty, parent))
            break;
        agenda_set(agenda, place, parent);
    }
    agenda_set(agenda, place, duty);
}

static void agenda_down(struct agenda *agenda, struct duty *duty)
{
    size_t place = duty->place;

    for (size_t child; (child = place * 2) <= agenda->count; place = child) {
        if (child < agenda->count &&
            agenda_before(agenda->duties[child], agenda->duties[child - 1]))
            child++;
        if (!agenda_before(agenda->duties[child - 1], duty))
            break;
        agenda_set(agenda, place, agenda->duties[child - 1]);
    }
    agenda_set(agenda, place, duty);
}

void agenda_put(struct agenda *agenda, struct duty *duty)
{
    if (!duty->place) {
        if (agenda->count == agenda->capacity) {
            agenda->capacity = agenda->capacity ? agenda->capacity * 2 : 64;
            agenda->duties = memory_resize(agenda->duties, agenda->capacity, sizeof(struct duty *));
        }
        agenda_set(agenda, ++agenda->count, duty);
    }
    agenda_up(agenda, duty);
    agenda_down(agenda, duty);
}

void agenda_remove(struct agenda *agenda, struct duty *duty)
{
    size_t place = duty->place;

    if (!place)
        return;
    struct duty *last = agenda->duties[--agenda->count];
    duty->place = 0;
    if (last == duty)
        return;
    agenda_set(agenda, place, last);
    agenda_up(agenda, last);
    agenda_down(agenda, last);
}

struct duty *agenda_first(const struct agenda *agenda)
{
    return agenda->count ? agenda->duties[0] : NULL;
}
