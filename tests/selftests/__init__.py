# SPDX-License-Identifier: GPL-2.0
"""The kernel's own tests for network drivers, run on virtio_net and on labnet, side by side.

    make selftests [TESTS="ping.py hw/csum.py"]  or, when everything is set up:
    python3 -m tests.selftests [--drivers virtio_net] [--list] [TEST...]

The tests are tools/testing/selftests/drivers/net of the kernel source that 7.2 is built from. Each test has a guest of its
own for each driver, with two cards on one bridge: the first is under test, the second is driven by virtio_net always and
lives in a network namespace, as the remote end that the tests want. Both tables and what each test has printed go to
build/selftests.

A case passes when the test says so. What is skipped, or not run, has not passed, and the table gives the reason.

Exit status: 0; 1 when a case passes on virtio_net and not on labnet; 2 when the machine is not ready.
"""
