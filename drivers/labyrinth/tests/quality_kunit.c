// SPDX-License-Identifier: GPL-2.0
/*
 * Quality: a page with exactly one planted defect is refused under exactly that
 * defect's name, at every gate that can see it, and nothing is refused that the
 * page's flags do not ask for.
 */
#include <kunit/test.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>

#include "fixture.h"

/* The violation_ counters are neighbours. */
#define FIRST_VIOLATION	LABYRINTH_N_violation_poison
#define LAST_VIOLATION	LABYRINTH_N_violation_compound

static u64 violations(struct labyrinth_zone *zone)
{
	enum labyrinth_counter counter;
	u64 sum = 0;

	for (counter = FIRST_VIOLATION; counter <= LAST_VIOLATION; counter++)
		sum += labyrinth_counter(zone, counter);
	return sum;
}

/* A page that is not in the ledger yet, as it is shown to the first gate. */
static void present(struct kunit *test, struct labyrinth_entry *entry,
		    unsigned int quality)
{
	memset(entry, 0, sizeof(*entry));
	entry->page = fixture_page(test);
	entry->address = page_address(entry->page);
	entry->refs = 1;
	entry->quality = quality;
}

struct defect {
	const char *name;
	unsigned int flag;
	enum labyrinth_counter violation;
	void (*plant)(struct labyrinth_zone *zone,
		      struct labyrinth_entry *entry);
	void (*undo)(struct labyrinth_entry *entry);
};

static void plant_misalignment(struct labyrinth_zone *zone,
			       struct labyrinth_entry *entry)
{
	entry->address += cache_line_size() / 2;
}

static void plant_pfmemalloc(struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry)
{
	set_page_pfmemalloc(entry->page);
}

static void undo_pfmemalloc(struct labyrinth_entry *entry)
{
	clear_page_pfmemalloc(entry->page);
}

#ifdef CONFIG_MEMORY_FAILURE
static void plant_hwpoison(struct labyrinth_zone *zone,
			   struct labyrinth_entry *entry)
{
	SetPageHWPoison(entry->page);
}

static void undo_hwpoison(struct labyrinth_entry *entry)
{
	ClearPageHWPoison(entry->page);
}
#endif

static void plant_reference(struct labyrinth_zone *zone,
			    struct labyrinth_entry *entry)
{
	get_page(entry->page);
}

static void undo_reference(struct labyrinth_entry *entry)
{
	put_page(entry->page);
}

static void plant_other_node(struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry)
{
	zone->node = page_to_nid(entry->page) + 1;
}

static void plant_out_of_reach(struct labyrinth_zone *zone,
			       struct labyrinth_entry *entry)
{
	zone->dma_mask = page_to_phys(entry->page) + PAGE_SIZE - 2;
}

static void plant_larger_block(struct labyrinth_zone *zone,
			       struct labyrinth_entry *entry)
{
	put_page(entry->page);
	entry->page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NOFAIL, 1);
	entry->address = page_address(entry->page);
}

static const struct defect defects[] = {
	{ "misaligned", LABYRINTH_QUALITY_CL_ALIGN,
	  LABYRINTH_N_violation_align, plant_misalignment },
	{ "pfmemalloc", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_pfmemalloc, plant_pfmemalloc, undo_pfmemalloc },
#ifdef CONFIG_MEMORY_FAILURE
	{ "hardware-poisoned", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_hwpoison, plant_hwpoison, undo_hwpoison },
#endif
	{ "shared", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_shared, plant_reference, undo_reference },
	{ "other node", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_node, plant_other_node },
	{ "out of reach", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_dma, plant_out_of_reach },
	{ "larger block", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_compound, plant_larger_block },
};

/* Each kind of defect is planted so often, on a page of its own each time. */
#define TRIALS 1000

static void defect_name(const struct defect *defect, char *name)
{
	strscpy(name, defect->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(defect, defects, defect_name);

static unsigned int admitted(struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry, unsigned int flags)
{
	entry->quality = flags;
	return labyrinth_quality_admit(zone, entry);
}

/* Refused with the flag, and only under its own name; admitted without. */
static void quality_admits_no_defect(struct kunit *test)
{
	const struct defect *defect = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);
	unsigned int unasked = 0, asked = 0, trial;
	struct labyrinth_entry entry;

	for (trial = 0; trial < TRIALS; trial++) {
		present(test, &entry, 0);
		defect->plant(zone, &entry);
		unasked += admitted(zone, &entry, 0);
		unasked += admitted(zone, &entry,
				    LABYRINTH_QUALITY_ALL & ~defect->flag);
		KUNIT_EXPECT_EQ(test, violations(zone), (u64)trial);

		asked += admitted(zone, &entry, defect->flag);
		if (defect->undo)
			defect->undo(&entry);
		put_page(entry.page);
	}
	KUNIT_EXPECT_EQ(test, unasked, 2 * TRIALS);
	KUNIT_EXPECT_EQ(test, asked, 0);
	KUNIT_EXPECT_EQ(test, violations(zone), (u64)TRIALS);
	KUNIT_EXPECT_EQ(test, labyrinth_counter(zone, defect->violation),
			(u64)TRIALS);
}

/* The same for a page that somebody else has taken: it stays his. */
static void quality_registers_no_defect(struct kunit *test)
{
	const struct defect *defect = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry;
	int err, refusal = -EINVAL;
	u64 wanted;

	present(test, &entry, 0);
	defect->plant(zone, &entry);
	/* An address of the zone's own finding has no such defect. */
	if (entry.address != page_address(entry.page))
		refusal = 0;
	/* This is looked at before, and has a cause of its own. */
	if (PageCompound(entry.page))
		refusal = -E2BIG;
	wanted = refusal == -EINVAL;
	err = labyrinth_register_page(zone, entry.page, defect->flag);
	KUNIT_EXPECT_EQ(test, err, refusal);
	EXPECT_COUNT(test, zone, fail_quality, wanted);
	KUNIT_EXPECT_EQ(test, labyrinth_counter(zone, defect->violation),
			wanted);
	KUNIT_EXPECT_EQ(test, violations(zone), wanted);
	EXPECT_COUNT(test, zone, taken, !refusal);
	if (defect->undo)
		defect->undo(&entry);
	if (err)
		put_page(entry.page);
}

static void quality_admits_a_sound_page(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry;

	present(test, &entry, LABYRINTH_QUALITY_ALL);
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_admit(zone, &entry));
	zone->node = page_to_nid(entry.page);
	zone->dma_mask = page_to_phys(entry.page) + PAGE_SIZE - 1;
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_admit(zone, &entry));
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
	put_page(entry.page);
}

static const struct filling {
	const char *name;
	unsigned int quality;
	bool written;
	u8 byte;
} fillings[] = {
	{ "nothing", 0, false },
	{ "all but fills", LABYRINTH_QUALITY_ALL & ~LABYRINTH_QUALITY_POISON &
			   ~LABYRINTH_QUALITY_ZERO, false },
	{ "poison", LABYRINTH_QUALITY_POISON, true, FIXTURE_POISON },
	{ "zero", LABYRINTH_QUALITY_ZERO, true, 0 },
	{ "zero wins", LABYRINTH_QUALITY_ZERO | LABYRINTH_QUALITY_POISON,
	  true, 0 },
	{ "poison past the cache",
	  LABYRINTH_QUALITY_NOCACHE | LABYRINTH_QUALITY_POISON,
	  true, FIXTURE_POISON },
	{ "zero past the cache",
	  LABYRINTH_QUALITY_NOCACHE | LABYRINTH_QUALITY_ZERO, true, 0 },
};

static void filling_name(const struct filling *filling, char *name)
{
	strscpy(name, filling->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(filling, fillings, filling_name);

static void quality_fills(struct kunit *test)
{
	const struct filling *filling = test->param_value;
	u8 expected = filling->written ? filling->byte : 0xa5;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry;

	present(test, &entry, 0);
	zone->quality = filling->quality;
	memset(entry.address, 0xa5, PAGE_SIZE);
	labyrinth_quality_fill(zone, &entry);
	KUNIT_EXPECT_EQ(test, (unsigned int)entry.quality, filling->quality);
	KUNIT_EXPECT_NULL(test, memchr_inv(entry.address, expected, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_verify(zone, &entry));
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
	put_page(entry.page);
}

/* Take a page, expect it clean, and leave it dirty. */
static struct labyrinth_entry *take_and_scribble(struct kunit *test,
						 struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = fixture_take(test, zone);

	KUNIT_EXPECT_NULL(test, memchr_inv(entry->address, FIXTURE_POISON,
					   PAGE_SIZE));
	memset(entry->address, 0x11, PAGE_SIZE);
	return entry;
}

static void quality_fills_at_every_source(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1,
					.quality = LABYRINTH_QUALITY_POISON);
	struct labyrinth_entry *first, *second;

	fixture_stock(zone, 1);
	first = take_and_scribble(test, zone);
	labyrinth_untake(zone, first);
	first = take_and_scribble(test, zone);
	EXPECT_COUNT(test, zone, from_stash, 2);
	second = take_and_scribble(test, zone);
	EXPECT_COUNT(test, zone, granted_nowait, 1);

	labyrinth_lend(zone, first, 0);
	put_page(first->page);
	KUNIT_EXPECT_PTR_EQ(test, take_and_scribble(test, zone), first);
	EXPECT_COUNT(test, zone, recycled, 1);

	labyrinth_retire(zone, second);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, restocked, 1);
	zone->shortage = LABYRINTH_DROUGHT;
	KUNIT_EXPECT_PTR_EQ(test, take_and_scribble(test, zone), second);
	EXPECT_COUNT(test, zone, from_reserve, 1);
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
}

static const struct damage {
	const char *name;
	unsigned int quality;
	unsigned int offset;
	enum labyrinth_counter violation;
} damages[] = {
	{ "poison, first byte", LABYRINTH_QUALITY_POISON, 0,
	  LABYRINTH_N_violation_poison },
	{ "poison, in the middle", LABYRINTH_QUALITY_POISON, 2049,
	  LABYRINTH_N_violation_poison },
	{ "poison, last byte", LABYRINTH_QUALITY_POISON, PAGE_SIZE - 1,
	  LABYRINTH_N_violation_poison },
	{ "zero, first byte", LABYRINTH_QUALITY_ZERO, 0,
	  LABYRINTH_N_violation_zero },
	{ "zero, last byte", LABYRINTH_QUALITY_ZERO, PAGE_SIZE - 1,
	  LABYRINTH_N_violation_zero },
};

static void damage_name(const struct damage *damage, char *name)
{
	strscpy(name, damage->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(damage, damages, damage_name);

/* One bit of one byte, written while nobody may write. */
static void quality_verify_finds_one_bit(struct kunit *test)
{
	const struct damage *damage = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry;

	present(test, &entry, 0);
	zone->quality = damage->quality;
	labyrinth_quality_fill(zone, &entry);
	((u8 *)entry.address)[damage->offset] ^= 0x10;
	KUNIT_EXPECT_FALSE(test, labyrinth_quality_verify(zone, &entry));
	KUNIT_EXPECT_EQ(test, labyrinth_counter(zone, damage->violation), 1ULL);
	KUNIT_EXPECT_EQ(test, violations(zone), 1ULL);
	put_page(entry.page);
}

static struct labyrinth_entry *stocked_entry(struct labyrinth_zone *zone)
{
	return llist_entry(zone->stash.fresh.first, struct labyrinth_entry,
			   node);
}

/* The damaged page is not handed out, the sound one behind it is. */
static void quality_take_passes_over_damage(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_POISON);
	struct labyrinth_entry *damaged, *entry;

	fixture_stock(zone, 2);
	damaged = stocked_entry(zone);
	((u8 *)damaged->address)[100] = 0;

	entry = fixture_take(test, zone);
	KUNIT_EXPECT_PTR_NE(test, entry, damaged);
	KUNIT_EXPECT_EQ(test, damaged->state, (u8)LABYRINTH_QUARANTINED);
	EXPECT_COUNT(test, zone, violation_poison, 1);
	EXPECT_COUNT(test, zone, from_stash, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 0);
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	fixture_expect_law(test, zone);
}

static const struct lie {
	const char *name;
	unsigned int quality;
	bool writes;		/* the device overwrites the sentinel */
	int beyond;		/* bytes that it writes past the end */
	bool sound;
	enum labyrinth_counter violation;
} lies[] = {
	{ "honest", LABYRINTH_QUALITY_ALL, true, 0, true },
	{ "not written", LABYRINTH_QUALITY_SENTINEL, false, 0, false,
	  LABYRINTH_N_violation_sentinel },
	{ "not written, nobody asks", LABYRINTH_QUALITY_CANARY, false, 0, true },
	{ "one byte too far", LABYRINTH_QUALITY_CANARY, true, 1, false,
	  LABYRINTH_N_violation_canary },
	{ "eight bytes too far", LABYRINTH_QUALITY_CANARY, true, 8, false,
	  LABYRINTH_N_violation_canary },
	{ "too far, nobody asks", LABYRINTH_QUALITY_SENTINEL, true, 8, true },
};

static void lie_name(const struct lie *lie, char *name)
{
	strscpy(name, lie->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(lie, lies, lie_name);

/* A device writes from the start of its part, and perhaps past the end. */
static void quality_inspects_what_the_device_did(struct kunit *test)
{
	const unsigned int offset = 62, length = 1501;
	const struct lie *lie = test->param_value;
	struct labyrinth_zone *zone = zone_with(test, .quality = lie->quality);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_post(zone, entry, offset, length);
	if (lie->writes)
		memset(entry->address + offset, 0x45, length + lie->beyond);
	KUNIT_EXPECT_EQ(test, lie->sound,
			labyrinth_inspect(zone, entry, offset, length));
	KUNIT_EXPECT_EQ(test, violations(zone), (u64)!lie->sound);
	if (!lie->sound)
		KUNIT_EXPECT_EQ(test, labyrinth_counter(zone, lie->violation),
				1ULL);
}

/* One byte of the sentinel is gone: the device wrote, if only a little. */
static void quality_believes_one_written_byte(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_SENTINEL);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		labyrinth_post(zone, entry, 0, 64);
		((u8 *)entry->address)[i] = 0;
		KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, 0, 64));
	}
}

/* Content may be anything, the sentinel as well, but goes no further than it may. */
static void quality_inspects_content(struct kunit *test)
{
	const unsigned int length = PAGE_SIZE - LABYRINTH_CANARY_SIZE;
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_DEFAULT);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_post(zone, entry, 0, length);
	memset(entry->address, (u8)LABYRINTH_SENTINEL, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect_end(zone, entry, 0, length));
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
	memset(entry->address, (u8)LABYRINTH_SENTINEL, length + 1);
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect_end(zone, entry, 0, length));
	EXPECT_COUNT(test, zone, violation_canary, 1);
}

/* Guards differ, so that a page copied over another does not pass. */
static void quality_guards_differ_from_page_to_page(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_CANARY);
	struct labyrinth_entry *one = fixture_take(test, zone);
	struct labyrinth_entry *two = fixture_take(test, zone);

	labyrinth_post(zone, one, 0, 100);
	labyrinth_post(zone, two, 0, 100);
	memcpy(two->address, one->address, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, one, 0, 100));
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect(zone, two, 0, 100));
	EXPECT_COUNT(test, zone, violation_canary, 1);
}

/* The last guard that fits: not a byte outside the page is touched. */
static void quality_guards_the_end_of_the_page(struct kunit *test)
{
	const unsigned int length = PAGE_SIZE - LABYRINTH_CANARY_SIZE;
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_CANARY);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_post(zone, entry, 0, length);
	memset(entry->address, 0x45, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, 0, length));
	((u8 *)entry->address)[PAGE_SIZE - 1]++;
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect(zone, entry, 0, length));
}

/* Two parts of a page that are posted at once, as a driver with half pages does. */
static void quality_guards_each_part(struct kunit *test)
{
	const unsigned int half = PAGE_SIZE / 2, offset = 52, length = 1676;
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_DEFAULT);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	void *guard = entry->address + offset + length;

	labyrinth_post(zone, entry, offset, length);
	labyrinth_post(zone, entry, half + offset, length);
	memset(entry->address + offset, 0x45, length);
	memset(entry->address + half + offset, 0x45, length + 1);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, offset, length));
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect(zone, entry, half + offset,
						   length));
	EXPECT_COUNT(test, zone, violation_canary, 1);

	/* The one's guard is not the other's. */
	memcpy(guard + half, guard, LABYRINTH_CANARY_SIZE);
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect(zone, entry, half + offset,
						   length));
	/* Posted again, it is well again, and the other one stays as it is. */
	labyrinth_post(zone, entry, half + offset, length);
	memset(entry->address + half + offset, 0x45, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, half + offset,
						  length));
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, offset, length));
}

/* Flags that come while a part is posted accuse nobody of what was not prepared. */
static void quality_changes_between_parts(struct kunit *test)
{
	const unsigned int half = PAGE_SIZE / 2, length = 1676;
	const unsigned int later = LABYRINTH_QUALITY_DEFAULT;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_post(zone, entry, 0, length);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_quality(zone, later), 0);
	labyrinth_post(zone, entry, half, length);
	memset(entry->address, 0x45, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, 0, length));
	KUNIT_EXPECT_FALSE(test, labyrinth_inspect(zone, entry, half, length));
	EXPECT_COUNT(test, zone, violation_sentinel, 1);
	EXPECT_COUNT(test, zone, violation_canary, 0);
}

static void quality_takes_a_page_out(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_quarantine(zone, entry);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_QUARANTINED);
	EXPECT_COUNT(test, zone, quarantined, 1);
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	EXPECT_COUNT(test, zone, audits, 0);
	fixture_expect_law(test, zone);
}

/* A page answers for the flags under which it was stocked, not for later ones. */
static void quality_changes_for_later_pages(struct kunit *test)
{
	const unsigned int unknown = LABYRINTH_QUALITY_ALL + 1;
	const unsigned int poison = LABYRINTH_QUALITY_POISON;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry;

	KUNIT_EXPECT_EQ(test, labyrinth_zone_quality(zone), 0);
	fixture_stock(zone, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_quality(zone, poison), 0);
	entry = fixture_take(test, zone);
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
	labyrinth_untake(zone, entry);
	((u8 *)entry->address)[7] ^= 1;
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), entry);
	EXPECT_COUNT(test, zone, violation_poison, 1);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_quality(zone, unknown),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_quality(zone), poison);
}

/* While nothing asks for the check, nobody pays for it. */
static void quality_take_ignores_what_is_not_asked_for(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry;

	fixture_stock(zone, 1);
	entry = stocked_entry(zone);
	memset(entry->address, 0x11, PAGE_SIZE);
	get_page(entry->page);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
	KUNIT_EXPECT_EQ(test, violations(zone), 0ULL);
	put_page(entry->page);
}

static void quality_of_one_page(struct kunit *test)
{
	const u8 poison = LABYRINTH_QUALITY_POISON;
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry;

	labyrinth_void_allocpage_gfpatomic_extra_quality(zone, poison);
	entry = stocked_entry(zone);
	KUNIT_EXPECT_EQ(test, entry->quality, poison);
	KUNIT_EXPECT_NULL(test, memchr_inv(entry->address, FIXTURE_POISON,
					   PAGE_SIZE));
	labyrinth_untake(zone, fixture_take(test, zone));
	KUNIT_EXPECT_EQ(test, entry->quality, poison);
	fixture_stock(zone, 1);
	KUNIT_EXPECT_EQ(test, stocked_entry(zone)->quality, (u8)0);
}

/* Somebody still holds the page while it is stocked: RELIABLE finds it. */
static void quality_take_finds_a_sharer(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *shared;

	fixture_stock(zone, 2);
	shared = stocked_entry(zone);
	get_page(shared->page);
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), shared);
	KUNIT_EXPECT_EQ(test, shared->state, (u8)LABYRINTH_QUARANTINED);
	EXPECT_COUNT(test, zone, violation_shared, 1);
	KUNIT_EXPECT_EQ(test, violations(zone), 1ULL);
	put_page(shared->page);
}

static void quality_audit_counts_and_refuses(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry;

	present(test, &entry, LABYRINTH_QUALITY_RELIABLE);
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_audit(zone, &entry));
	get_page(entry.page);
	KUNIT_EXPECT_FALSE(test, labyrinth_quality_audit(zone, &entry));
	EXPECT_COUNT(test, zone, audits, 2);
	EXPECT_COUNT(test, zone, violation_shared, 1);

	/* Many references are no sharers as long as they are the zone's. */
	entry.refs = 2;
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_audit(zone, &entry));
	KUNIT_EXPECT_EQ(test, violations(zone), 1ULL);
	put_page(entry.page);
	put_page(entry.page);
}

#ifdef CONFIG_MEMORY_FAILURE
static void quality_finds_bad_memory_while_stocked(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *bad;

	fixture_stock(zone, 2);
	bad = stocked_entry(zone);
	SetPageHWPoison(bad->page);
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), bad);
	KUNIT_EXPECT_EQ(test, bad->state, (u8)LABYRINTH_QUARANTINED);
	EXPECT_COUNT(test, zone, violation_hwpoison, 1);
	KUNIT_EXPECT_EQ(test, violations(zone), 1ULL);
	ClearPageHWPoison(bad->page);
}

/* It went bad with the stack: not recycled, and the audit says why. */
static void quality_finds_bad_memory_when_it_comes_back(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *bad;

	fixture_stock(zone, 2);
	fixture_lend(test, zone, &bad, 1);
	SetPageHWPoison(bad->page);
	put_page(bad->page);
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), bad);
	EXPECT_COUNT(test, zone, recycled, 0);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, bad->state, (u8)LABYRINTH_QUARANTINED);
	EXPECT_COUNT(test, zone, violation_hwpoison, 1);
	KUNIT_EXPECT_EQ(test, violations(zone), 1ULL);
	ClearPageHWPoison(bad->page);
}

static void quality_recycles_bad_memory_unless_asked(struct kunit *test)
{
	struct labyrinth_entry entry;

	present(test, &entry, 0);
	SetPageHWPoison(entry.page);
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_recycle(&entry));
	entry.quality = LABYRINTH_QUALITY_RELIABLE;
	KUNIT_EXPECT_FALSE(test, labyrinth_quality_recycle(&entry));
	ClearPageHWPoison(entry.page);
	KUNIT_EXPECT_TRUE(test, labyrinth_quality_recycle(&entry));
	put_page(entry.page);
}
#endif

static struct kunit_case quality_cases[] = {
	KUNIT_CASE_PARAM(quality_admits_no_defect, defect_gen_params),
	KUNIT_CASE_PARAM(quality_registers_no_defect, defect_gen_params),
	KUNIT_CASE(quality_admits_a_sound_page),
	KUNIT_CASE_PARAM(quality_fills, filling_gen_params),
	KUNIT_CASE(quality_fills_at_every_source),
	KUNIT_CASE_PARAM(quality_verify_finds_one_bit, damage_gen_params),
	KUNIT_CASE(quality_take_passes_over_damage),
	KUNIT_CASE_PARAM(quality_inspects_what_the_device_did, lie_gen_params),
	KUNIT_CASE(quality_believes_one_written_byte),
	KUNIT_CASE(quality_inspects_content),
	KUNIT_CASE(quality_guards_differ_from_page_to_page),
	KUNIT_CASE(quality_guards_the_end_of_the_page),
	KUNIT_CASE(quality_guards_each_part),
	KUNIT_CASE(quality_changes_between_parts),
	KUNIT_CASE(quality_takes_a_page_out),
	KUNIT_CASE(quality_changes_for_later_pages),
	KUNIT_CASE(quality_take_ignores_what_is_not_asked_for),
	KUNIT_CASE(quality_of_one_page),
	KUNIT_CASE(quality_take_finds_a_sharer),
	KUNIT_CASE(quality_audit_counts_and_refuses),
#ifdef CONFIG_MEMORY_FAILURE
	KUNIT_CASE(quality_finds_bad_memory_while_stocked),
	KUNIT_CASE(quality_finds_bad_memory_when_it_comes_back),
	KUNIT_CASE(quality_recycles_bad_memory_unless_asked),
#endif
	{}
};

static struct kunit_suite quality_suite = {
	.name = "labyrinth_quality",
	.test_cases = quality_cases,
};

kunit_test_suite(quality_suite);
