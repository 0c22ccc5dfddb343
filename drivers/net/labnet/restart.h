/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Restarting a device that does not work any more.
 */
#ifndef _LABNET_RESTART_H
#define _LABNET_RESTART_H

#include <linux/workqueue.h>

struct labnet;

/*
 * struct labnet_restart - when the device is restarted
 * @work: does it, under rtnl
 * @delay: jiffies between the last request and the restart; written by whoever has
 *	asked for it
 * @running: the work is at it; written by the work
 * @done: when it was done last, in jiffies; the same
 * @frames: how many had been received and transmitted then; the same
 */
struct labnet_restart {
	struct delayed_work work;
	unsigned long delay;
	bool running;
	unsigned long done;
	u64 frames;
};

void labnet_restart_init(struct labnet *ln);

/* Any context. */
bool labnet_request_restart(struct labnet *ln);
bool labnet_queue_broken(struct labnet *ln, const char *queue);

#endif /* _LABNET_RESTART_H */
