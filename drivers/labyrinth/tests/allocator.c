// SPDX-License-Identifier: GPL-2.0
/*
 * A page allocator that misbehaves on request; see allocator.h.
 *
 * It is told to fail at the place where the kernel's own fault injection sits,
 * and its pages are spoilt at the tracepoint that sees each of them. Both work on
 * the real allocator, in any context.
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "../internal.h"
#include "allocator.h"

/* One case runs at a time. */
static struct {
	struct task_struct *task;	/* whom the faults are for */
	unsigned int refuse;		/* kinds of requests */
	unsigned int passes;		/* how many of them are answered first */
	unsigned int refused;
	void (*spoil)(struct page *page);
	enum labyrinth_context context;	/* where @spoil is meant to happen */
	struct page *spoilt;
} faults;

static struct tracepoint *allocator_tracepoint;

static unsigned int allocator_kind(gfp_t gfp, unsigned int order)
{
	if (order)
		return ALLOCATOR_BLOCK;
	if (gfp & __GFP_DIRECT_RECLAIM)
		return ALLOCATOR_SLEEPING;
	return gfp & __GFP_HIGH ? ALLOCATOR_ATOMIC : ALLOCATOR_NOWAIT;
}

static bool refuse_now(unsigned int kind)
{
	if (READ_ONCE(faults.task) != current ||
	    !(READ_ONCE(faults.refuse) & kind))
		return false;
	if (!faults.passes)
		return true;
	faults.passes--;
	return false;
}

/* Called instead of should_fail_alloc_page(). */
static bool refuse_always(gfp_t gfp, unsigned int order)
{
	faults.refused++;
	return true;
}

/* Not zero: the call goes elsewhere. */
static int refuse_enter(struct kprobe *probe, struct pt_regs *regs)
{
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 0);
	unsigned int order = regs_get_kernel_argument(regs, 1);

	if (!refuse_now(allocator_kind(gfp, order)))
		return 0;
	instruction_pointer_set(regs, (unsigned long)refuse_always);
	return 1;
}

/* A probe with one of these stays a breakpoint: a jump cannot be redirected. */
static void refuse_not(struct kprobe *probe, struct pt_regs *regs,
		       unsigned long flags)
{
}

static struct kprobe allocator_probe = {
	.symbol_name	= "should_fail_alloc_page",
	.pre_handler	= refuse_enter,
	.post_handler	= refuse_not,
};

/* Called instead of should_failslab(). */
static int refuse_slab_always(struct kmem_cache *cache, gfp_t gfp)
{
	faults.refused++;
	return -ENOMEM;
}

/* Not zero: the call goes elsewhere. An interrupt is not the task's request. */
static int refuse_slab_enter(struct kprobe *probe, struct pt_regs *regs)
{
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);

	if (!(gfp & __GFP_DIRECT_RECLAIM) || !refuse_now(ALLOCATOR_SLAB))
		return 0;
	instruction_pointer_set(regs, (unsigned long)refuse_slab_always);
	return 1;
}

static struct kprobe allocator_slab_probe = {
	.symbol_name	= "should_failslab",
	.pre_handler	= refuse_slab_enter,
	.post_handler	= refuse_not,
};

/* Called by the tracepoint mm_page_alloc. */
static void spoil_page(void *data, struct page *page, unsigned int order,
		       gfp_t gfp, int migratetype)
{
	void (*spoil)(struct page *page) = READ_ONCE(faults.spoil);

	if (!spoil || !page || order || READ_ONCE(faults.task) != current ||
	    labyrinth_context() != faults.context)
		return;
	WRITE_ONCE(faults.spoil, NULL);
	faults.spoilt = page;
	spoil(page);
}

static void find_tracepoint(struct tracepoint *tracepoint, void *unused)
{
	if (!strcmp(tracepoint->name, "mm_page_alloc"))
		allocator_tracepoint = tracepoint;
}

/* Once and for all: a page allocated meanwhile by others costs a breakpoint. */
static int allocator_hook(void)
{
	int err;

	if (allocator_tracepoint)
		return 0;
	err = register_kprobe(&allocator_probe);
	if (err)
		return err;
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (allocator_tracepoint)
		err = tracepoint_probe_register(allocator_tracepoint,
						spoil_page, NULL);
	else
		err = -ENOENT;
	if (!err)
		return 0;
	allocator_tracepoint = NULL;
	unregister_kprobe(&allocator_probe);
	return err;
}

void allocator_exit(void)
{
	if (!allocator_tracepoint)
		return;
	tracepoint_probe_unregister(allocator_tracepoint, spoil_page, NULL);
	tracepoint_synchronize_unregister();
	unregister_kprobe(&allocator_probe);
}

static int watch_init(struct kunit_resource *resource, void *context)
{
	memset(&faults, 0, sizeof(faults));
	return 0;
}

static void watch_free(struct kunit_resource *resource)
{
	memset(&faults, 0, sizeof(faults));
}

/* A probe that does nothing would let cases pass that prove nothing. */
static bool watch_works(void)
{
	struct page *page;

	allocator_refuse(ALLOCATOR_ATOMIC);
	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	allocator_refuse(0);
	faults.refused = 0;
	if (page)
		__free_page(page);
	return !page;
}

void allocator_watch(struct kunit *test)
{
	struct kunit_resource *resource;

	KUNIT_ASSERT_EQ_MSG(test, allocator_hook(), 0,
			    "    KPROBES, FAIL_PAGE_ALLOC, TRACEPOINTS?\n");
	resource = kunit_alloc_and_get_resource(test, watch_init, watch_free,
						GFP_KERNEL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, resource);
	kunit_put_resource(resource);
	KUNIT_ASSERT_TRUE(test, watch_works());
}

static int watch_slabs_init(struct kunit_resource *resource, void *context)
{
	/* A probe that is registered again has to look like a new one. */
	allocator_slab_probe.addr = NULL;
	allocator_slab_probe.flags = 0;
	return register_kprobe(&allocator_slab_probe);
}

static void watch_slabs_free(struct kunit_resource *resource)
{
	unregister_kprobe(&allocator_slab_probe);
}

static bool watch_slabs_works(void)
{
	void *object;

	allocator_refuse(ALLOCATOR_SLAB);
	object = kmalloc(8, GFP_KERNEL);
	allocator_refuse(0);
	faults.refused = 0;
	kfree(object);
	return !object;
}

void allocator_watch_slabs(struct kunit *test)
{
	struct kunit_resource *resource;

	resource = kunit_alloc_and_get_resource(test, watch_slabs_init,
						watch_slabs_free, GFP_KERNEL,
						NULL);
	KUNIT_ASSERT_NOT_NULL_MSG(test, resource, "    KPROBES, FAILSLAB?\n");
	kunit_put_resource(resource);
	KUNIT_ASSERT_TRUE(test, watch_slabs_works());
}

void allocator_refuse_after(unsigned int passes, unsigned int kinds)
{
	WRITE_ONCE(faults.task, current);
	faults.passes = passes;
	WRITE_ONCE(faults.refuse, kinds);
}

void allocator_refuse(unsigned int kinds)
{
	allocator_refuse_after(0, kinds);
}

unsigned int allocator_refused(void)
{
	return faults.refused;
}

void allocator_spoil(void (*spoil)(struct page *page))
{
	WRITE_ONCE(faults.task, current);
	faults.context = labyrinth_context();
	WRITE_ONCE(faults.spoil, spoil);
}

struct page *allocator_spoilt(void)
{
	return faults.spoilt;
}
