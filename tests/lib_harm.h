/*
 * Database files of lib_damage, each harmed in one way that has a name, for the tests of what edits
 * pages.
 */
#ifndef LIB_HARM_H
#define LIB_HARM_H

#include "lib_damage.h"

#include <stdbool.h>
#include <stddef.h>

/* What the steps make of it without the audit. */
enum steps {
    STEPS_NOTICE,   /* they end, with an error */
    STEPS_HARMLESS, /* they may go on, and nothing is lost */
    STEPS_BLIND     /* two pages name one: the reason that there is an audit */
};

struct harm {
    const char *name;
    void (*harm)(struct damage_image *image);
    enum steps steps;
    bool sound; /* nothing is wrong */
};

extern const struct harm harms[];
extern const size_t harm_count;

/* The freelist's first trunk, and the last page of the file. */
uint32_t harm_trunk(struct damage_image *image);
uint32_t harm_last_page(const struct damage_image *image);

/* The file of that page size, harmed, as `path`; the image is the caller's to free. */
void harm_make(struct damage_image *image, const struct harm *harm, int page_size,
               const char *path);
/* A number that means something, or any, somewhere in a page of some kind; or pages that are
 * copied, cut off or added. */
void harm_anything(struct damage_image *image, uint64_t *random);

#endif
