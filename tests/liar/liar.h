/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data model: a device, its queues, and what it remembers.
 */
#ifndef _LIAR_H
#define _LIAR_H

#include <linux/bitmap.h>
#include <linux/if_ether.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>

#define LIAR_NAME_MAX		16
#define LIAR_FEATURES		128
#define LIAR_PAIRS_MAX		64
#define LIAR_SIZE_MAX		1024
#define LIAR_CONFIG_SIZE	sizeof(struct virtio_net_config)

/* The longest virtio header: that of UDP tunnels. */
#define LIAR_HEADER_MAX		24
#define LIAR_FRAME_MAX		(LIAR_HEADER_MAX + ETH_HLEN + 65536)

/* Pieces of one chain of descriptors; buffers of one frame. */
#define LIAR_PIECES_MAX		64
#define LIAR_BUFFERS_MAX	80

/* What is remembered of transmitted frames and of control commands. */
#define LIAR_RECORDS		64
#define LIAR_SENT_BYTES		192
#define LIAR_COMMAND_BYTES	640
#define LIAR_ANSWERS_MAX	16
#define LIAR_REPLY_MAX		64

/* Completed buffers that are written to later. */
#define LIAR_PAST		4

/*
 * struct liar_queue - the device's side of a virtqueue; under liar_lock but for
 *	@kicks and @irq
 * @liar: the device
 * @index: number of the queue
 * @vq: the driver's side; NULL while there is none
 * @ring: where the rings are
 * @seen: the next place of the available ring to count in @held
 * @held: by buffer number: how often the driver has posted it, less how often it was
 *	told that it was completed; the device may touch it if that is more than 0
 * @next: the next place of the available ring to take a buffer from
 * @used: the next place of the used ring to write to
 * @event: what @used was when the driver was interrupted last
 * @kicks: notifications by the driver; written by whoever kicks
 * @interrupts: how often the driver was interrupted
 * @irq: calls the driver, in a hard interrupt
 */
struct liar_queue {
	struct liar *liar;
	unsigned int index;
	struct virtqueue *vq;
	const struct vring *ring;
	u16 seen;
	s16 held[LIAR_SIZE_MAX];
	u16 next;
	u16 used;
	u16 event;
	u64 kicks;
	u64 interrupts;
	struct irq_work irq;
};

/*
 * struct liar_chain - a buffer that the driver has posted
 * @id: of its first descriptor
 * @outs: pieces that the device reads
 * @ins: pieces that the device writes
 * @out: the first @outs are valid
 * @in: the first @ins are valid
 */
struct liar_chain {
	u16 id;
	unsigned int outs;
	unsigned int ins;
	struct kvec out[LIAR_PIECES_MAX];
	struct kvec in[LIAR_PIECES_MAX];
};

/*
 * struct liar_buffers - buffers that are about to be completed
 * @queue: whose
 * @count: how many
 * @chain: the first @count are valid; and so are
 * @id: what the driver is told which it was
 * @len: what the driver is told of how much was written
 * @again: times that the first is completed in addition
 * @jump: added to the index of the used ring in the end
 * @quiet: no interrupt
 *
 * Honest as play.c fills it in. A lie is what becomes of it before it goes to the
 * driver.
 */
struct liar_buffers {
	struct liar_queue *queue;
	unsigned int count;
	struct liar_chain chain[LIAR_BUFFERS_MAX];
	u32 id[LIAR_BUFFERS_MAX];
	u32 len[LIAR_BUFFERS_MAX];
	unsigned int again;
	u16 jump;
	bool quiet;
};

/* What a lie is told on. */
enum liar_kind {
	LIAR_RX,
	LIAR_TX,
	LIAR_CONTROL,
	LIAR_KINDS
};

/*
 * struct liar_lie - a row of LIAR_LIES
 * @name: for files
 * @weight: how often at random: once in so many times
 * @kinds: BIT(enum liar_kind) of the queues on which it can be told
 * @tell: makes honest buffers lie
 * @what: for people
 */
struct liar_lie {
	const char *name;
	unsigned int weight;
	unsigned int kinds;
	void (*tell)(struct liar_buffers *buffers);
	const char *what;
};

/*
 * struct liar_turn - the next lies to be told
 * @lie: which
 * @left: how often
 * @dice: for lies at random, when none of these is left
 */
struct liar_turn {
	const struct liar_lie *lie;
	u64 left;
	struct rnd_state dice;
};

/*
 * struct liar_frame - a frame with its virtio header
 * @len: bytes of @data that are valid
 */
struct liar_frame {
	unsigned int len;
	u8 data[LIAR_FRAME_MAX];
};

/*
 * struct liar_sent - what is remembered of a transmitted frame
 * @pair: of the queue
 * @len: of the frame, with its virtio header; it may be longer than @data
 */
struct liar_sent {
	unsigned int pair;
	unsigned int len;
	u8 data[LIAR_SENT_BYTES];
};

/*
 * struct liar_command - what is remembered of a control command
 * @class: as in virtio 1.2, section 5.1.6.5
 * @command: the same
 * @answer: the verdict, or LIAR_SILENCE
 * @len: of what came after these two; it may be longer than @data
 */
struct liar_command {
	u8 class;
	u8 command;
	int answer;
	unsigned int len;
	u8 data[LIAR_COMMAND_BYTES];
};

/*
 * struct liar_answer - what to say to a control command
 * @class: of the command, or -1 for any
 * @command: or -1 for any
 * @ack: the answer's last byte, or LIAR_SILENCE: there is none
 * @len: bytes of @reply, which go before it
 */
struct liar_answer {
	int class;
	int command;
	int ack;
	unsigned int len;
	u8 reply[LIAR_REPLY_MAX];
};

#define LIAR_SILENCE (-1)

/*
 * struct liar_past - a receive buffer that was completed
 * @at: where it began
 * @len: of its first piece; 0: there is none
 * @when: jiffies
 */
struct liar_past {
	void *at;
	unsigned int len;
	unsigned long when;
};

/*
 * struct liar - a device
 * @vdev: what the driver binds to
 * @ops: liar_config_ops, without what the device lacks; constant
 * @list: in the list of all devices
 * @name: of the directory in debugfs
 * @dir: the directory
 * @pairs: queue pairs that there are; constant
 * @size: places of a ring; constant
 * @count: queues that there are; constant
 * @work: looks at what the driver has posted
 *
 * Under liar_lock; @config and @status are read without it:
 * @offered: feature bits that the device offers
 * @taken: those that the driver has taken
 * @config: the configuration space
 * @status: the device status field
 * @resets: how often the driver, or the core for it, has reset the device
 * @queue: @count of them: receive, transmit and so on, control
 * @wire: the device that receives what this one transmits; NULL: nobody does
 * @frame: what "receive" injects
 * @transmitted: frames ever
 * @received: frames ever completed
 * @dropped: frames for which the driver had posted no buffer
 * @unsuited: frames from the wire which a driver without that feature cannot get
 * @sent: the last frames transmitted, by their number
 * @commanded: control commands ever
 * @commands: the last of them, by their number
 * @answers: the first @answer_count are in force, the last that fits is given
 * @turn: by kind of queue: lies to be told
 * @told: lies ever told
 * @random: lies are told at random
 * @flood_dice: for the lengths of a flood's frames
 * @past: the last receive buffers that were completed
 * @stubborn: takes back FEATURES_OK
 * @bare: has no configuration space
 * @deaf: takes no kick
 * @leaving: the device is about to be removed
 */
struct liar {
	struct virtio_device vdev;
	struct virtio_config_ops ops;
	struct list_head list;
	char name[LIAR_NAME_MAX];
	struct dentry *dir;
	unsigned int pairs;
	unsigned int size;
	unsigned int count;
	struct work_struct work;

	DECLARE_BITMAP(offered, LIAR_FEATURES);
	DECLARE_BITMAP(taken, LIAR_FEATURES);
	u8 config[LIAR_CONFIG_SIZE];
	u8 status;
	u64 resets;
	struct liar_queue *queue;
	struct liar *wire;
	struct liar_frame frame;
	u64 transmitted;
	u64 received;
	u64 dropped;
	u64 unsuited;
	struct liar_sent sent[LIAR_RECORDS];
	u64 commanded;
	struct liar_command commands[LIAR_RECORDS];
	struct liar_answer answers[LIAR_ANSWERS_MAX];
	unsigned int answer_count;
	struct liar_turn turn[LIAR_KINDS];
	u64 told;
	bool random;
	struct rnd_state flood_dice;
	struct liar_past past[LIAR_PAST];
	bool stubborn;
	bool bare;
	bool deaf;
	bool leaving;
};

static inline struct liar *liar_of(struct virtio_device *vdev)
{
	return container_of(vdev, struct liar, vdev);
}

/*
 * The device's side of everything: whoever holds it plays all devices. Never held
 * while the driver is bound or unbound, which resets the device.
 */
extern struct mutex liar_lock;
extern struct workqueue_struct *liar_workqueue;

/* main.c: task context, without liar_lock */
int liar_add(char *words);
int liar_remove(const char *name, bool surprise);
struct liar *liar_find(const char *name);
int liar_set_config(struct liar *liar, const char *offset, const char *hex);

/* files.c */
void liar_files_init(void);
void liar_files_exit(void);
void liar_files_add(struct liar *liar);

/* transport.c */
extern const struct virtio_config_ops liar_config_ops;
bool liar_runs(const struct liar *liar);

/* ring.c: under liar_lock */
void liar_ring_init(struct liar_queue *queue, struct virtqueue *vq);
bool liar_ring_pop(struct liar_queue *queue, struct liar_chain *chain);
void liar_ring_push(struct liar_queue *queue, u32 id, u32 len);
void liar_ring_jump(struct liar_queue *queue, u16 by);
void liar_ring_interrupt(struct liar_queue *queue);
void liar_ring_watch(struct liar_queue *queue);
unsigned int liar_ring_room(const struct liar_chain *chain);
unsigned int liar_ring_read(const struct liar_chain *chain, void *to,
			    unsigned int max);
unsigned int liar_ring_write(const struct liar_chain *chain, const void *from,
			     unsigned int len);

/* lies.c: under liar_lock */
int liar_lies_choose(struct liar *liar, enum liar_kind kind, const char *name,
		     u64 count);
void liar_lies_random(struct liar *liar, bool random, u64 seed);
void liar_lies_forget(struct liar *liar);
const struct liar_lie *liar_lies_next(struct liar *liar, enum liar_kind kind);
bool liar_lies_write(const struct liar_lie *lie);
void liar_lies_complete(struct liar_buffers *buffers,
			const struct liar_lie *lie);
void liar_lies_show(struct seq_file *file);

/* play.c: under liar_lock, but for liar_play() and liar_play_flood() */
void liar_play(struct work_struct *work);
void liar_play_begin(struct liar_buffers *buffers, struct liar_queue *queue);
int liar_play_receive(struct liar *liar, unsigned int pair,
		      const struct liar_frame *frame);
int liar_play_flood(struct liar *liar, unsigned int pair, u64 count);
unsigned int liar_play_header(const struct liar *liar);
unsigned int liar_play_pairs(const struct liar *liar);

/* control.c: under liar_lock */
void liar_control(struct liar_queue *queue);

#endif /* _LIAR_H */
