// SPDX-License-Identifier: GPL-2.0
/*
 * Restarts: a device that does not work any more gets another chance, soon the
 * first time, and later and later when that does not help.
 */
#include <linux/minmax.h>
#include <linux/rtnetlink.h>

#include "labnet.h"

#define LABNET_RESTART_SOON	(HZ / 10)
#define LABNET_RESTART_LATE	(10 * HZ)

/* A device that has received and transmitted so much has worked. */
#define LABNET_RESTART_FRAMES	64

static u64 restart_frames(const struct labnet *ln)
{
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < ln->pairs; i++)
		frames += READ_ONCE(ln->rx[i].stats.frames) +
			READ_ONCE(ln->tx[i].stats.frames);
	return frames;
}

/* Was the last restart any good? It was if there was nothing to do for long. */
static bool restart_helped(const struct labnet *ln)
{
	const struct labnet_restart *restart = &ln->restart;
	unsigned long done = READ_ONCE(restart->done);

	if (READ_ONCE(restart->running))
		return false;
	return time_after(jiffies, done + LABNET_RESTART_LATE) ||
		restart_frames(ln) - READ_ONCE(restart->frames) >=
		LABNET_RESTART_FRAMES;
}

/*
 * A restart holds rtnl, and may do so for seconds where commands get no answer: a
 * device that it does not help must not keep everybody else from it.
 */
static unsigned long restart_delay(const struct labnet *ln)
{
	if (restart_helped(ln))
		return LABNET_RESTART_SOON;
	return clamp_t(unsigned long, 2 * READ_ONCE(ln->restart.delay),
		       LABNET_RESTART_SOON, LABNET_RESTART_LATE);
}

/* Returns whether this is news, and not only one more symptom. */
bool labnet_request_restart(struct labnet *ln)
{
	struct labnet_restart *restart = &ln->restart;
	unsigned long delay = restart_delay(ln);

	if (!schedule_delayed_work(&restart->work, delay))
		return false;
	WRITE_ONCE(restart->delay, delay);
	return true;
}

/*
 * The virtqueue refuses all service, since the device has done what cannot be. A
 * restart that has begun is not asked for again by polls that it has yet to stop.
 */
bool labnet_queue_broken(struct labnet *ln, const char *queue)
{
	if (xchg(&ln->broken, true))
		return false;
	labnet_request_restart(ln);
	netdev_err(ln->dev, "%s is broken, restarting the device\n", queue);
	return true;
}

/* What made it fail may pass, as a shortage of memory does. */
static void restart_work(struct work_struct *work)
{
	struct labnet *ln = container_of(work, struct labnet, restart.work.work);
	struct labnet_restart *restart = &ln->restart;

	rtnl_lock();
	WRITE_ONCE(restart->running, true);
	if (netif_running(ln->dev) && netif_device_present(ln->dev) &&
	    labnet_device_restart(ln))
		labnet_request_restart(ln);
	WRITE_ONCE(restart->done, jiffies);
	WRITE_ONCE(restart->frames, restart_frames(ln));
	WRITE_ONCE(restart->running, false);
	rtnl_unlock();
}

void labnet_restart_init(struct labnet *ln)
{
	INIT_DELAYED_WORK(&ln->restart.work, restart_work);
	ln->restart.done = jiffies;
}
