/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is counted, and who writes it. Part of labnet.h.
 */
#ifndef _LABNET_COUNTERS_H
#define _LABNET_COUNTERS_H

#include <linux/types.h>

/*
 * LABNET_RX_COUNTERS - what a receive queue counts
 *
 * A frame is one packet that the device has completed. At any quiet time
 *
 *	frames = delivered + sum of drop_* + sum of xdp_*, xdp_pass apart
 */
#define LABNET_RX_COUNTERS(X)						\
	X(frames, "frames completed by the device")			\
	X(bytes, "bytes of these frames, without virtio headers")	\
	X(delivered, "frames handed to the stack")			\
	X(copied, "frames copied, their page posted again at once")	\
	X(lent, "frames handed over in their pages")			\
	X(drop_short, "too short for a virtio and an Ethernet header")	\
	X(drop_long, "longer than the buffer that was posted")		\
	X(drop_buffers, "num_buffers is zero, or more than there are")	\
	X(drop_header, "checksum or segmentation fields make no sense")	\
	X(drop_damaged, "a page fell short of its quality")		\
	X(drop_hoard, "the flow holds more pages than its share")	\
	X(drop_no_page, "no page to put into the ring instead")		\
	X(drop_no_skb, "no memory for the skb")				\
	X(drop_xdp, "came as the XDP program cannot see it")		\
	X(xdp_pass, "frames that the XDP program passed on")		\
	X(xdp_drop, "frames that the XDP program dropped")		\
	X(xdp_aborted, "frames on which the XDP program failed")	\
	X(xdp_tx, "frames that the XDP program sent back")		\
	X(xdp_tx_fail, "frames to send back that had no room")		\
	X(xdp_redirect, "frames that the XDP program sent elsewhere")	\
	X(xdp_redirect_fail, "frames to send elsewhere, in vain")	\
	X(polls, "NAPI polls")						\
	X(interrupts, "interrupts of the queue")			\
	X(kicks, "notifications of the device")				\
	X(post_fail, "buffers that the virtqueue refused")		\
	X(resets, "times the queue was reset alone")			\
	X(broken, "restarts because the virtqueue was broken")

/* LABNET_TX_COUNTERS - what a transmit queue counts */
#define LABNET_TX_COUNTERS(X)						\
	X(frames, "frames completed by the device")			\
	X(bytes, "bytes of these frames, without virtio headers")	\
	X(gso_frames, "frames that the device took apart")		\
	X(gso_packets, "packets that these became")			\
	X(drop_post, "frames that the virtqueue refused")		\
	X(drop_reset, "frames in the ring when it was taken away")	\
	X(xdp_frames, "frames that XDP programs sent here")		\
	X(xdp_refused, "frames of XDP programs that had no room")	\
	X(stops, "times the queue was full and stopped")		\
	X(wakes, "times the queue was woken")				\
	X(polls, "NAPI polls")						\
	X(interrupts, "interrupts of the queue")			\
	X(kicks, "notifications of the device")				\
	X(timeouts, "times the device did not transmit for seconds")	\
	X(resets, "times the queue was reset alone")			\
	X(broken, "restarts because the virtqueue was broken")

/* LABNET_CTRL_COUNTERS - what the control queue counts */
#define LABNET_CTRL_COUNTERS(X)						\
	X(commands, "commands to the device")				\
	X(refused, "commands that it refused")				\
	X(timeouts, "commands that it never answered")

#define LABNET_COUNTER_FIELD(name, what) u64 name;

/* Written by the queue's NAPI poll, @interrupts by its interrupt handler. */
struct labnet_rx_stats {
	LABNET_RX_COUNTERS(LABNET_COUNTER_FIELD)
};

/*
 * Written under the queue's transmit lock or by who has stopped the queue,
 * @interrupts by its handler.
 */
struct labnet_tx_stats {
	LABNET_TX_COUNTERS(LABNET_COUNTER_FIELD)
};

/* Written under the control queue's lock. */
struct labnet_ctrl_stats {
	LABNET_CTRL_COUNTERS(LABNET_COUNTER_FIELD)
};

#define LABNET_RX_COUNTERS_MAX (sizeof(struct labnet_rx_stats) / sizeof(u64))
#define LABNET_TX_COUNTERS_MAX (sizeof(struct labnet_tx_stats) / sizeof(u64))
#define LABNET_CTRL_COUNTERS_MAX (sizeof(struct labnet_ctrl_stats) / sizeof(u64))

#endif /* _LABNET_COUNTERS_H */
