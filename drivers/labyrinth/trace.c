// SPDX-License-Identifier: GPL-2.0
/*
 * The one place where the tracepoints are made.
 */
#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/labyrinth.h>

/* The tests have labyrinth_ledger_move() inline, too. */
EXPORT_TRACEPOINT_SYMBOL_GPL(labyrinth_move);
