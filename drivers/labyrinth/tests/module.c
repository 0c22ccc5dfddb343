// SPDX-License-Identifier: GPL-2.0
/*
 * The page layer's suites as one module. Each suite registers itself, at the end
 * of its own file.
 */
#include <linux/module.h>

#include "allocator.h"

/*
 * There is no init: KUnit runs the suites before that, or after it, depending on
 * the kernel.
 */
static void __exit labyrinth_kunit_exit(void)
{
	allocator_exit();
}

module_exit(labyrinth_kunit_exit);

MODULE_DESCRIPTION("KUnit suites of the labyrinth");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
/* Spelt out, since MODULE_IMPORT_NS() takes a token or a string by version. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
