// SPDX-License-Identifier: GPL-2.0
/*
 * Quality: what a page has to be, beyond being there.
 */
#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>

#include "internal.h"

/* Fill a page past the cache, where the machine can do that. */
static void quality_fill_nocache(void *address, u64 pattern)
{
#ifdef CONFIG_X86_64
	u64 *word = address;
	u64 *end = address + PAGE_SIZE;

	/* A cache line at a time. */
#pragma GCC unroll 8
	for (; word < end; word++)
		asm volatile("movnti %1, %0" : "=m" (*word) : "r" (pattern));
	/* Non-temporal stores are weakly ordered: before anybody is told. */
	asm volatile("sfence" : : : "memory");
#else
	memset(address, (u8)pattern, PAGE_SIZE);
#endif
}

static u8 quality_pattern(const struct labyrinth_zone *zone,
			  const struct labyrinth_entry *entry)
{
	return entry->quality & LABYRINTH_QUALITY_ZERO ? 0 :
							 zone->poison_pattern;
}

/* Write what a page with a fill has to hold. */
void labyrinth_quality_write(const struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry)
{
	u8 pattern = quality_pattern(zone, entry);

	if (entry->quality & LABYRINTH_QUALITY_NOCACHE)
		quality_fill_nocache(entry->address,
				     pattern * 0x0101010101010101ULL);
	else if (pattern)
		memset(entry->address, pattern, PAGE_SIZE);
	else
		clear_page(entry->address);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_quality_write);

/* Is a stocked page still what it was when it was stocked? */
bool labyrinth_quality_verify(struct labyrinth_zone *zone,
			      struct labyrinth_entry *entry)
{
	u8 pattern;

	if (unlikely(entry->quality & LABYRINTH_QUALITY_FILLED)) {
		pattern = quality_pattern(zone, entry);
		if (memchr_inv(entry->address, pattern, PAGE_SIZE))
			return labyrinth_quality_refuse(zone, entry, pattern ?
					      LABYRINTH_N_violation_poison :
					      LABYRINTH_N_violation_zero);
	}
	return labyrinth_quality_sound(zone, entry);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_quality_verify);

/* May a page that came back be used again? For the worker. */
bool labyrinth_quality_audit(struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry)
{
	labyrinth_count(zone, audits);
	return labyrinth_quality_sound(zone, entry);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_quality_audit);

void labyrinth_post(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    unsigned int offset, unsigned int length)
{
	void *start = entry->address + offset;

	labyrinth_quality_renew(zone, entry);
	/*
	 * Wanted or not: another part of the page may be posted later, under flags
	 * that are then in force for this part as well.
	 */
	put_unaligned(LABYRINTH_SENTINEL, (u64 *)start);
	put_unaligned(labyrinth_canary(start + length), (u64 *)(start + length));
}
EXPORT_SYMBOL_GPL(labyrinth_post);

bool __cold labyrinth_refuse(struct labyrinth_zone *zone,
			     const struct labyrinth_entry *entry,
			     enum labyrinth_counter violation)
{
	labyrinth_count_violation(zone, entry, violation);
	return false;
}
EXPORT_SYMBOL_GPL(labyrinth_refuse);

unsigned int labyrinth_zone_quality(const struct labyrinth_zone *zone)
{
	return READ_ONCE(zone->quality);
}
EXPORT_SYMBOL_GPL(labyrinth_zone_quality);

int labyrinth_zone_set_quality(struct labyrinth_zone *zone,
			       unsigned int quality)
{
	if (quality & ~LABYRINTH_QUALITY_ALL)
		return -EINVAL;
	WRITE_ONCE(zone->quality, quality);
	return 0;
}
EXPORT_SYMBOL_GPL(labyrinth_zone_set_quality);
