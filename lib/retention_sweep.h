/*
 * The short way for the common case, a table that nothing refers to with its rows in the order of
 * age by an index: one DELETE for a short range of times, without collecting keys before.
 */
#ifndef RETENTION_SWEEP_H
#define RETENTION_SWEEP_H

#include "retention.h"

bool sweep_possible(const struct retention_facts *facts);

/* Deletes all that is past the cut-off, in steps; `*removed` counts up, on failure too. */
enum status retention_sweep(struct engine *engine, const struct retention_facts *facts,
                            int64_t *removed, struct error *error) MUST_CHECK;

#endif
