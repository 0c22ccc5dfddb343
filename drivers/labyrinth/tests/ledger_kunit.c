// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: only the documented ways lead from state to state, entries are
 * handed out once and up to the limit, and the law notices one missing page.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

/* The arrows in include/linux/labyrinth.h, once more and from the picture. */
static const struct {
	enum labyrinth_state from;
	enum labyrinth_state to;
} arrows[] = {
	{ LABYRINTH_RELEASED,	LABYRINTH_STOCKED },	/* taken */
	{ LABYRINTH_RELEASED,	LABYRINTH_QUARANTINED },/* refused at once */
	{ LABYRINTH_STOCKED,	LABYRINTH_POSTED },	/* take */
	{ LABYRINTH_STOCKED,	LABYRINTH_QUARANTINED },/* damaged in stock */
	{ LABYRINTH_STOCKED,	LABYRINTH_RELEASED },	/* zone destroyed */
	{ LABYRINTH_POSTED,	LABYRINTH_STOCKED },	/* untake */
	{ LABYRINTH_POSTED,	LABYRINTH_LENT },	/* lend */
	{ LABYRINTH_POSTED,	LABYRINTH_RETIRED },	/* retire */
	{ LABYRINTH_POSTED,	LABYRINTH_QUARANTINED },/* quarantine */
	{ LABYRINTH_LENT,	LABYRINTH_POSTED },	/* recycled */
	{ LABYRINTH_LENT,	LABYRINTH_RETIRED },	/* returned */
	{ LABYRINTH_LENT,	LABYRINTH_QUARANTINED },/* returned damaged */
	{ LABYRINTH_LENT,	LABYRINTH_RELEASED },	/* zone destroyed */
	{ LABYRINTH_RETIRED,	LABYRINTH_STOCKED },	/* audited clean */
	{ LABYRINTH_RETIRED,	LABYRINTH_QUARANTINED },/* failed the audit */
	{ LABYRINTH_RETIRED,	LABYRINTH_RELEASED },	/* surplus */
	{ LABYRINTH_QUARANTINED, LABYRINTH_RELEASED },	/* inspected */
};

static bool is_arrow(unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arrows); i++)
		if (arrows[i].from == from && arrows[i].to == to)
			return true;
	return false;
}

static void ledger_allows_the_arrows_only(struct kunit *test)
{
	unsigned int from, to;

	/* One state more than there are: no way leads out of the enum. */
	for (from = 0; from < LABYRINTH_STATES; from++)
		for (to = 0; to <= LABYRINTH_STATES; to++)
			KUNIT_EXPECT_EQ_MSG(test, is_arrow(from, to),
					    labyrinth_ledger_legal(from, to),
					    "    from %s to %s\n",
					    labyrinth_state_name(from),
					    labyrinth_state_name(to));
}

static void ledger_names_the_states(struct kunit *test)
{
	static const char * const names[] = {
		"released", "stocked", "posted", "lent", "retired",
		"quarantined", "unknown",
	};
	unsigned int state;

	for (state = 0; state <= LABYRINTH_STATES; state++)
		KUNIT_EXPECT_STREQ(test, labyrinth_state_name(state),
				   names[state]);
}

static unsigned int lines_with(const char *text, const char *word)
{
	unsigned int count = 0;

	while ((text = strstr(text, word))) {
		count++;
		text += strlen(word);
	}
	return count;
}

static void ledger_move_keeps_the_books(struct kunit *test)
{
	static const enum labyrinth_state life[] = {
		LABYRINTH_STOCKED, LABYRINTH_POSTED, LABYRINTH_LENT,
		LABYRINTH_RETIRED, LABYRINTH_QUARANTINED, LABYRINTH_RELEASED,
	};
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry = labyrinth_ledger_open(zone);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, entry);
	entry->page = fixture_page(test);
	for (i = 0; i < ARRAY_SIZE(life); i++) {
		entry->since = (u32)jiffies - 1000;
		KUNIT_EXPECT_TRUE(test, labyrinth_ledger_move(zone, entry,
							      life[i]));
		KUNIT_EXPECT_EQ(test, entry->state, (u8)life[i]);
		KUNIT_EXPECT_LT(test, (u32)jiffies - entry->since, 500U);
		if (life[i] != LABYRINTH_RELEASED)
			KUNIT_EXPECT_EQ(test, fixture_state(zone, life[i]),
					1ULL);
		KUNIT_EXPECT_EQ(test, labyrinth_state_tally(zone, life[i]),
				(u64)(life[i] != LABYRINTH_RELEASED));
	}
	EXPECT_COUNT(test, zone, wrong_state, 0);
	put_page(entry->page);
	labyrinth_ledger_close(zone, entry);
}

static void ledger_opens_each_entry_once(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 128);
	struct labyrinth_entry *entry;
	DECLARE_BITMAP(seen, 128) = {};
	unsigned int i;

	for (i = 0; i < 128; i++) {
		entry = labyrinth_ledger_open(zone);
		KUNIT_ASSERT_NOT_NULL(test, entry);
		KUNIT_ASSERT_LT(test, entry->index, 128U);
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(entry->index, seen));
		KUNIT_EXPECT_PTR_EQ(test, entry,
				    labyrinth_ledger_entry(&zone->ledger,
							   entry->index));
		KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_RELEASED);
		KUNIT_EXPECT_NULL(test, entry->page);
	}
	KUNIT_EXPECT_NULL(test, labyrinth_ledger_open(zone));

	labyrinth_ledger_close(zone, entry);
	KUNIT_EXPECT_PTR_EQ(test, entry, labyrinth_ledger_open(zone));
}

static void ledger_grows_with_need(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 4096);

	KUNIT_EXPECT_EQ(test, labyrinth_ledger_size(&zone->ledger), 0);
	labyrinth_ledger_open(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_ledger_size(&zone->ledger),
			LABYRINTH_CHUNK_ENTRIES);
	while (labyrinth_ledger_size(&zone->ledger) == LABYRINTH_CHUNK_ENTRIES)
		KUNIT_ASSERT_NOT_NULL(test, labyrinth_ledger_open(zone));
	KUNIT_EXPECT_EQ(test, labyrinth_ledger_size(&zone->ledger),
			2 * LABYRINTH_CHUNK_ENTRIES);
}

static void ledger_without_memory_to_grow(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	allocator_watch(test);
	allocator_refuse(ALLOCATOR_ATOMIC);
	KUNIT_EXPECT_NULL(test, labyrinth_ledger_open(zone));
	fixture_stock(zone, 1);
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, labyrinth_ledger_size(&zone->ledger), 0);

	/* Memory was short, the zone was not at its limit. */
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 1ULL);
	EXPECT_COUNT(test, zone, fail_limit, 0);
	KUNIT_EXPECT_NOT_NULL(test, labyrinth_ledger_open(zone));
}

/* Not a multiple of what a chunk holds. */
static void ledger_limit_is_exact(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 70);
	struct page *page = fixture_page(test);

	fixture_stock(zone, 70);
	EXPECT_STATE(test, zone, STOCKED, 70);
	EXPECT_COUNT(test, zone, fail_limit, 0);

	fixture_stock(zone, 1);
	EXPECT_COUNT(test, zone, fail_limit, 1);
	if (labyrinth_register_page(zone, page, 0) != -ENOSPC) {
		KUNIT_FAIL(test, "    a page beyond the limit was registered\n");
		return;
	}
	EXPECT_COUNT(test, zone, fail_limit, 2);
	EXPECT_STATE(test, zone, STOCKED, 70);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
	fixture_expect_law(test, zone);
}

/* All states together count against the limit, and a released page no more. */
static void ledger_limit_holds_for_all_states(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 64);
	struct labyrinth_entry *entry[3];

	fixture_stock(zone, 64);
	fixture_lend(test, zone, entry, 2);
	entry[2] = fixture_take(test, zone);
	fixture_stock(zone, 1);
	EXPECT_COUNT(test, zone, fail_limit, 1);

	labyrinth_retire(zone, entry[2]);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 1);
	fixture_stock(zone, 1);
	EXPECT_COUNT(test, zone, fail_limit, 1);
	EXPECT_STATE(test, zone, LENT, 2);
	put_page(entry[0]->page);
	put_page(entry[1]->page);
}

static void ledger_balance_counts_each_state(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *entry[7];
	struct labyrinth_balance balance;

	fixture_stock(zone, 13);
	fixture_lend(test, zone, entry, 3);
	entry[3] = fixture_take(test, zone);
	entry[4] = fixture_take(test, zone);
	entry[5] = fixture_take(test, zone);
	entry[6] = fixture_take(test, zone);
	get_page(entry[5]->page);
	labyrinth_retire(zone, entry[5]);	/* refused: still shared */
	labyrinth_retire(zone, entry[6]);	/* clean, and not needed */
	fixture_worker_run(zone);

	labyrinth_zone_balance(zone, &balance);
	KUNIT_EXPECT_EQ(test, balance.taken, 13ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_STOCKED], 6ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_POSTED], 2ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_LENT], 3ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_RETIRED], 0ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_QUARANTINED], 1ULL);
	KUNIT_EXPECT_EQ(test, balance.state[LABYRINTH_RELEASED], 0ULL);
	KUNIT_EXPECT_EQ(test, balance.released, 1ULL);
	fixture_expect_law(test, zone);

	put_page(entry[5]->page);
	put_page(entry[0]->page);
	put_page(entry[1]->page);
	put_page(entry[2]->page);
}

/* The last four changes of each page, oldest first. */
static void ledger_remembers(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .history = true);
	char *text = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = SZ_4K };
	struct labyrinth_entry *entry;

	KUNIT_ASSERT_NOT_NULL(test, text);
	fixture_stock(zone, 1);
	entry = fixture_take(test, zone);
	labyrinth_untake(zone, entry);
	entry = fixture_take(test, zone);
	labyrinth_lend(zone, entry, 0);
	labyrinth_ledger_history(&zone->ledger, entry, &seq);

	KUNIT_EXPECT_EQ(test, lines_with(text, "to lent"), 1);
	KUNIT_EXPECT_EQ(test, lines_with(text, "to posted"), 2);
	KUNIT_EXPECT_EQ(test, lines_with(text, "to stocked"), 1);
	KUNIT_EXPECT_TRUE(test, strstr(text, "to lent by labyrinth_"));
	KUNIT_EXPECT_TRUE(test, strstr(text, "to lent") >
				strstr(text, "to stocked"));
	put_page(entry->page);
}

static void ledger_forgets_unless_asked(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	char text[64] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) };

	labyrinth_ledger_history(&zone->ledger, fixture_take(test, zone), &seq);
	KUNIT_EXPECT_STREQ(test, text, "");
}

/* Books that do not balance by one page, in either direction. */
static void ledger_balance_notices_one_page(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_balance balance;

	fixture_stock(zone, 3);
	labyrinth_count(zone, taken);
	labyrinth_zone_balance(zone, &balance);
	KUNIT_EXPECT_EQ(test, balance.balance, 1LL);

	labyrinth_count(zone, released);
	labyrinth_count(zone, released);
	labyrinth_zone_balance(zone, &balance);
	KUNIT_EXPECT_EQ(test, balance.balance, -1LL);
	labyrinth_count(zone, taken);
}

/* Wrong books are found; so are, by waiting, those that only looked wrong. */
static void ledger_is_lawful_or_not(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	fixture_stock(zone, 3);
	KUNIT_EXPECT_TRUE(test, labyrinth_ledger_lawful(zone));
	labyrinth_count(zone, taken);
	KUNIT_EXPECT_FALSE(test, labyrinth_ledger_lawful(zone));
	labyrinth_count(zone, released);
	KUNIT_EXPECT_TRUE(test, labyrinth_ledger_lawful(zone));
}

static struct kunit_case ledger_cases[] = {
	KUNIT_CASE(ledger_allows_the_arrows_only),
	KUNIT_CASE(ledger_names_the_states),
	KUNIT_CASE(ledger_move_keeps_the_books),
	KUNIT_CASE(ledger_opens_each_entry_once),
	KUNIT_CASE(ledger_grows_with_need),
	KUNIT_CASE(ledger_without_memory_to_grow),
	KUNIT_CASE(ledger_limit_is_exact),
	KUNIT_CASE(ledger_limit_holds_for_all_states),
	KUNIT_CASE(ledger_balance_counts_each_state),
	KUNIT_CASE(ledger_balance_notices_one_page),
	KUNIT_CASE(ledger_is_lawful_or_not),
	KUNIT_CASE(ledger_remembers),
	KUNIT_CASE(ledger_forgets_unless_asked),
	{}
};

static struct kunit_suite ledger_suite = {
	.name = "labyrinth_ledger",
	.test_cases = ledger_cases,
};

kunit_test_suite(ledger_suite);
