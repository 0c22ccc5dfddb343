// SPDX-License-Identifier: GPL-2.0
/*
 * The map: the passages are those of this machine, and the picture calls each by
 * what an atomic request would find.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"

static void map_reads_the_machine(struct kunit *test)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	unsigned int i, count;
	unsigned long managed = 0;

	count = labyrinth_map_read(NUMA_NO_NODE, passages, LABYRINTH_PASSAGES);
	KUNIT_ASSERT_GT(test, count, 0U);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_TRUE(test, node_online(passages[i].node));
		KUNIT_EXPECT_NOT_NULL(test, passages[i].name);
		KUNIT_EXPECT_LE(test, passages[i].floor, passages[i].min);
		KUNIT_EXPECT_LE(test, passages[i].min, passages[i].low);
		KUNIT_EXPECT_LE(test, passages[i].low, passages[i].high);
		KUNIT_EXPECT_LE(test, passages[i].free, passages[i].managed);
		managed += passages[i].managed;
	}
	KUNIT_EXPECT_EQ(test, managed, totalram_pages());
}

/* Three eighths: half of the mark, and a quarter of that half less. */
static void map_floor_is_three_eighths(struct kunit *test)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	unsigned int i, count;

	count = labyrinth_map_read(NUMA_NO_NODE, passages, LABYRINTH_PASSAGES);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_GE(test, passages[i].floor,
				passages[i].min * 3 / 8);
		KUNIT_EXPECT_LE(test, passages[i].floor,
				passages[i].min * 3 / 8 + 1);
	}
}

static void map_reads_no_more_than_fit(struct kunit *test)
{
	struct labyrinth_passage passages[2] = {};
	int node = first_online_node;

	KUNIT_EXPECT_EQ(test, labyrinth_map_read(node, passages, 0), 0);
	KUNIT_EXPECT_NULL(test, passages[0].name);
	KUNIT_EXPECT_EQ(test, labyrinth_map_read(node, passages, 1), 1);
	KUNIT_EXPECT_NULL(test, passages[1].name);
	KUNIT_EXPECT_EQ(test, passages[0].node, node);
}

static void map_has_a_window(struct kunit *test)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	unsigned long window = 0;
	unsigned int count;

	count = labyrinth_map_read(NUMA_NO_NODE, passages, LABYRINTH_PASSAGES);
	while (count--)
		window += passages[count].min - passages[count].floor;
	KUNIT_EXPECT_GT(test, window, 0UL);
	KUNIT_EXPECT_EQ(test, labyrinth_atomic_window(NUMA_NO_NODE), window);
	KUNIT_EXPECT_LE(test, labyrinth_atomic_window(first_online_node),
			window);
}

static const struct view {
	const char *verdict;
	struct labyrinth_passage passage;
} views[] = {
	{ "open\n", { .free = 2501 } },
	{ "open (low)", { .free = 2500 } },
	{ "open (low)", { .free = 1601 } },
	{ "atomic only", { .free = 1600 } },
	{ "atomic only", { .free = 1001 } },
	{ "closed (at the floor)", { .free = 1000 } },
	{ "closed (lowmem_reserve)", { .free = 1500, .protect = 500 } },
	{ "atomic only", { .free = 1501, .protect = 500 } },
	{ "closed (only CMA is free)", { .free = 9000, .cma = 8000 } },
};

static void map_says_what_a_request_finds(struct kunit *test)
{
	char *text = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	struct labyrinth_passage passage;
	struct seq_file seq = { .buf = text, .size = SZ_4K };
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < ARRAY_SIZE(views); i++) {
		passage = views[i].passage;
		passage.name = "Test";
		passage.floor = 1000;
		passage.min = 1600;
		passage.low = 2500;
		memset(text, 0, SZ_4K);
		seq.count = 0;
		labyrinth_map_show_passage(&passage, &seq);
		KUNIT_EXPECT_TRUE_MSG(test, strstr(text, views[i].verdict),
				      "    %u: %s\n", i, text);
	}
}

static void map_draws_every_passage(struct kunit *test)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	char *text = kunit_kzalloc(test, SZ_32K, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = SZ_32K };
	unsigned int count;
	const char *at;

	KUNIT_ASSERT_NOT_NULL(test, text);
	labyrinth_map_show(&seq);
	KUNIT_EXPECT_LT(test, seq.count, (size_t)SZ_32K);
	count = labyrinth_map_read(NUMA_NO_NODE, passages, LABYRINTH_PASSAGES);
	for (at = strstr(text, "passage node"); at;
	     at = strstr(at + 1, "passage node"))
		count--;
	KUNIT_EXPECT_EQ(test, count, 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "  0 ["));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "F"));
}

/* A zone appears there with what it got last, and why it did not. */
static void map_shows_the_zones(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .name = "on-the-map");
	char *text = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = SZ_4K };
	char next[] = "next 1";

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&zone->injector, next), 0);
	fixture_stock(zone, 3);
	labyrinth_zones_show(&seq);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "zone on-the-map\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "granted_atomic 2 failures 1"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "last page from node"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "last failure 1 at"));
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(map_reads_the_machine),
	KUNIT_CASE(map_floor_is_three_eighths),
	KUNIT_CASE(map_reads_no_more_than_fit),
	KUNIT_CASE(map_has_a_window),
	KUNIT_CASE(map_says_what_a_request_finds),
	KUNIT_CASE(map_draws_every_passage),
	KUNIT_CASE(map_shows_the_zones),
	{}
};

static struct kunit_suite map_suite = {
	.name = "labyrinth_map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
