// SPDX-License-Identifier: GPL-2.0
/*
 * Lies: what a device says that is not so.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "liar.h"

#define ANY	(BIT(LIAR_RX) | BIT(LIAR_TX) | BIT(LIAR_CONTROL))
#define IN	(BIT(LIAR_RX) | BIT(LIAR_CONTROL))
#define RX	BIT(LIAR_RX)

/*
 * LIAR_LIES - every lie about a completed buffer
 *
 * Given are the name, on which queues it can be told, a weight, and what it says. At
 * random each row has its turn as often as any other, and is told once in so many
 * turns as its weight says: rarely if the driver has to reset the device afterwards,
 * which takes a while, or has tens of thousands of completions to see through.
 */
#define LIAR_LIES(X)							\
	X(len_none, ANY, 4, "a length of 0")				\
	X(len_short, RX, 4, "a length of the virtio header, no more")	\
	X(len_more, ANY, 4, "a length of one byte more than posted")	\
	X(len_pages, ANY, 4, "a length of two pages")			\
	X(len_most, ANY, 4, "a length of 4 GiB - 1")			\
	X(id_range, ANY, 100, "a buffer number that no ring has")	\
	X(id_most, ANY, 100, "buffer number 0xffffffff")		\
	X(id_other, ANY, 40, "the number of another buffer")		\
	X(twice, ANY, 40, "completed twice")				\
	X(jump_ahead, ANY, 100, "as many more completed as the ring has") \
	X(jump_back, ANY, 2000, "one less completed than before")	\
	X(held, ANY, 100, "never completed")				\
	X(quiet, ANY, 10, "completed without an interrupt")		\
	X(unwritten, IN, 4, "completed without having been written")	\
	X(overrun, RX, 4, "each piece written past its end")		\
	X(overrun_last, RX, 4, "the last piece written past its end")	\
	X(late, RX, 40, "written to again after it was completed")	\
	X(buffers_none, RX, 4, "a frame in no buffer")			\
	X(buffers_many, RX, 4, "a frame in 65535 buffers")		\
	X(buffers_missing, RX, 4, "a frame in more buffers than there are") \
	X(csum_start, RX, 4, "a checksum that begins behind the packet") \
	X(csum_offset, RX, 4, "a checksum that is behind the packet")	\
	X(gso_type, RX, 4, "an unknown kind of segments")		\
	X(gso_size, RX, 4, "segments of 0 bytes")			\
	X(gso_tcp, RX, 4, "segments of TCP, which it is not")		\
	X(hdr_len, RX, 4, "headers of 65535 bytes")			\
	X(garbage, RX, 4, "a virtio header of nothing but 0xff")

static struct virtio_net_hdr_v1 *lie_header(struct liar_buffers *buffers)
{
	return buffers->chain[0].in[0].iov_base;
}

static __virtio16 lie_v16(const struct liar_buffers *buffers, u16 value)
{
	return cpu_to_virtio16(&buffers->queue->liar->vdev, value);
}

static void lie_len_none(struct liar_buffers *buffers)
{
	buffers->len[0] = 0;
}

static void lie_len_short(struct liar_buffers *buffers)
{
	buffers->len[0] = liar_play_header(buffers->queue->liar);
}

static void lie_len_more(struct liar_buffers *buffers)
{
	buffers->len[0] = liar_ring_room(&buffers->chain[0]) + 1;
}

static void lie_len_pages(struct liar_buffers *buffers)
{
	buffers->len[0] = 2 * PAGE_SIZE;
}

static void lie_len_most(struct liar_buffers *buffers)
{
	buffers->len[0] = U32_MAX;
}

static void lie_id_range(struct liar_buffers *buffers)
{
	buffers->id[0] = buffers->queue->ring->num;
}

static void lie_id_most(struct liar_buffers *buffers)
{
	buffers->id[0] = U32_MAX;
}

static void lie_id_other(struct liar_buffers *buffers)
{
	unsigned int num = buffers->queue->ring->num;

	buffers->id[0] = (buffers->id[0] + num / 2) % num;
}

static void lie_twice(struct liar_buffers *buffers)
{
	buffers->again = 1;
}

static void lie_jump_ahead(struct liar_buffers *buffers)
{
	buffers->jump = buffers->queue->ring->num;
}

/* After the honest step ahead. */
static void lie_jump_back(struct liar_buffers *buffers)
{
	buffers->jump = -buffers->count - 1;
}

static void lie_held(struct liar_buffers *buffers)
{
	buffers->count = 0;
}

static void lie_quiet(struct liar_buffers *buffers)
{
	buffers->quiet = true;
}

/* See liar_lies_write(). */
static void lie_unwritten(struct liar_buffers *buffers)
{
}

/* Not past the page: there is nobody's memory but the driver's. */
static void lies_overrun(const struct kvec *piece)
{
	void *end = piece->iov_base + piece->iov_len;

	if (offset_in_page(end) && offset_in_page(end) <= PAGE_SIZE - 8)
		memset(end, 0xee, 8);
}

static void lie_overrun(struct liar_buffers *buffers)
{
	const struct liar_chain *chain = &buffers->chain[0];
	unsigned int i;

	for (i = 0; i < chain->ins; i++)
		lies_overrun(&chain->in[i]);
}

static void lie_overrun_last(struct liar_buffers *buffers)
{
	const struct liar_chain *chain = &buffers->chain[0];

	lies_overrun(&chain->in[chain->ins - 1]);
}

/*
 * The driver may have handed the page on, or posted it again. It has not released it
 * after so few completions and so short a time: what is written to is nobody else's.
 */
static void lie_late(struct liar_buffers *buffers)
{
	struct liar_past *past = buffers->queue->liar->past;
	unsigned int i;

	for (i = 0; i < LIAR_PAST; i++)
		if (past[i].len && time_before(jiffies, past[i].when + HZ / 20))
			memset(past[i].at, 0xee, min(past[i].len, 64U));
}

/* What was completed before this is out of reach now. */
void liar_lies_forget(struct liar *liar)
{
	memset(liar->past, 0, sizeof(liar->past));
}

/* Of receive queues only: nothing is posted to transmit queues, and commands are small. */
static void lies_remember(const struct liar_buffers *buffers)
{
	const struct kvec *piece = &buffers->chain[0].in[0];
	struct liar *liar = buffers->queue->liar;
	struct liar_past *past = &liar->past[liar->received % LIAR_PAST];

	if (buffers->jump)
		liar_lies_forget(liar);
	if (buffers->jump || !buffers->count || buffers->queue->index % 2 ||
	    buffers->queue->index == 2 * liar_play_pairs(liar))
		return;
	past->at = piece->iov_base;
	past->len = piece->iov_len;
	past->when = jiffies;
}

static void lie_buffers_none(struct liar_buffers *buffers)
{
	lie_header(buffers)->num_buffers = 0;
}

static void lie_buffers_many(struct liar_buffers *buffers)
{
	lie_header(buffers)->num_buffers = lie_v16(buffers, U16_MAX);
}

static void lie_buffers_missing(struct liar_buffers *buffers)
{
	lie_header(buffers)->num_buffers = lie_v16(buffers, buffers->count + 1);
}

static void lie_csum(struct liar_buffers *buffers, u16 start, u16 offset)
{
	struct virtio_net_hdr_v1 *hdr = lie_header(buffers);

	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = lie_v16(buffers, start);
	hdr->csum_offset = lie_v16(buffers, offset);
}

static void lie_csum_start(struct liar_buffers *buffers)
{
	lie_csum(buffers, 0xf000, 6);
}

static void lie_csum_offset(struct liar_buffers *buffers)
{
	lie_csum(buffers, ETH_HLEN, 0xf000);
}

static void lie_gso(struct liar_buffers *buffers, u8 type, u16 size)
{
	struct virtio_net_hdr_v1 *hdr = lie_header(buffers);

	hdr->gso_type = type;
	hdr->gso_size = lie_v16(buffers, size);
}

static void lie_gso_type(struct liar_buffers *buffers)
{
	lie_gso(buffers, 0x1e, 1000);
}

static void lie_gso_size(struct liar_buffers *buffers)
{
	lie_gso(buffers, VIRTIO_NET_HDR_GSO_TCPV4, 0);
}

static void lie_gso_tcp(struct liar_buffers *buffers)
{
	lie_gso(buffers, VIRTIO_NET_HDR_GSO_TCPV4, 10);
}

static void lie_hdr_len(struct liar_buffers *buffers)
{
	lie_header(buffers)->hdr_len = lie_v16(buffers, U16_MAX);
}

static void lie_garbage(struct liar_buffers *buffers)
{
	memset(lie_header(buffers), 0xff, liar_play_header(buffers->queue->liar));
}

#define LIAR_LIE_ROW(name, kinds, weight, what) \
	{ #name, weight, kinds, lie_##name, what },
static const struct liar_lie lies[] = {
	LIAR_LIES(LIAR_LIE_ROW)
};

/* Tell a lie the next @count times. "none" is an end to it. */
int liar_lies_choose(struct liar *liar, enum liar_kind kind, const char *name,
		     u64 count)
{
	struct liar_turn *turn = &liar->turn[kind];
	unsigned int i;

	if (!strcmp(name, "none")) {
		turn->left = 0;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		if (strcmp(lies[i].name, name) || !(lies[i].kinds & BIT(kind)))
			continue;
		turn->lie = &lies[i];
		turn->left = count;
		return 0;
	}
	return -EINVAL;
}

/* Tell lies at random from now on, the same ones for the same seed; or stop. */
void liar_lies_random(struct liar *liar, bool random, u64 seed)
{
	unsigned int kind;

	liar->random = random;
	prandom_seed_state(&liar->flood_dice, seed);
	for (kind = 0; kind < LIAR_KINDS; kind++)
		prandom_seed_state(&liar->turn[kind].dice, seed + kind);
}

static const struct liar_lie *lies_draw(struct liar_turn *turn,
					enum liar_kind kind)
{
	const struct liar_lie *lie;

	lie = &lies[prandom_u32_state(&turn->dice) % ARRAY_SIZE(lies)];
	if (!(lie->kinds & BIT(kind)) ||
	    prandom_u32_state(&turn->dice) % lie->weight)
		return NULL;
	return lie;
}

/* The lie to tell now, or NULL. */
const struct liar_lie *liar_lies_next(struct liar *liar, enum liar_kind kind)
{
	struct liar_turn *turn = &liar->turn[kind];
	const struct liar_lie *lie = NULL;

	if (turn->left) {
		turn->left--;
		lie = turn->lie;
	} else if (liar->random) {
		lie = lies_draw(turn, kind);
	}
	if (lie)
		liar->told++;
	return lie;
}

/* Is anything written to the buffers? */
bool liar_lies_write(const struct liar_lie *lie)
{
	return !lie || lie->tell != lie_unwritten;
}

/* Complete buffers, with a lie about them or without. */
void liar_lies_complete(struct liar_buffers *buffers,
			const struct liar_lie *lie)
{
	struct liar_queue *queue = buffers->queue;
	unsigned int i;

	if (lie)
		lie->tell(buffers);
	lies_remember(buffers);
	for (i = 0; i < buffers->count; i++)
		liar_ring_push(queue, buffers->id[i], buffers->len[i]);
	while (buffers->again--)
		liar_ring_push(queue, buffers->id[0], buffers->len[0]);
	if (buffers->jump)
		liar_ring_jump(queue, buffers->jump);
	if (!buffers->quiet)
		liar_ring_interrupt(queue);
}

void liar_lies_show(struct seq_file *file)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++)
		seq_printf(file, "%s %s\n", lies[i].name, lies[i].what);
}
