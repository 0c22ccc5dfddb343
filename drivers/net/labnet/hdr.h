/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtio header, which precedes each frame. Part of labnet.h.
 */
#ifndef _LABNET_HDR_H
#define _LABNET_HDR_H

#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

/*
 * struct labnet_hdr - the longest virtio header
 * @v1: what every device writes, or the first part of it
 * @hash_value: the packet's hash, with HASH_REPORT
 * @hash_report: VIRTIO_NET_HASH_REPORT_*: what was hashed
 * @padding: unused
 * @outer_th, @inner_nh: where a tunnel's UDP and what is inside begin, if it may tell
 */
struct labnet_hdr {
	struct virtio_net_hdr_v1 v1;
	__le32 hash_value;
	__le16 hash_report;
	__le16 padding;
	__le16 outer_th;
	__le16 inner_nh;
};

/*
 * Its byte order: that of the machine for old devices. Asked in this order, there is
 * nothing to look up on most machines.
 */
static inline bool labnet_hdr_little_endian(const struct virtio_device *vdev)
{
	return virtio_legacy_is_little_endian() ||
		virtio_has_feature(vdev, VIRTIO_F_VERSION_1);
}

#endif /* _LABNET_HDR_H */
