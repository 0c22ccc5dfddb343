// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue: commands to the device, which may be slow or silent.
 */
#include <linux/slab.h>

#include "labnet.h"

/*
 * A device that needs longer than this is considered stuck. Shorter than the time
 * after which a transmit queue does, since queues wait for some commands.
 */
#define LABNET_CTRL_TIMEOUT	(4 * HZ)

/*
 * struct labnet_ctrl_message - what the device reads and writes
 * @hdr: class and command; read by the device
 * @data: the command's argument; read by the device
 * @ack: written by the device
 *
 * Lives on the heap, since a device that does not answer keeps it.
 */
struct labnet_ctrl_message {
	struct virtio_net_ctrl_hdr hdr;
	u8 data[LABNET_CTRL_DATA];
	virtio_net_ctrl_ack ack;
};

void labnet_ctrl_interrupt(struct virtqueue *vq)
{
	struct labnet *ln = vq->vdev->priv;

	complete(&ln->ctrl.done);
}

static int ctrl_post(struct labnet_ctrl *ctrl, unsigned int len)
{
	struct labnet_ctrl_message *message = ctrl->message;
	struct scatterlist hdr, data, ack;
	struct scatterlist *sgs[3];
	unsigned int out = 0;
	int err;

	sg_init_one(&hdr, &message->hdr, sizeof(message->hdr));
	sgs[out++] = &hdr;
	if (len) {
		sg_init_one(&data, message->data, len);
		sgs[out++] = &data;
	}
	sg_init_one(&ack, &message->ack, sizeof(message->ack));
	sgs[out] = &ack;
	err = virtqueue_add_sgs(ctrl->vq, sgs, out, 1, message, GFP_KERNEL);
	if (err)
		return err;
	return virtqueue_kick(ctrl->vq) ? 0 : -EIO;
}

/*
 * An answer to no command must not be taken for the next one's: this would go on
 * for ever. The virtqueue finds it impossible, and breaks.
 */
static void ctrl_drain(struct labnet_ctrl *ctrl)
{
	unsigned int len;

	while (virtqueue_get_buf(ctrl->vq, &len))
		;
}

/* Wait for the answer; true when it is there. */
static bool ctrl_wait(struct labnet_ctrl *ctrl)
{
	unsigned long end = jiffies + LABNET_CTRL_TIMEOUT;
	unsigned int len;

	while (!virtqueue_get_buf(ctrl->vq, &len)) {
		if (virtqueue_is_broken(ctrl->vq) || time_after(jiffies, end))
			return false;
		/* Look again soon: not every device interrupts for this queue. */
		wait_for_completion_timeout(&ctrl->done, HZ / 50);
	}
	return true;
}

/*
 * No answer. A device that has answered others is worth a restart, after which it
 * is told everything again; from one that never did, nothing better can be had.
 */
static void ctrl_give_up(struct labnet *ln)
{
	struct virtio_net_ctrl_hdr *hdr = &ln->ctrl.message->hdr;
	bool restart = ln->ctrl.answered && labnet_request_restart(ln);

	ln->ctrl.stuck = true;
	ln->ctrl.stats.timeouts++;
	netdev_err(ln->dev, "no answer to control command %u/%u%s\n",
		   hdr->class, hdr->cmd, restart ? ", restarting the device" : "");
}

/*
 * Send a command with @len bytes of @data, which may be none. Returns 0, or
 * -EOPNOTSUPP: the device has no control queue
 * -EIO: the device is down, stuck or broken
 * -ETIMEDOUT: no answer; the queue cannot be used until the device is reset, which
 *	is asked for if it may help
 * -EINVAL: the device refused
 */
int labnet_ctrl_command(struct labnet *ln, u8 class, u8 command,
			const void *data, size_t len)
{
	struct labnet_ctrl *ctrl = &ln->ctrl;
	struct labnet_ctrl_message *message = ctrl->message;
	int err = -EIO;

	if (!message)
		return -EOPNOTSUPP;
	if (WARN_ON_ONCE(len > sizeof(message->data)))
		return -EINVAL;

	mutex_lock(&ctrl->lock);
	if (!ctrl->vq || ctrl->stuck)
		goto unlock;
	ctrl_drain(ctrl);
	message->hdr.class = class;
	message->hdr.cmd = command;
	memcpy(message->data, data, len);
	message->ack = VIRTIO_NET_ERR;
	reinit_completion(&ctrl->done);

	ctrl->stats.commands++;
	err = ctrl_post(ctrl, len);
	if (!err && !ctrl_wait(ctrl))
		err = -ETIMEDOUT;
	if (err) {
		ctrl_give_up(ln);
		goto unlock;
	}
	ctrl->answered = true;
	if (message->ack != VIRTIO_NET_OK) {
		ctrl->stats.refused++;
		err = -EINVAL;
	}
unlock:
	if (ctrl->vq && unlikely(virtqueue_is_broken(ctrl->vq)))
		labnet_queue_broken(ln, "control");
	mutex_unlock(&ctrl->lock);
	return err;
}

int labnet_ctrl_init(struct labnet *ln)
{
	struct labnet_ctrl *ctrl = &ln->ctrl;

	mutex_init(&ctrl->lock);
	init_completion(&ctrl->done);
	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_VQ))
		return 0;
	ctrl->message = kzalloc(sizeof(*ctrl->message), GFP_KERNEL);
	return ctrl->message ? 0 : -ENOMEM;
}

void labnet_ctrl_free(struct labnet *ln)
{
	kfree(ln->ctrl.message);
}

/* The device is reset: a message that it kept is ours again. */
void labnet_ctrl_reset(struct labnet *ln)
{
	mutex_lock(&ln->ctrl.lock);
	ln->ctrl.vq = NULL;
	ln->ctrl.stuck = false;
	ln->ctrl.answered = false;
	mutex_unlock(&ln->ctrl.lock);
}
