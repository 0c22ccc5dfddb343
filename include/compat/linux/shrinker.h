/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_SHRINKER_H
#define _COMPAT_LINUX_SHRINKER_H

/* The header of 6.1 leaves this to whoever includes it. */
#include <linux/atomic.h>
#include_next <linux/shrinker.h>

/* Commit c42d50aefd17, 6.7. SHRINKER_ALLOCATED came with it. */
#ifndef SHRINKER_ALLOCATED
#include <linux/slab.h>

#define shrinker_alloc(flags, name) shrinker_alloc_compat(flags)

static inline struct shrinker *shrinker_alloc_compat(unsigned int flags)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker)
		shrinker->flags = flags;
	return shrinker;
}

/* Cannot fail in newer kernels; here a shrinker that fails is never called. */
static inline void shrinker_register(struct shrinker *shrinker)
{
	if (register_shrinker(shrinker, "labyrinth"))
		pr_warn("labyrinth: no memory for a shrinker\n");
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

#endif /* _COMPAT_LINUX_SHRINKER_H */
