/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page allocator that misbehaves on request, towards one task only. Memory is
 * never really short, so that nobody else in the guest suffers.
 */
#ifndef _LABYRINTH_TESTS_ALLOCATOR_H
#define _LABYRINTH_TESTS_ALLOCATOR_H

#include <kunit/test.h>
#include <linux/bits.h>

struct page;

/*
 * Kinds of requests: for one page, by how far they may go; for more; for objects of
 * a slab, where they may sleep.
 */
#define ALLOCATOR_NOWAIT	BIT(0)
#define ALLOCATOR_ATOMIC	BIT(1)
#define ALLOCATOR_SLEEPING	BIT(2)
#define ALLOCATOR_BLOCK		BIT(3)
#define ALLOCATOR_SLAB		BIT(4)

/*
 * To be called first; the allocator is itself again when the case has ended. The
 * case fails where the kernel has not the places to hook into.
 */
void allocator_watch(struct kunit *test);

/* The same for slabs, which everybody asks more often: in this case only. */
void allocator_watch_slabs(struct kunit *test);

/* Leave the kernel alone; when the module goes. */
void allocator_exit(void);

/* From now on refuse these kinds of requests of this task itself; 0 for none. */
void allocator_refuse(unsigned int kinds);

/* The same, but the first @passes of these requests are answered. */
void allocator_refuse_after(unsigned int passes, unsigned int kinds);

/* How many requests were refused. */
unsigned int allocator_refused(void);

/* Spoil the next page that this task gets in this very context. */
void allocator_spoil(void (*spoil)(struct page *page));

/* The page that was spoilt last, or NULL. */
struct page *allocator_spoilt(void);

#endif /* _LABYRINTH_TESTS_ALLOCATOR_H */
