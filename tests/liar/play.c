// SPDX-License-Identifier: GPL-2.0
/*
 * What the device does with what the driver has posted.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <net/checksum.h>

#include "liar.h"

/* Under liar_lock: the device plays one frame at a time. */
static struct liar_buffers play_received;
static struct liar_buffers play_sent;
static struct liar_frame play_frame;
static struct liar_frame play_varied;

/* Milliseconds to wait for a buffer: longer than a driver waits for a transmission. */
#define PLAY_PATIENCE		20000

static bool play_has(const struct liar *liar, unsigned int feature)
{
	return test_bit(feature, liar->taken);
}

/* UDP tunnels: where the header is longest. No name for it in older kernels. */
#define PLAY_F_GUEST_UDP_TUNNEL_GSO	65
#define PLAY_F_HOST_UDP_TUNNEL_GSO	67
#define PLAY_F_GUEST_USO4		54
#define PLAY_F_GUEST_USO6		55
#define PLAY_GSO_UDP_L4			5
#define PLAY_GSO_UDP_TUNNEL		(0x20 | 0x40)

/* How many bytes of virtio header there are before each packet. */
unsigned int liar_play_header(const struct liar *liar)
{
	if (play_has(liar, PLAY_F_GUEST_UDP_TUNNEL_GSO) ||
	    play_has(liar, PLAY_F_HOST_UDP_TUNNEL_GSO))
		return LIAR_HEADER_MAX;
	if (play_has(liar, VIRTIO_NET_F_HASH_REPORT))
		return sizeof(struct virtio_net_hdr_v1_hash);
	if (play_has(liar, VIRTIO_NET_F_MRG_RXBUF) ||
	    play_has(liar, VIRTIO_F_VERSION_1))
		return sizeof(struct virtio_net_hdr_v1);
	return sizeof(struct virtio_net_hdr);
}

/* How many queue pairs the driver can reach: a control queue comes after them. */
unsigned int liar_play_pairs(const struct liar *liar)
{
	return play_has(liar, VIRTIO_NET_F_MQ) ||
		play_has(liar, VIRTIO_NET_F_RSS) ? liar->pairs : 1;
}

/*
 * Take buffers until a frame has room, and write it there. What was not enough is
 * given back.
 */
static int play_write(struct liar_buffers *buffers, const struct liar_frame *frame,
		      unsigned int most, bool write)
{
	struct liar_queue *queue = buffers->queue;
	u16 next = queue->next;
	unsigned int i, done = 0;

	for (i = 0; i < most && done < frame->len; i++) {
		if (!liar_ring_pop(queue, &buffers->chain[i]))
			break;
		buffers->id[i] = buffers->chain[i].id;
		buffers->len[i] = min(liar_ring_room(&buffers->chain[i]),
				      frame->len - done);
		if (write)
			liar_ring_write(&buffers->chain[i], frame->data + done,
					buffers->len[i]);
		done += buffers->len[i];
	}
	buffers->count = i;
	if (done == frame->len)
		return 0;
	queue->next = next;
	return -ENOSPC;
}

/* Say in the first buffer how many there are. */
static void play_count(struct liar *liar, const struct liar_buffers *buffers)
{
	const struct kvec *first = &buffers->chain[0].in[0];
	struct virtio_net_hdr_v1 *hdr = first->iov_base;

	if (liar_play_header(liar) >= sizeof(*hdr) &&
	    first->iov_len >= sizeof(*hdr))
		hdr->num_buffers = cpu_to_virtio16(&liar->vdev, buffers->count);
}

void liar_play_begin(struct liar_buffers *buffers, struct liar_queue *queue)
{
	buffers->queue = queue;
	buffers->count = 0;
	buffers->again = 0;
	buffers->jump = 0;
	buffers->quiet = false;
}

/*
 * Let the driver receive a frame, which has a virtio header. Returns
 * -EINVAL: there is no such queue
 * -ENOTCONN: the driver is not ready
 * -EMSGSIZE: not even a virtio header
 * -ENOSPC: the driver has not posted enough
 */
int liar_play_receive(struct liar *liar, unsigned int pair,
		      const struct liar_frame *frame)
{
	unsigned int most = play_has(liar, VIRTIO_NET_F_MRG_RXBUF) ?
		LIAR_BUFFERS_MAX : 1;
	struct liar_buffers *buffers = &play_received;
	const struct liar_lie *lie;
	bool write;

	if (pair >= liar->pairs)
		return -EINVAL;
	liar_play_begin(buffers, &liar->queue[2 * pair]);
	if (!liar_runs(liar) || pair >= liar_play_pairs(liar) ||
	    !buffers->queue->vq)
		return -ENOTCONN;
	if (frame->len < liar_play_header(liar))
		return -EMSGSIZE;
	lie = liar_lies_next(liar, LIAR_RX);
	write = liar_lies_write(lie);
	if (play_write(buffers, frame, most, write)) {
		liar->dropped++;
		return -ENOSPC;
	}
	if (write)
		play_count(liar, buffers);
	liar_lies_complete(buffers, lie);
	liar->received++;
	return 0;
}

/* Under liar_lock: the frame that is to be injected, of another length. */
static void play_vary(struct liar *liar)
{
	unsigned int least = liar_play_header(liar) + ETH_HLEN;
	struct rnd_state *dice = &liar->flood_dice;
	unsigned int most = prandom_u32_state(dice) % 8 ? 1500 : 9000;

	play_varied.len = least + prandom_u32_state(dice) % most;
	memset(play_varied.data, 0, play_varied.len);
	memcpy(play_varied.data, liar->frame.data,
	       min(play_varied.len, liar->frame.len));
}

/*
 * Let the driver receive many frames. It may be restarting itself meanwhile. Context:
 * task, without liar_lock. Returns what liar_play_receive() does, or
 * -ENODEV: the device is being removed
 * -EINTR: whoever has asked for it does not want it any more
 */
int liar_play_flood(struct liar *liar, unsigned int pair, u64 count)
{
	unsigned int patience = 0;
	int err;

	while (count) {
		mutex_lock(&liar_lock);
		if (!patience)
			play_vary(liar);
		err = liar->leaving ? -ENODEV :
			liar_play_receive(liar, pair, &play_varied);
		mutex_unlock(&liar_lock);
		if (!err) {
			count--;
			patience = 0;
			cond_resched();
			continue;
		}
		if ((err != -ENOSPC && err != -ENOTCONN) ||
		    patience++ == PLAY_PATIENCE)
			return err;
		if (msleep_interruptible(1))
			return -EINTR;
	}
	return 0;
}

/* The feature that a driver must have taken to be given such a frame; -1: none. */
static int play_needs(u8 gso_type)
{
	if (gso_type & PLAY_GSO_UDP_TUNNEL)
		return PLAY_F_GUEST_UDP_TUNNEL_GSO;
	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return -1;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return VIRTIO_NET_F_GUEST_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return VIRTIO_NET_F_GUEST_TSO6;
	case VIRTIO_NET_HDR_GSO_UDP:
		return VIRTIO_NET_F_GUEST_UFO;
	default:
		return PLAY_F_GUEST_USO4;
	}
}

/* Finish a checksum for a driver that cannot. Returns false if it is nonsense. */
static bool play_checksum(struct liar *liar, struct liar_frame *frame)
{
	struct virtio_net_hdr *hdr = (void *)frame->data;
	unsigned int header = liar_play_header(liar);
	unsigned int start = virtio16_to_cpu(&liar->vdev, hdr->csum_start);
	unsigned int at = virtio16_to_cpu(&liar->vdev, hdr->csum_offset);
	__sum16 sum;

	if (header + start + at + sizeof(sum) > frame->len)
		return false;
	sum = csum_fold(csum_partial(frame->data + header + start,
				     frame->len - header - start, 0));
	memcpy(frame->data + header + start + at, &sum, sizeof(sum));
	hdr->flags &= ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = 0;
	hdr->csum_offset = 0;
	return true;
}

/* Make a frame that @to can be given of one that @from has transmitted. */
static bool play_suit(struct liar *from, struct liar *to,
		      struct liar_frame *frame)
{
	unsigned int have = liar_play_header(from);
	unsigned int want = liar_play_header(to);
	struct virtio_net_hdr *hdr = (void *)frame->data;
	int feature = play_needs(hdr->gso_type);

	if (feature >= 0 && !play_has(to, feature))
		return false;
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !play_has(to, VIRTIO_NET_F_GUEST_CSUM) &&
	    !play_checksum(from, frame))
		return false;
	if (have == want)
		return true;
	memmove(frame->data + want, frame->data + have, frame->len - have);
	if (want > have)
		memset(frame->data + have, 0, want - have);
	frame->len += want - have;
	return true;
}

/* Queues that the other driver does not use have no buffers: then the first one. */
static void play_send(struct liar *from, unsigned int pair,
		      struct liar_frame *frame)
{
	struct liar *to = from->wire;

	if (!to || !liar_runs(to))
		return;
	if (!play_suit(from, to, frame)) {
		to->unsuited++;
		return;
	}
	if (!pair || liar_play_receive(to, pair, frame))
		liar_play_receive(to, 0, frame);
}

static void play_remember(struct liar *liar, const struct liar_queue *queue,
			  const struct liar_frame *frame)
{
	struct liar_sent *sent = &liar->sent[liar->transmitted % LIAR_RECORDS];

	liar->transmitted++;
	sent->pair = queue->index / 2;
	sent->len = frame->len;
	memcpy(sent->data, frame->data, min_t(unsigned int, frame->len, LIAR_SENT_BYTES));
}

/* Whatever the driver has posted for transmission. */
static void play_transmit(struct liar_queue *queue)
{
	struct liar_buffers *buffers = &play_sent;
	struct liar_frame *frame = &play_frame;
	struct liar *liar = queue->liar;

	liar_play_begin(buffers, queue);
	while (liar_ring_pop(queue, &buffers->chain[0])) {
		frame->len = liar_ring_read(&buffers->chain[0], frame->data,
					    sizeof(frame->data));
		play_remember(liar, queue, frame);
		buffers->count = 1;
		buffers->id[0] = buffers->chain[0].id;
		buffers->len[0] = 0;
		liar_lies_complete(buffers, liar_lies_next(liar, LIAR_TX));
		if (frame->len >= liar_play_header(liar))
			play_send(liar, queue->index / 2, frame);
		liar_play_begin(buffers, queue);
	}
}

/* Look at a queue, and again at what was posted before kicks were asked for. */
static void play_queue(struct liar_queue *queue,
		       void (*look)(struct liar_queue *queue))
{
	if (!queue->vq)
		return;
	look(queue);
	liar_ring_watch(queue);
	look(queue);
}

void liar_play(struct work_struct *work)
{
	struct liar *liar = container_of(work, struct liar, work);
	unsigned int i;

	mutex_lock(&liar_lock);
	if (!liar_runs(liar))
		goto unlock;
	for (i = 0; i < liar_play_pairs(liar); i++)
		play_queue(&liar->queue[2 * i + 1], play_transmit);
	play_queue(&liar->queue[2 * i], liar_control);
unlock:
	mutex_unlock(&liar_lock);
}
