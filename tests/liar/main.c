// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_liar: virtio network devices that are made in the guest.
 *
 * The driver, the virtio core and the rings are the real ones. The device behind
 * them is this module: it offers whatever feature bits it is told to, QEMU's or not,
 * receives what is written to a file, and remembers what was transmitted.
 *
 * All of it is below /sys/kernel/debug/labyrinth_liar:
 *
 * control	write: one command
 *	add NAME [features=LIST] [pairs=N] [size=N] [config=OFFSET:HEX]... [stubborn=1]
 *	    [bare=1]
 *		make a device, and the directory NAME. LIST has numbers of feature
 *		bits, as in 5,15-17,32; a ring has N places; config sets bytes of
 *		struct virtio_net_config; stubborn: it takes FEATURES_OK back;
 *		bare: that struct is missing, as PCI devices may have none. By
 *		default: MAC, MRG_RXBUF, STATUS and VERSION_1, one pair, 256 places,
 *		link up. A driver that is loaded has been bound when the command is
 *		done.
 *	remove NAME [surprise]
 *		remove the device; its rings are broken before that by surprise
 *
 * NAME/frame	write: the frame that "receive" injects, bytes as they are, with
 *		its virtio header (NAME/status says of what length)
 * NAME/command	write: one command
 *	receive PAIR [COUNT]	let the driver receive the frame, once or COUNT times;
 *				num_buffers is filled in
 *	wire OTHER|none		what NAME transmits is received by OTHER, which may
 *				be NAME itself. One direction: two devices that are to
 *				talk to each other are told so each
 *	config OFFSET HEX	change the configuration space, and interrupt
 *	answer CLASS COMMAND OK|ERR|none|NUMBER [HEX]
 *				what to say to a control command from now on. CLASS and
 *				COMMAND are numbers or *; HEX goes before the verdict.
 *				The youngest that fits counts; without any it is OK
 *	answer reset		forget these answers
 *	lie rx|tx|control LIE [COUNT]
 *				tell a lie about the next buffer, or the next COUNT, that
 *				would be completed honestly; LIE is a name of the file
 *				lies, or none
 *	random SEED|off		whenever no such lie is left, tell one at random, the
 *				same ones in the same order for the same SEED
 *	give-up			set DEVICE_NEEDS_RESET, and interrupt
 *	stubborn 0|1		take FEATURES_OK back from now on, or no longer
 *	deaf 0|1		refuse kicks from now on, or no longer
 *	interrupt QUEUE COUNT	interrupt so often, whatever there is; QUEUE is a number
 * NAME/flood	write: "PAIR COUNT": let the driver receive the frame COUNT times, cut or
 *		stretched to random lengths; waits for buffers, at most 20 s for one
 * lies		read: the lies that there are: "<name> <what it says>"
 * NAME/status	read: "<word> <value>" lines, and one line for each queue
 * NAME/sent	read: the last 64 frames transmitted, oldest first:
 *		"<number> <pair> <length> <hex>", virtio header included, at most 192
 *		bytes of it
 * NAME/commands
 *		read: the last 64 control commands, oldest first:
 *		"<number> <class> <command> <verdict> <length> <hex>", at most 640
 *		bytes; the verdict is -1 where there was no answer
 *
 * A write that makes no sense fails with EINVAL and changes nothing. "receive" fails
 * with ENOTCONN while the driver is not ready, ENOSPC when it has posted too little,
 * EMSGSIZE when the frame is shorter than a virtio header.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/ethtool.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "liar.h"

#define LIAR_SIZE	256

/* Bytes of the key for hashes, entries of the table of queues. */
#define LIAR_KEY	40
#define LIAR_TABLE	128

/* IPv4, IPv6, and TCP and UDP over them. */
#define LIAR_HASH_TYPES	GENMASK(5, 0)

/* See liar.h. */
DEFINE_MUTEX(liar_lock);
struct workqueue_struct *liar_workqueue;

/* Devices come and go one at a time; before liar_lock, which protects the list, too. */
static DEFINE_MUTEX(liar_admin);
static LIST_HEAD(liar_devices);
static struct device *liar_parent;
static unsigned int liar_made;

/* What this transport cannot do: an IOMMU, packed rings, data with a kick. */
static const unsigned int liar_cannot[] = {
	VIRTIO_F_ACCESS_PLATFORM,
	VIRTIO_F_RING_PACKED,
	38,	/* VIRTIO_F_NOTIFICATION_DATA, which 6.1 does not know */
};

static const unsigned int liar_default[] = {
	VIRTIO_NET_F_MAC,
	VIRTIO_NET_F_MRG_RXBUF,
	VIRTIO_NET_F_STATUS,
	VIRTIO_F_VERSION_1,
};

/* Under liar_admin or liar_lock. */
struct liar *liar_find(const char *name)
{
	struct liar *liar;

	list_for_each_entry(liar, &liar_devices, list)
		if (!strcmp(liar->name, name))
			return liar;
	return NULL;
}

static void liar_release(struct device *dev)
{
	struct liar *liar = liar_of(dev_to_virtio(dev));

	kfree(liar->queue);
	kvfree(liar);
}

static int liar_set_features(struct liar *liar, const char *list)
{
	unsigned int i;
	int err;

	err = bitmap_parselist(list, liar->offered, LIAR_FEATURES);
	if (err)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(liar_cannot); i++)
		if (test_bit(liar_cannot[i], liar->offered))
			return -EINVAL;
	return 0;
}

/* Write bytes of the configuration space; under liar_lock, or before there is a driver. */
int liar_set_config(struct liar *liar, const char *offset, const char *hex)
{
	unsigned int at, len = hex ? strlen(hex) / 2 : 0;
	u8 bytes[LIAR_CONFIG_SIZE];

	if (!len || strlen(hex) % 2 || kstrtouint(offset, 0, &at) ||
	    at >= LIAR_CONFIG_SIZE || len > LIAR_CONFIG_SIZE - at ||
	    hex2bin(bytes, hex, len))
		return -EINVAL;
	memcpy(liar->config + at, bytes, len);
	return 0;
}

static int liar_set_size(struct liar *liar, const char *text)
{
	if (kstrtouint(text, 0, &liar->size) || liar->size > LIAR_SIZE_MAX ||
	    !is_power_of_2(liar->size))
		return -EINVAL;
	return 0;
}

static int liar_set_pairs(struct liar *liar, const char *text)
{
	struct virtio_net_config *config = (void *)liar->config;

	if (kstrtouint(text, 0, &liar->pairs) || !liar->pairs ||
	    liar->pairs > LIAR_PAIRS_MAX)
		return -EINVAL;
	config->max_virtqueue_pairs = cpu_to_le16(liar->pairs);
	return 0;
}

/* One "key=value". */
static int liar_set(struct liar *liar, char *word)
{
	char *key = strsep(&word, "=");

	if (!word)
		return -EINVAL;
	if (!strcmp(key, "features"))
		return liar_set_features(liar, word);
	if (!strcmp(key, "pairs"))
		return liar_set_pairs(liar, word);
	if (!strcmp(key, "size"))
		return liar_set_size(liar, word);
	if (!strcmp(key, "stubborn"))
		return kstrtobool(word, &liar->stubborn);
	if (!strcmp(key, "bare"))
		return kstrtobool(word, &liar->bare);
	if (!strcmp(key, "config")) {
		key = strsep(&word, ":");
		return liar_set_config(liar, key, word);
	}
	return -EINVAL;
}

/* What a device is that is told nothing else. */
static void liar_set_defaults(struct liar *liar)
{
	struct virtio_net_config *config = (void *)liar->config;
	const u8 mac[ETH_ALEN] = { 0x02, 'l', 'i', 'a', 'r', liar_made };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(liar_default); i++)
		set_bit(liar_default[i], liar->offered);
	liar->pairs = 1;
	liar->size = LIAR_SIZE;
	memcpy(config->mac, mac, sizeof(mac));
	config->status = cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	config->max_virtqueue_pairs = cpu_to_le16(1);
	config->mtu = cpu_to_le16(ETH_DATA_LEN);
	config->speed = cpu_to_le32(SPEED_10000);
	config->duplex = DUPLEX_FULL;
	config->rss_max_key_size = LIAR_KEY;
	config->rss_max_indirection_table_length = cpu_to_le16(LIAR_TABLE);
	config->supported_hash_types = cpu_to_le32(LIAR_HASH_TYPES);
}

/* Make a device of the words after "add". */
static struct liar *liar_create(char *words)
{
	char *name = strsep(&words, " ");
	struct liar *liar;
	int err = 0;

	if (!*name || strlen(name) >= LIAR_NAME_MAX || strchr(name, '/') ||
	    liar_find(name))
		return ERR_PTR(-EINVAL);
	liar = kvzalloc(sizeof(*liar), GFP_KERNEL);
	if (!liar)
		return ERR_PTR(-ENOMEM);
	strscpy(liar->name, name, sizeof(liar->name));
	liar_set_defaults(liar);
	while (words && !err)
		err = liar_set(liar, strsep(&words, " "));
	liar->count = 2 * liar->pairs + 1;
	if (!err)
		liar->queue = kcalloc(liar->count, sizeof(*liar->queue), GFP_KERNEL);
	if (!liar->queue) {
		kvfree(liar);
		return ERR_PTR(err ?: -ENOMEM);
	}
	return liar;
}

static void liar_prepare(struct liar *liar)
{
	unsigned int i;

	for (i = 0; i < liar->count; i++) {
		liar->queue[i].liar = liar;
		liar->queue[i].index = i;
	}
	INIT_WORK(&liar->work, liar_play);
	liar->vdev.id.device = VIRTIO_ID_NET;
	liar->ops = liar_config_ops;
	if (liar->bare)
		liar->ops.get = NULL;
	liar->vdev.config = &liar->ops;
	liar->vdev.dev.parent = liar_parent;
	liar->vdev.dev.release = liar_release;
}

static int liar_register(struct liar *liar)
{
	int err;

	liar_prepare(liar);
	mutex_lock(&liar_lock);
	list_add_tail(&liar->list, &liar_devices);
	mutex_unlock(&liar_lock);
	liar_files_add(liar);
	err = register_virtio_device(&liar->vdev);
	if (!err) {
		liar_made++;
		return 0;
	}
	debugfs_remove_recursive(liar->dir);
	mutex_lock(&liar_lock);
	list_del(&liar->list);
	mutex_unlock(&liar_lock);
	put_device(&liar->vdev.dev);
	return err;
}

/* The driver, if there is one, has been bound when this returns. */
int liar_add(char *words)
{
	struct liar *liar;
	int err;

	mutex_lock(&liar_admin);
	liar = liar_create(words);
	err = IS_ERR(liar) ? PTR_ERR(liar) : liar_register(liar);
	mutex_unlock(&liar_admin);
	return err;
}

/* Nobody finds the device any more, nor sends to it. */
static void liar_hide(struct liar *liar)
{
	struct liar *other;

	mutex_lock(&liar_lock);
	list_del(&liar->list);
	liar->leaving = true;
	list_for_each_entry(other, &liar_devices, list)
		if (other->wire == liar)
			other->wire = NULL;
	mutex_unlock(&liar_lock);
	/* Waits for commands, and for a flood, which sees that it is to end. */
	debugfs_remove_recursive(liar->dir);
}

static void liar_destroy(struct liar *liar, bool surprise)
{
	struct device *dev = get_device(&liar->vdev.dev);

	liar_hide(liar);
	if (surprise)
		virtio_break_device(&liar->vdev);
	unregister_virtio_device(&liar->vdev);
	cancel_work_sync(&liar->work);
	put_device(dev);
}

int liar_remove(const char *name, bool surprise)
{
	struct liar *liar;

	mutex_lock(&liar_admin);
	liar = liar_find(name);
	if (liar)
		liar_destroy(liar, surprise);
	mutex_unlock(&liar_admin);
	return liar ? 0 : -EINVAL;
}

static int __init liar_init(void)
{
	liar_parent = root_device_register("labyrinth_liar");
	if (IS_ERR(liar_parent))
		return PTR_ERR(liar_parent);
	liar_workqueue = alloc_ordered_workqueue("labyrinth_liar", 0);
	if (!liar_workqueue) {
		root_device_unregister(liar_parent);
		return -ENOMEM;
	}
	liar_files_init();
	return 0;
}

static void __exit liar_exit(void)
{
	struct liar *liar, *next;

	liar_files_exit();
	list_for_each_entry_safe(liar, next, &liar_devices, list)
		liar_destroy(liar, false);
	destroy_workqueue(liar_workqueue);
	root_device_unregister(liar_parent);
}

module_init(liar_init);
module_exit(liar_exit);

MODULE_DESCRIPTION("Virtio network devices that say what they are told to say");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
