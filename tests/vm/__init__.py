# SPDX-License-Identifier: GPL-2.0
"""The cases that need a whole guest.

Every file in cases/ is one case: it declares the machine that it wants at its top and has one
function, run(vm, net). The runner boots a fresh guest for it, connects the guest to a tap device in a
private network namespace, loads the driver, calls run() and then performs the common ending: the
books of the page layer must balance, everything must unload, and the console must be clean.

    python3 -m tests.vm [--driver virtio_net] [--kernel NAME] [--list] [CASE...]
"""
