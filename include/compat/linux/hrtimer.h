/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_HRTIMER_H
#define _COMPAT_LINUX_HRTIMER_H

#include_next <linux/hrtimer.h>
#include <linux/version.h>

/* "hrtimers: Introduce hrtimer_setup() to replace hrtimer_init()", 6.13 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, callback, clock, mode) ({			\
	struct hrtimer *_timer = (timer);				\
	hrtimer_init(_timer, clock, mode);				\
	_timer->function = callback;					\
})
#endif

#endif /* _COMPAT_LINUX_HRTIMER_H */
