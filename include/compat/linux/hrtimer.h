/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_HRTIMER_H
#define _COMPAT_LINUX_HRTIMER_H

#include_next <linux/hrtimer.h>
#include <linux/version.h>

/*
 * "hrtimers: Introduce hrtimer_setup() to replace hrtimer_init()", 6.13. A
 * function leaves no trace for the preprocessor, hence the version; under another
 * name, so that a stable kernel may have it, too.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup labyrinth_hrtimer_setup

static inline void
labyrinth_hrtimer_setup(struct hrtimer *timer,
			enum hrtimer_restart (*function)(struct hrtimer *timer),
			clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif /* _COMPAT_LINUX_HRTIMER_H */
