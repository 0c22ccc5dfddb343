/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each frame goes through while an XDP program is attached, inline: calls would
 * cost as much as what is done in them. For rx.c.
 */
#ifndef _LABNET_XDP_H
#define _LABNET_XDP_H

#include <linux/filter.h>

#include "labnet.h"

/*
 * Can the program see the frame as it is? Not if the device has left a checksum
 * open or segments together: such a frame was on its way when the program came.
 * Nor if it is in several buffers, and the program does not know of such.
 */
static inline bool labnet_xdp_visible(struct labnet_rx *rx,
				      const struct virtio_net_hdr *hdr)
{
	if (unlikely(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ||
		     hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE))
		return false;
	return likely(!xdp_buff_has_frags(&rx->xdp)) ||
		rx->prog->aux->xdp_has_frags;
}

/*
 * Run the program on the frame in hand. Returns
 * %XDP_PASS: the frame goes on to the stack
 * %XDP_DROP: nobody needs the frame any more; counted already
 * %XDP_TX, %XDP_REDIRECT: to be lent, and given to labnet_xdp_forward()
 */
static inline u32 labnet_xdp_run(struct labnet_rx *rx,
				 const struct labnet_hdr *hdr)
{
	struct xdp_buff *xdp = &rx->xdp;
	u32 act;

	if (unlikely(!labnet_xdp_visible(rx, (const void *)hdr))) {
		rx->stats.drop_xdp++;
		return XDP_DROP;
	}
	rx->hdr = hdr;
	act = bpf_prog_run_xdp(rx->prog, xdp);
	if (likely(act == XDP_DROP)) {
		rx->stats.xdp_drop++;
		return act;
	}
	if (likely(act == XDP_PASS)) {
		rx->stats.xdp_pass++;
		return act;
	}
	return labnet_xdp_judge(rx, act);
}

#endif /* _LABNET_XDP_H */
