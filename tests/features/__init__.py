# SPDX-License-Identifier: GPL-2.0
"""Which feature bits the two drivers take, card by card.

    make features                       or, when everything is set up:
    python3 -m tests.features [--kernel NAME]

One guest has a card of each kind of cards.py. For each, QEMU says what it offers, and the guest what
virtio_net and then labnet have negotiated. The table goes to build/features/KERNEL.txt as well.

Exit status: 0; 1 when virtio_net has a bit that labnet lacks and Documentation/driver.rst gives no
reason for it; 2 when the machine is not ready; 3 when the guest could not say.
"""
