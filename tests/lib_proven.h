/*
 * Holds of online compaction that a test makes itself, in a sound file of small pages, "app.db"
 * (lib_opened.h): so that each proof can be asked, and what leads to it be prepared.
 */
#ifndef LIB_PROVEN_H
#define LIB_PROVEN_H

#include "compact_inside.h"
#include "lib_compacting.h"
#include "lib_damage.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROVEN_PAGE = 512 };

extern struct compacting proven_scene;
extern struct damage_image proven_image; /* of the file before the SQL of proven_begin */

/* Makes the file in that journal mode and runs `sql`, opens it, and audits it, which makes the
 * hints. */
void proven_begin(const char *journal, const char *sql);
void proven_finish(void);
/* integrity_check, and t's rows. */
void proven_expect_sound(void);

/* One hold; whether it was committed. It must not fail. */
bool proven_hold(compact_work *work);
enum status proven_nothing(struct compact *compact, void *argument, struct error *error);
/* The application runs that on a connection of its own. */
void proven_app(const char *sql);

/* Within a hold: whether the page is proven to be live; and forgets what was proven. */
bool proven_is_live(struct compact *compact, uint32_t page);
void proven_forget(struct compact *compact);
/* The highest page of the freelist before `limit`, which is on it no more then. */
uint32_t proven_take(struct compact *compact, uint32_t limit);
/* Moves a live page into one of the freelist before `limit`, to which the old one is given; the new
 * place. */
uint32_t proven_move(struct compact *compact, uint32_t from, uint32_t limit);

/* The whole of a test program: its exit status. Where the linked SQLite can't do it, it is left
 * out. */
int proven_main(const char *name, void (*add)(TCase *tests));

#endif
