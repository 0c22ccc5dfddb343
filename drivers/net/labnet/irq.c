// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: which one calls which receive queue's poll. Who knows may choose the
 * CPU that handles it, and who polls himself has to know the poll.
 *
 * A transmit queue's poll has no number, and so is known to nobody.
 */
#include <linux/pci.h>

#include "labnet.h"

/*
 * The interrupt of a virtqueue, or -1 where nobody can tell: virtio does not say. On
 * PCI the first vector is for changes of the configuration, and each queue that has a
 * callback has one of the next, in turn. If there are not enough of them, all queues
 * share the second one, and there is no third.
 */
static int irq_find(const struct labnet *ln, const struct virtqueue *vq)
{
	unsigned int last = 2 * ln->pairs + !!ln->ctrl.vq;
	struct device *parent = ln->vdev->dev.parent;
	struct pci_dev *pdev;

	if (!parent || !dev_is_pci(parent))
		return -1;
	pdev = to_pci_dev(parent);
	if (!pdev->msix_enabled || pci_irq_vector(pdev, last) < 0)
		return -1;
	return pci_irq_vector(pdev, 1 + vq->index);
}

/* Before the polls are enabled: then the kernel gives the interrupts their CPUs. */
void labnet_irq_show(struct labnet *ln)
{
	struct labnet_rx *rx;
	unsigned int i;

	for (i = 0; i < ln->active; i++) {
		rx = &ln->rx[i];
		netif_napi_set_irq(&rx->napi, irq_find(ln, rx->vq));
		netif_queue_set_napi(ln->dev, i, NETDEV_QUEUE_TYPE_RX,
				     &rx->napi);
	}
}

/* Before the interrupts are freed: the kernel must not watch them any more. */
void labnet_irq_hide(struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->active; i++) {
		netif_queue_set_napi(ln->dev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		netif_napi_set_irq(&ln->rx[i].napi, -1);
	}
}

/*
 * Have the kernel remember on which CPU somebody wants an interrupt that it knows:
 * interrupts go with each restart of the device. Before the interface is registered.
 */
void labnet_irq_init(struct net_device *dev)
{
	netif_set_affinity_auto(dev);
}
