/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/timer.h>

/* Commit 41cb08555c41 ("treewide, timers: Rename from_timer()"), 6.16 */
#ifndef timer_container_of
#define timer_container_of from_timer
#endif
