/*
 * How functions fail. A fallible function returns a status, 0 for success, and fills in an error
 * that an operator can read; its results leave through out-parameters, untouched on failure.
 */
#ifndef ERROR_H
#define ERROR_H

enum status {
    STATUS_OK = 0,
    STATUS_FAILED,    /* it went wrong: the task has failed */
    STATUS_REFUSED,   /* a guard says no, and nothing was touched: the task is skipped */
    STATUS_BUSY,      /* locked or worked on by someone else for too long: try later */
    STATUS_CANCELLED, /* told to stop, or out of time */
    STATUS_INVALID    /* what came in (a policy, a job, an event) is not valid */
};

struct error {
    enum status status;
    char text[512];    /* one sentence: what is wrong and what to do; no newline, no full stop */
    const char *guard; /* of a refusal that a program must know: one of outcome.h's; else NULL */
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Fills in `error` (which may be NULL) and returns `status`, so that callers can return it. */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as a refusal of that guard. */
enum status error_refuse(struct error *error, const char *guard, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
