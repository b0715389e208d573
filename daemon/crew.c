/*
 * A list of hands, of which some are busy. One that has been idle for a while is told to end, and
 * so is the longest idle one where there are too many.
 */
#include "crew.h"

#include "event.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { CREW_IDLE = 4, CREW_IDLE_MS = 1000, CREW_GRACE_MS = 1000 };

struct hand {
    struct crew *crew;
    struct launch *launch;
    struct identity file; /* owner and group are those of all its files */
    json_t *job;
    int64_t time_limit_ms;
    struct launch_handlers handlers;
    bool busy, cancelled;
    bool reused; /* this job is not its first */
    bool spoke;  /* about this job */
    uint64_t idle_since;
    struct hand *next;
};

struct crew {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct hand *hands;
    size_t idle;
    bool freed, timer_closed;
};

static void crew_free_if_empty(struct crew *crew)
{
    if (crew->freed && crew->timer_closed && !crew->hands)
        free(crew);
}

static void crew_timer_closed(uv_handle_t *timer)
{
    struct crew *crew = timer->data;

    crew->timer_closed = true;
    crew_free_if_empty(crew);
}

static void crew_dismiss(struct hand *hand)
{
    if (hand->cancelled)
        return;
    hand->cancelled = true;
    hand->crew->idle--;
    launch_cancel(hand->launch, CREW_GRACE_MS);
}

static void crew_dismiss_idle(struct crew *crew, uint64_t since)
{
    struct hand *next;

    for (struct hand *hand = crew->hands; hand; hand = next) {
        next = hand->next;
        if (!hand->busy && hand->idle_since <= since)
            crew_dismiss(hand);
    }
}

static void crew_look(uv_timer_t *timer)
{
    struct crew *crew = timer->data;

    crew_dismiss_idle(crew, uv_now(crew->loop) - CREW_IDLE_MS);
    if (!crew->idle)
        uv_timer_stop(timer);
}

struct crew *crew_new(uv_loop_t *loop)
{
    struct crew *crew = memory_new(struct crew);

    crew->loop = loop;
    uv_timer_init(loop, &crew->timer);
    crew->timer.data = crew;
    return crew;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    crew->freed = true;
    crew_dismiss_idle(crew, UINT64_MAX);
    uv_close((uv_handle_t *)&crew->timer, crew_timer_closed);
}

static struct hand *crew_longest_idle(const struct crew *crew)
{
    struct hand *longest = NULL;

    for (struct hand *hand = crew->hands; hand; hand = hand->next)
        if (!hand->busy && !hand->cancelled && (!longest || hand->idle_since < longest->idle_since))
            longest = hand;
    return longest;
}

/* The job is done, and the worker asks for another. */
static void crew_ready(struct hand *hand)
{
    struct crew *crew = hand->crew;
    struct launch_handlers handlers = hand->handlers;
    struct error ok = {0};

    if (!hand->busy)
        return; /* nobody has asked */
    hand->busy = false;
    hand->idle_since = uv_now(crew->loop);
    json_decref(hand->job);
    hand->job = NULL;
    launch_rest(hand->launch);
    if (!hand->cancelled && ++crew->idle > CREW_IDLE)
        crew_dismiss(crew_longest_idle(crew));
    if (!uv_is_active((uv_handle_t *)&crew->timer))
        uv_timer_start(&crew->timer, crew_look, CREW_IDLE_MS, CREW_IDLE_MS);
    handlers.ended(handlers.argument, &ok);
}

static void crew_event(void *argument, json_t *event)
{
    struct hand *hand = argument;

    if (strcmp(event_kind(event), "ready") == 0) {
        json_decref(event);
        crew_ready(hand);
    } else if (hand->busy) {
        hand->spoke = true;
        hand->handlers.event(hand->handlers.argument, event);
    } else {
        json_decref(event);
    }
}

static void crew_remove(struct hand *hand)
{
    struct crew *crew = hand->crew;
    struct hand **place = &crew->hands;

    while (*place != hand)
        place = &(*place)->next;
    *place = hand->next;
    if (!hand->busy && !hand->cancelled)
        crew->idle--;
    json_decref(hand->job);
    free(hand);
    crew_free_if_empty(crew);
}

static enum status crew_launch(struct hand *hand, struct error *error);

/* One that has done other jobs may lack what this one needs, such as the right to come through a
 * folder that is closed to the file's owner: then a new worker has it. */
static void crew_ended(void *argument, const struct error *error)
{
    struct hand *hand = argument;
    struct launch_handlers handlers = hand->handlers;
    bool busy = hand->busy;
    struct error why = *error;

    hand->launch = NULL;
    if (busy && hand->reused && !hand->spoke && !hand->cancelled) {
        hand->reused = false;
        if (crew_launch(hand, &why) == STATUS_OK)
            return;
    }
    crew_remove(hand);
    if (busy)
        handlers.ended(handlers.argument, &why);
}

static enum status crew_launch(struct hand *hand, struct error *error)
{
    struct launch_handlers handlers = {crew_event, crew_ended, hand};

    return launch_start(hand->crew->loop, hand->job, hand->time_limit_ms, &handlers, &hand->launch,
                        error);
}

/* One that waits for such a job, or NULL. */
static struct hand *crew_waiting(struct crew *crew, const struct identity *file)
{
    for (struct hand *hand = crew->hands; hand; hand = hand->next)
        if (!hand->busy && !hand->cancelled && hand->file.owner == file->owner &&
            hand->file.group == file->group)
            return hand;
    return NULL;
}

static void crew_employ(struct hand *hand, json_t *job, int64_t time_limit_ms,
                        const struct launch_handlers *handlers)
{
    hand->job = json_incref(job);
    hand->time_limit_ms = time_limit_ms;
    hand->handlers = *handlers;
    hand->busy = true;
    hand->spoke = false;
}

enum status crew_start(struct crew *crew, json_t *job, const struct identity *file, bool stays,
                       int64_t time_limit_ms, const struct launch_handlers *handlers,
                       struct hand **started, struct error *error)
{
    struct hand *hand = stays ? crew_waiting(crew, file) : NULL;

    if (stays && job)
        json_object_set_new(job, "stay", json_true());
    if (hand && launch_again(hand->launch, job, time_limit_ms, error) == STATUS_OK) {
        crew->idle--;
        crew_employ(hand, job, time_limit_ms, handlers);
        hand->reused = true;
        *started = hand;
        return STATUS_OK;
    }
    hand = memory_new(struct hand);
    hand->crew = crew;
    hand->file = *file;
    hand->next = crew->hands;
    crew->hands = hand;
    crew_employ(hand, job, time_limit_ms, handlers);
    enum status status = crew_launch(hand, error);
    if (status)
        crew_remove(hand);
    else
        *started = hand;
    return status;
}

void crew_send(struct hand *hand, json_t *message)
{
    if (hand->launch)
        launch_send(hand->launch, message);
}

void crew_cancel(struct hand *hand, int64_t grace_ms)
{
    hand->cancelled = true;
    launch_cancel(hand->launch, grace_ms);
}
