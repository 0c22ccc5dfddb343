# SPDX-License-Identifier: GPL-2.0
#
# Labyrinth: where to begin. This file delegates: the modules are built by the
# kernel's own build system (see Kbuild), all else is done by Python in qemu/
# and tests/.

# The kernel to build for and to test with; python3 -m qemu.kernels list.
KERNEL ?= 6.1
# Or any prepared kernel tree, to build for only.
KDIR ?=
# What make install installs for: the kernel that runs here.
INSTALL_KDIR = $(or $(KDIR),/lib/modules/$(shell uname -r)/build)

# Debian's own interpreter: it is the one that finds Debian's matplotlib.
PYTHON ?= /usr/bin/python3
export LC_ALL := C
export PYTHONPATH := $(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1
export KERNEL

all: modules

help:
	@echo 'make                 build labyrinth.ko and labnet.ko (below build/modules)'
	@echo 'make check           all tests: KUnit, the harness, guests; CASES="ping flood" selects'
	@echo 'make check-all       every case on every kernel, as a table; goes on where it was interrupted;'
	@echo '                     CASES= and KERNELS="6.1 7.2" select, FRESH=1 starts again'
	@echo 'make wear            what wears a driver out, and each allocation failing once: hours,'
	@echo '                     or MINUTES=8 for each case, and the next time the rest'
	@echo 'make mutants         does a test catch each of the planted bugs? MUTANTS= selects'
	@echo 'make coverage        which lines of the modules the tests run; CASES="kunit ping", FRESH=1'
	@echo 'make selftests       the kernel'"'"'s tests of network drivers, on virtio_net and labnet; TESTS="ping.py"'
	@echo 'make flood           benchmark against the in-tree driver; DURATION=seconds SIZES="64 1500"'
	@echo 'make bench           instructions per packet, against the in-tree driver; PATHS="tc-drop udp-closed"'
	@echo '                     SIZES="64 1500" RINGS= QUEUES= QUALITY= INIT= choose, FULL=1 is the whole matrix,'
	@echo '                     MINUTES=8 measures so long and goes on there the next time'
	@echo 'make profile         where a packet'"'"'s instructions go, by function; PATHS and SIZES choose'
	@echo 'make bench-interrupt what the interrupt handler of a receive queue costs, call by call, to the longest'
	@echo 'make pressure        both drivers in guests that run out of memory; SCENARIOS="reader eater"'
	@echo 'make features        which feature bits labnet and the in-tree driver take, card by card'
	@echo 'make lint            checkpatch, kernel-doc, shellcheck, gcc, clang, sparse and our own rules'
	@echo 'make bench-alloc     what the page layer costs, and each way to a page while memory goes'
	@echo 'make bench-memory    what a card without traffic costs in memory, against the in-tree driver'
	@echo 'make vm              a guest with the driver and a shell on its console'
	@echo 'make setup           install the Debian packages that all this needs'
	@echo 'make install         install the modules for the running kernel, or for KDIR'
	@echo 'make clean           remove build/'
	@echo
	@echo 'KERNEL=NAME chooses the kernel (now $(KERNEL); python3 -m qemu.kernels list),'
	@echo 'KDIR=DIRECTORY builds the modules for any prepared kernel tree instead.'

setup:
	@$(PYTHON) -c 'import json' 2>/dev/null || \
		{ echo 'error: $(PYTHON) is missing: install the package python3' >&2; exit 1; }
	@$(PYTHON) -m qemu.setup

modules:
	@$(PYTHON) -m qemu.modules $(if $(KDIR),--kdir '$(KDIR)','$(KERNEL)')

install modules_install:
	@$(PYTHON) -m qemu.modules --install --kdir '$(INSTALL_KDIR)'

check: setup
	@$(PYTHON) -m tests.check $(CASES)

check-all: setup
	@$(PYTHON) -m tests.matrix $(if $(FRESH),--fresh) --kernels '$(KERNELS)' $(CASES)

wear: setup
	@LONG=1 $(PYTHON) -m tests.check wear fault_nth fault_traffic

coverage: setup
	@$(PYTHON) -m tests.coverage $(if $(FRESH),--fresh) $(CASES)

selftests: setup
	@$(PYTHON) -m tests.selftests $(TESTS)

mutants: setup
	@$(PYTHON) -m tests.mutants $(MUTANTS)

flood: setup
	@$(PYTHON) -m tests.bench.flood

bench: setup
	@$(PYTHON) -m tests.bench.cost

profile: setup
	@$(PYTHON) -m tests.bench.cost.profile

bench-interrupt: setup
	@$(PYTHON) -m tests.bench.cost.interrupt

pressure: setup
	@$(PYTHON) -m tests.pressure

features: setup
	@$(PYTHON) -m tests.features

lint: setup
	@$(PYTHON) -m tests.lint

bench-alloc: setup
	@$(PYTHON) -m tests.bench.alloc

bench-memory: setup
	@$(PYTHON) -m tests.bench.memory

vm: setup
	@$(PYTHON) -m qemu.shell '$(KERNEL)'

clean:
	rm -rf build

.PHONY: all help setup modules install modules_install check check-all wear coverage selftests mutants flood bench profile pressure features lint bench-alloc vm clean bench-interrupt bench-memory
