# SPDX-License-Identifier: GPL-2.0
"""One case per file. At the top a case may declare its machine:

MEMORY ("512M"), CPUS (1), NICS ([Nic()]), APPEND (kernel command line), TIMEOUT (120 s, all included),
LOAD (True: the runner loads the driver and configures the card before run() is called),
files() (returns {path in the guest: path here} of what it needs there),
DRIVERS (those that the case makes sense with), RARE (False; True: it runs only where it is named),
VARIANTS ({name: keyword arguments of run()}). A word in capitals among a variant's arguments is a declaration for this
variant alone.
"""
