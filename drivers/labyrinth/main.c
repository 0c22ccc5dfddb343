// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading the page layer.
 */
#include <linux/module.h>

#include "internal.h"

static int __init labyrinth_init(void)
{
	int err;

	err = labyrinth_workqueue_create();
	if (err)
		return err;
	err = labyrinth_commons_create();
	if (err)
		goto destroy_workqueue;
	err = labyrinth_shrinker_create();
	if (err)
		goto destroy_commons;
	labyrinth_debugfs_init();
	return 0;

destroy_commons:
	labyrinth_commons_destroy();
destroy_workqueue:
	labyrinth_workqueue_destroy();
	return err;
}

/* Consumers hold a reference to the module: no zone is left here. */
static void __exit labyrinth_exit(void)
{
	labyrinth_debugfs_exit();
	labyrinth_shrinker_destroy();
	labyrinth_commons_destroy();
	labyrinth_workqueue_destroy();
}

module_init(labyrinth_init);
module_exit(labyrinth_exit);

MODULE_DESCRIPTION("Verified and tracked single pages for atomic context");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
