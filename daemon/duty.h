/*
 * A duty: one task of one database file, when it is due, and what it is waiting for. Owned by its
 * file, moved by the scheduler alone.
 */
#ifndef DUTY_H
#define DUTY_H

#include "config.h"
#include "schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

enum duty_state {
    DUTY_NEW,       /* its past is not known yet, so nobody waits for it */
    DUTY_SCHEDULED, /* it is due at due_us */
    DUTY_RETRY,     /* it is due, and failed or found the database busy */
    DUTY_WINDOW,    /* it is due, and waits for its window */
    DUTY_PAUSED,    /* it is due, and the operator has paused it */
    DUTY_READY,     /* it is due, and waits for a worker */
    DUTY_RUNNING
};

struct duty {
    struct file *file;
    const struct config_task *task;
    struct schedule_past past;
    bool told;         /* the history knows since when it is there */
    unsigned failures; /* in a row, the database being busy among them */
    enum duty_state state;
    int64_t due_us;    /* when it is or was due; INT64_MAX: never */
    int64_t look_us;   /* when the scheduler looks at it again */
    size_t place;      /* in the agenda, from 1 on; 0: it isn't there */
    struct duty *next; /* in the queue */
};

/* Every change of state goes through here: it must be one that can happen. */
void duty_change(struct duty *duty, enum duty_state state);

/* What it waits for, in words: "waits for its window". */
const char *duty_waits_for(const struct duty *duty);

#endif
