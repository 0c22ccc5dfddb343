/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's data model: the device, its queues, and who owns which part.
 */
#ifndef _LABNET_H
#define _LABNET_H

#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/labyrinth.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/workqueue.h>
#include <net/xdp.h>

#include "chain.h"
#include "counters.h"
#include "hdr.h"
#include "heads.h"
#include "restart.h"
#include "ring.h"
#include "rss.h"

#define LABNET_DRIVER "labnet"

/* Frames that a program sends back go to the transmit queue that many at once. */
#define LABNET_XDP_BULK		16

/*
 * struct labnet_moderation - how long the device waits before it interrupts
 * @packets: until there are that many, or
 * @usecs: that long; it does not wait if either is 0
 */
struct labnet_moderation {
	u32 packets;
	u32 usecs;
};

/* Room for "rx" and the largest number of a queue. */
#define LABNET_QUEUE_NAME	8

/*
 * struct labnet_rx - a receive queue
 *
 * Constant while the device runs:
 * @vq: the virtqueue, or NULL while the device is down
 * @zone: where its pages come from
 * @ln: the device
 * @name: as in rx0, for interrupts and the zone
 * @size: buffers in the full ring
 * @xdp_rxq: what XDP programs and their maps know of the queue
 * @napi: the poll, which owns @vq, @zone and what follows
 *
 * Written under rtnl, read by the poll:
 * @program: an XDP program is attached, or about to be
 *
 * NAPI poll:
 * @fresh: how a page is cut that is taken in this poll
 * @large: frames in one buffer until all frames count as such again; see
 *	labnet_buffer_begin()
 * @spare: the second half of the page that was taken last, or none
 * @chain: see there
 * @sg: for the buffer being posted
 * @xdp: the frame in hand: its first buffer, and those gathered after it
 * @more: buffers of that frame that are still in the ring
 * @prog: the XDP program of this poll, or NULL
 * @hdr: the virtio header of the frame that the program sees
 * @sends: frames that the program sends back
 * @send_count: how many of them wait for the transmit queue's lock
 * @redirected: the program has sent frames elsewhere in this poll
 * @posted: buffers in the ring
 * @posted_min: the fewest there ever were since the device was started; 0 while
 *	the queue is not in use
 * @copies: the page that small packets are copied to, or NULL
 * @copies_used: bytes of it that are in use
 * @heads: see there
 * @batch: skbs that go to the stack together at the end of the poll
 * @udp_batches: of UDP datagrams that went past GRO
 * @udp_merges: UDP datagrams that are still to be offered to GRO
 * @settle: the queue is idle; set by @idle
 * @stats: see there
 *
 * Timer:
 * @idle: notices that the queue is idle
 * @idle_frames: @stats.frames when it last looked
 *
 * Under rtnl:
 * @past: the counters of the zones that this queue has had before
 * @adaptive: @dim chooses @moderation; polls read
 * @moderation: see coalesce.c for who owns it
 * @dim: the poll's, and its work's while DIM_APPLY_NEW_PROFILE
 */
struct labnet_rx {
	struct virtqueue *vq;
	struct labyrinth_zone *zone;
	struct labnet *ln;
	char name[LABNET_QUEUE_NAME];
	u32 size;
	struct xdp_rxq_info xdp_rxq;
	struct napi_struct napi;

	bool program;

	struct labnet_page fresh;
	u32 large;
	struct labnet_buffer spare;
	struct labnet_chain chain;
	struct scatterlist sg[LABNET_CHAIN_DESCRIPTORS];
	struct xdp_buff xdp;
	u32 more;
	struct bpf_prog *prog;
	const struct labnet_hdr *hdr;
	struct xdp_frame *sends[LABNET_XDP_BULK];
	u32 send_count;
	bool redirected;
	u32 posted;
	u32 posted_min;
	struct labyrinth_entry *copies;
	u32 copies_used;
	struct labnet_heads heads;
	struct list_head batch;
	u32 udp_batches;
	u32 udp_merges;
	bool settle;
	struct labnet_rx_stats stats;

	struct timer_list idle;
	u64 idle_frames;

	u64 past[LABYRINTH_COUNTERS_MAX];
	bool adaptive;
	struct labnet_moderation moderation;
	struct dim dim;
} ____cacheline_aligned_in_smp;

/*
 * struct labnet_tx - a transmit queue
 * @vq: the virtqueue, or NULL while the device is down; under the transmit lock
 * @ln: the device
 * @name: as in tx0, for interrupts
 * @open: XDP programs may transmit; under the transmit lock
 * @hangs: the stack has said so; cleared when the queue starts
 * @revived: frames transmitted when it hung last; watchdog
 * @napi: frees what the device has transmitted
 * @queue: the stack's side of it; constant
 * @sg: for the frame being posted; under the transmit lock
 * @piece: the same, for a frame in one piece
 * @moderation: of its interrupts; under rtnl
 * @stats: see there
 */
struct labnet_tx {
	struct virtqueue *vq;
	struct labnet *ln;
	char name[LABNET_QUEUE_NAME];
	bool open;
	bool hangs;
	u64 revived;
	struct napi_struct napi;
	struct netdev_queue *queue;
	struct scatterlist sg[MAX_SKB_FRAGS + 2];
	struct scatterlist piece;
	struct labnet_moderation moderation;
	struct labnet_tx_stats stats;
} ____cacheline_aligned_in_smp;

/*
 * struct labnet_ctrl - the control queue
 * @vq: the virtqueue; NULL if the device has none or is down
 * @lock: one command at a time; protects all that follows
 * @done: the device has answered
 * @message: command, data and answer; the device reads and writes here
 * @stuck: a command was never answered, so that @message is the device's until
 *	it is reset
 * @answered: the device has answered since it was reset
 * @stats: see there
 */
struct labnet_ctrl {
	struct virtqueue *vq;
	struct mutex lock;	/* see above */
	struct completion done;
	struct labnet_ctrl_message *message;
	bool stuck;
	bool answered;
	struct labnet_ctrl_stats stats;
};

/*
 * struct labnet - a device; the private part of its net_device
 *
 * Constant:
 * @vdev: the virtio device
 * @dev: the network interface
 * @hdr_len: bytes of virtio header before each packet
 * @usual_headroom: what an skb needs before its packet for the usual header, of 12
 *	bytes; U32_MAX if the device has another one, or wants it apart
 * @mergeable: a packet may span several buffers
 * @tunnel_in, @tunnel_in_csum, @tunnel_out: what of UDP tunnels is negotiated
 * @device_pairs: queue pairs of the device
 * @pairs: queue pairs in @rx and @tx: not more than CPUs
 *
 * @active: queue pairs in use, the first ones; under rtnl
 * @xdp_prog: the XDP program, or NULL; under rtnl, polls read
 * @flow_seed: makes flows' holder numbers hard to guess
 * @quality: LABYRINTH_QUALITY_* of all zones; under rtnl
 * @rx_copybreak: longest packet that is copied; ethtool writes, polls read
 * @ctrl: see there
 * @ring: see there
 * @rss: see there
 * @restart: see there
 * @failover: what makes the device another one's standby, or NULL; by probe and
 *	remove
 * @speed: of the link in Mbit/s, or SPEED_UNKNOWN; the device's word, or what
 *	somebody has set; under rtnl
 * @duplex: DUPLEX_*; the same
 * @vlans: VLANs that the device is to deliver; under rtnl
 * @filter_work: tells the device which addresses it is to deliver
 * @config_work: looks at the device after a configuration interrupt
 * @revive_work: resets transmit queues that hang
 * @broken: a virtqueue was found broken since the device was started; whoever finds
 *	that sets it, under rtnl it is cleared
 * @rx: receive queues
 * @tx: transmit queues
 */
struct labnet {
	struct virtio_device *vdev;
	struct net_device *dev;
	unsigned int hdr_len;
	unsigned int usual_headroom;
	bool mergeable;
	bool tunnel_in, tunnel_in_csum, tunnel_out;
	unsigned int device_pairs;
	unsigned int pairs;

	unsigned int active;
	struct bpf_prog __rcu *xdp_prog;
	u32 flow_seed;
	unsigned int quality;
	unsigned int rx_copybreak;
	struct labnet_ctrl ctrl;
	struct labnet_ring ring;
	struct labnet_rss rss;
	struct labnet_restart restart;
	struct failover *failover;
	u32 speed;
	u8 duplex;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	struct work_struct filter_work;
	struct work_struct config_work;
	struct work_struct revive_work;
	bool broken;
	struct labnet_rx *rx;
	struct labnet_tx *tx;
};

/* Virtqueues come in pairs: receive, transmit, and after them the control queue. */
static inline struct labnet_rx *labnet_vq_rx(struct virtqueue *vq)
{
	struct labnet *ln = vq->vdev->priv;

	return &ln->rx[vq->index / 2];
}

static inline struct labnet_tx *labnet_vq_tx(struct virtqueue *vq)
{
	struct labnet *ln = vq->vdev->priv;

	return &ln->tx[vq->index / 2];
}

/* A device that could not be started again is down, whatever the stack thinks. */
static inline bool labnet_device_runs(const struct labnet *ln)
{
	return ln->rx[0].vq;
}

#define LABNET_RX_OFFLOADS	(NETIF_F_RXCSUM | NETIF_F_GRO_HW)

/* features.c: what is negotiated, and what follows from it */
extern const unsigned int labnet_features[];
extern const unsigned int labnet_features_count;
int labnet_features_validate(struct virtio_device *vdev);
unsigned int labnet_features_pairs(struct virtio_device *vdev);
void labnet_features_apply(struct labnet *ln);
int labnet_features_set(struct net_device *dev, netdev_features_t features);
u64 labnet_features_offloads(const struct labnet *ln,
			     netdev_features_t features);
int labnet_features_set_offloads(struct labnet *ln, netdev_features_t features);
void labnet_features_restore(struct labnet *ln);

/* device.c: starting and stopping the hardware; task context under rtnl */
int labnet_device_start(struct labnet *ln);
void labnet_device_stop(struct labnet *ln);
int labnet_device_restart(struct labnet *ln);
void labnet_device_suspend(struct labnet *ln);
bool labnet_device_needs_reset(const struct labnet *ln);
void labnet_device_measure(struct labnet *ln);
int labnet_device_set_pairs(struct labnet *ln, unsigned int pairs);
void labnet_device_update_status(struct labnet *ln);

/* queue.c: virtqueues; task context under rtnl */
int labnet_queues_alloc(struct labnet *ln);
void labnet_queues_free(struct labnet *ln);
int labnet_queues_find(struct labnet *ln);
int labnet_queues_use(struct labnet *ln, unsigned int pairs);
void labnet_queues_delete(struct labnet *ln);

/* irq.c: what others may know of polls and interrupts; task context under rtnl */
void labnet_irq_init(struct net_device *dev);
void labnet_irq_show(struct labnet *ln);
void labnet_irq_hide(struct labnet *ln);

/* rx.c: receive */
void labnet_rx_init(struct labnet *ln, struct labnet_rx *rx);
int labnet_rx_open(struct labnet_rx *rx);
int labnet_rx_prepare(struct labnet_rx *rx, unsigned int size);
int labnet_rx_fill(struct labnet_rx *rx);
void labnet_rx_start(struct labnet_rx *rx);
void labnet_rx_stop(struct labnet_rx *rx);
void labnet_rx_close(struct labnet_rx *rx);
void labnet_rx_interrupt(struct virtqueue *vq);

/* parts.c: frames in several buffers; NAPI poll */
u64 *labnet_parts_gather(struct labnet_rx *rx, u8 holder);
u64 *labnet_parts_append(struct labnet_rx *rx, struct sk_buff *skb, u8 holder);

/* copy.c: small packets; NAPI poll */
struct sk_buff *labnet_copy(struct labnet_rx *rx, const void *packet,
			    unsigned int len);
void labnet_copy_close(struct labnet_rx *rx);

/* delivery.c: from the queue to the stack; NAPI poll */
void labnet_deliver(struct labnet_rx *rx, struct sk_buff *skb,
		    const struct labnet_hdr *hdr);
void labnet_deliver_batch(struct labnet_rx *rx);

/* flow.c: who a packet is for */
#define LABNET_FLOW_MANY 0	/* holder of a page that several flows share */
u8 labnet_flow_holder(u32 seed, const void *packet, unsigned int len);

/* tx.c: transmit */
void labnet_tx_init(struct labnet *ln, struct labnet_tx *tx);
void labnet_tx_start(struct labnet_tx *tx);
void labnet_tx_stop(struct labnet_tx *tx);
void labnet_tx_drain(struct labnet_tx *tx);
void labnet_tx_recycle(struct virtqueue *vq, void *buf);
void labnet_tx_close(struct labnet_tx *tx);
void labnet_tx_interrupt(struct virtqueue *vq);
unsigned int labnet_tx_frames(struct labnet_tx *tx, struct xdp_frame **frames,
			      unsigned int count, bool kick);
netdev_tx_t labnet_tx_xmit(struct sk_buff *skb, struct net_device *dev);

/* xdp.c: attaching under rtnl; the rest by a queue's poll or before it starts */
int labnet_xdp(struct net_device *dev, struct netdev_bpf *bpf);
bool labnet_xdp_mtu_fits(const struct labnet *ln, unsigned int mtu);
void labnet_xdp_announce(struct labnet *ln);
int labnet_xdp_open(struct labnet_rx *rx);
void labnet_xdp_close(struct labnet_rx *rx);
void labnet_xdp_begin(struct labnet_rx *rx);
void labnet_xdp_make_room(struct xdp_buff *xdp);
u32 labnet_xdp_judge(struct labnet_rx *rx, u32 act);
void labnet_xdp_forward(struct labnet_rx *rx, u32 act);
void labnet_xdp_end(struct labnet_rx *rx);
int labnet_xdp_xmit(struct net_device *dev, int count,
		    struct xdp_frame **frames, u32 flags);

/* ctrl.c: commands to the device; task context, may sleep */
#define LABNET_CTRL_DATA 4000	/* bytes of the longest command */
int labnet_ctrl_init(struct labnet *ln);
void labnet_ctrl_free(struct labnet *ln);
void labnet_ctrl_reset(struct labnet *ln);
void labnet_ctrl_interrupt(struct virtqueue *vq);
int labnet_ctrl_command(struct labnet *ln, u8 class, u8 command,
			const void *data, size_t len);

/* filter.c: what the device delivers; task context under rtnl, may sleep */
void labnet_filter_init(struct labnet *ln);
void labnet_filter_restore(struct labnet *ln);
int labnet_filter_set_mac(struct labnet *ln, const u8 *mac);
int labnet_filter_add_vlan(struct net_device *dev, __be16 proto, u16 vid);
int labnet_filter_delete_vlan(struct net_device *dev, __be16 proto, u16 vid);
void labnet_filter_changed(struct net_device *dev);

/* stats.c: numbers */
void labnet_stats_get64(struct net_device *dev,
			struct rtnl_link_stats64 *stats);
u64 labnet_stats_received(const struct labnet_rx_stats *from);
u64 labnet_stats_sent(const struct labnet_tx_stats *from);
int labnet_stats_count(struct labnet *ln);
void labnet_stats_strings(struct labnet *ln, u8 *data);
void labnet_stats_values(struct labnet *ln, u64 *data);

/* qstats.c: the same, as the kernel's netlink family "netdev" has them */
void labnet_qstats_init(struct net_device *dev);

/* pm.c: sleep, and resets by others than the driver */
int labnet_pm_freeze(struct virtio_device *vdev);
int labnet_pm_restore(struct virtio_device *vdev);

/* ethtool.c */
extern const struct ethtool_ops labnet_ethtool_ops;

#endif /* _LABNET_H */
