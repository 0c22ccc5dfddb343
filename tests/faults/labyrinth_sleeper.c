// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_sleeper: lets one virtio device sleep and wake up, and nothing else of
 * the machine. Who writes an interface's name to the parameter "sleep" does all of
 * it in his own context, so that faults can be injected into it.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/virtio.h>

static int sleeper_set(const char *name, const struct kernel_param *kp)
{
	struct net_device *dev = dev_get_by_name(&init_net, name);
	struct virtio_device *vdev;
	int err;

	if (!dev)
		return -ENODEV;
	vdev = dev_to_virtio(dev->dev.parent);
	err = virtio_device_freeze(vdev);
	if (!err)
		err = virtio_device_restore(vdev);
	dev_put(dev);
	return err;
}

static const struct kernel_param_ops sleeper_ops = {
	.set = sleeper_set,
};

module_param_cb(sleep, &sleeper_ops, NULL, 0200);
MODULE_PARM_DESC(sleep, "the interface whose card sleeps and wakes up at once");

static int __init sleeper_init(void)
{
	return 0;
}

static void __exit sleeper_exit(void)
{
}

module_init(sleeper_init);
module_exit(sleeper_exit);

MODULE_DESCRIPTION("Lets one virtio device sleep");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
