/* Damaged database files: an image in memory to break by hand, and a look at what became of it. */
#ifndef LIB_DAMAGE_H
#define LIB_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct damage_image {
    unsigned char *bytes;
    size_t size;
    uint32_t page_size;
    uint32_t t, u, t_a; /* root pages of the tables t and u, and of t's index; each has children */
};

/* A sound database of tables t(a, b) and u(a, b), index t_a, with a freelist and overflow. */
void damage_base(struct damage_image *image, int page_size, int auto_vacuum);
void damage_copy(struct damage_image *image, const struct damage_image *from);
void damage_free(struct damage_image *image);
void damage_write(const struct damage_image *image, const char *path);
/* Whether the file is that image, to the byte; or fails the test where it isn't. */
bool damage_is(const struct damage_image *image, const char *path);
void damage_expect(const struct damage_image *image, const char *path);

/* Big-endian numbers in place. */
uint32_t damage_two(const unsigned char *at);
uint32_t damage_four(const unsigned char *at);
void damage_put_two(unsigned char *at, uint32_t value);
void damage_put_four(unsigned char *at, uint32_t value);

unsigned char *damage_page(struct damage_image *image, uint32_t page);
/* The number of an interior page's child `i`, in place. */
unsigned char *damage_child(struct damage_image *image, uint32_t page, uint32_t i);
/* The first leaf below `page`. */
uint32_t damage_first_leaf(struct damage_image *image, uint32_t page);
/* Pages of zeroes at the end, which the header counts; returns the first one's number. */
uint32_t damage_grow(struct damage_image *image, uint32_t pages);

/* Measures the file in a child that may take 256 MiB (but for ASan) and 20 s, and returns what was
 * said: "refused: why", "ok" and a line for each error; or how the child died. Static memory. */
const char *damage_look(const char *path, double slice_ms);
/* The same in this process, into `text`; checks that what is reported can be. */
void damage_look_here(const char *path, double slice_ms, char *text, size_t size);
void damage_limit(void);

#endif
