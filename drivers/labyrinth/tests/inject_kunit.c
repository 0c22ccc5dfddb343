// SPDX-License-Identifier: GPL-2.0
/*
 * The injector: exactly the requested failures, counted as such, and a text that
 * is not understood changes nothing.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "fixture.h"

static int inject(struct labyrinth_injector *injector, const char *command)
{
	char text[32];

	strscpy(text, command, sizeof(text));
	return labyrinth_inject_parse(injector, text);
}

/* One request per bit, the first in bit 0; a set bit is a refused one. */
static unsigned int hits(struct labyrinth_injector *injector, unsigned int count)
{
	unsigned int i, set = 0;

	for (i = 0; i < count; i++)
		set |= labyrinth_inject_hit(injector) << i;
	return set;
}

static const struct good_text {
	const char *text;
	unsigned int hits;	/* of eight requests */
	bool armed;
} good_texts[] = {
	{ "off", 0x00, false },
	{ "off\n", 0x00, false },
	{ "next 0", 0x00, false },
	{ "next 1", 0x01, true },
	{ "next 3", 0x07, true },
	{ "next  3\n", 0x07, true },
	{ "next 2147483647", 0xff, true },
	{ "every 0", 0x00, false },
	{ "every 1", 0xff, true },
	{ "every 2\n", 0xaa, true },
	{ "every 3", 0x24, true },
	{ "every 9", 0x00, true },
};

static void good_name(const struct good_text *good, char *name)
{
	strscpy(name, good->text, KUNIT_PARAM_DESC_SIZE);
	strreplace(name, '\n', '$');
}

KUNIT_ARRAY_PARAM(good_text, good_texts, good_name);

static void inject_does_as_told(struct kunit *test)
{
	const struct good_text *good = test->param_value;
	struct labyrinth_injector injector = {};

	KUNIT_EXPECT_EQ(test, inject(&injector, good->text), 0);
	KUNIT_EXPECT_EQ(test, injector.armed, good->armed);
	KUNIT_EXPECT_EQ(test, hits(&injector, 8), good->hits);
}

static const struct bad_text {
	const char *text;
	int error;
} bad_texts[] = {
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "on", -EINVAL },
	{ "offf", -EINVAL },
	{ "off 1", -EINVAL },
	{ "next", -EINVAL },
	{ "next ", -EINVAL },
	{ "next three", -EINVAL },
	{ "next 3 4", -EINVAL },
	{ "next 3x", -EINVAL },
	{ "next -1", -EINVAL },
	{ "next 2147483648", -ERANGE },
	{ "next 4294967296", -ERANGE },
	{ "every", -EINVAL },
	{ "every second", -EINVAL },
	{ "every 4294967295", -ERANGE },
	{ "sometimes 3", -EINVAL },
	{ "3", -EINVAL },
};

static void bad_name(const struct bad_text *bad, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "'%s'", bad->text);
	strreplace(name, '\n', '$');
}

KUNIT_ARRAY_PARAM(bad_text, bad_texts, bad_name);

static void inject_refuses_nonsense(struct kunit *test)
{
	const struct bad_text *bad = test->param_value;
	struct labyrinth_injector injector = {};

	KUNIT_EXPECT_EQ(test, inject(&injector, bad->text), bad->error);
	KUNIT_EXPECT_FALSE(test, injector.armed);
	KUNIT_EXPECT_EQ(test, hits(&injector, 8), 0U);

	/* What was set before stays set. */
	KUNIT_ASSERT_EQ(test, inject(&injector, "next 2"), 0);
	KUNIT_ASSERT_EQ(test, inject(&injector, "every 3"), 0);
	KUNIT_EXPECT_EQ(test, inject(&injector, bad->text), bad->error);
	KUNIT_EXPECT_TRUE(test, injector.armed);
	KUNIT_EXPECT_EQ(test, hits(&injector, 8), 0x93U);
}

static void inject_off_ends_both(struct kunit *test)
{
	struct labyrinth_injector injector = {};

	KUNIT_EXPECT_EQ(test, inject(&injector, "next 5"), 0);
	KUNIT_EXPECT_EQ(test, inject(&injector, "every 1"), 0);
	KUNIT_EXPECT_EQ(test, hits(&injector, 3), 7U);
	KUNIT_EXPECT_EQ(test, inject(&injector, "off"), 0);
	KUNIT_EXPECT_FALSE(test, injector.armed);
	KUNIT_EXPECT_EQ(test, hits(&injector, 8), 0U);
}

static void inject_shows_what_is_left(struct kunit *test)
{
	struct labyrinth_injector injector = {};
	char text[64] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) };

	KUNIT_EXPECT_EQ(test, inject(&injector, "next 5"), 0);
	KUNIT_EXPECT_EQ(test, inject(&injector, "every 7"), 0);
	hits(&injector, 2);
	labyrinth_inject_show(&injector, &seq);
	KUNIT_EXPECT_STREQ(test, text, "next 3\nevery 7\n");
}

static void inject_fails_requests(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	KUNIT_EXPECT_EQ(test, inject(&zone->injector, "next 3"), 0);
	fixture_stock(zone, 5);
	EXPECT_COUNT(test, zone, fail_injected, 3);
	EXPECT_COUNT(test, zone, attempts_task, 5);
	EXPECT_COUNT(test, zone, taken, 2);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 0);
	fixture_expect_law(test, zone);
}

static void inject_fails_a_take(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	fixture_no_commons(zone);
	KUNIT_EXPECT_EQ(test, inject(&zone->injector, "every 1"), 0);
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	EXPECT_COUNT(test, zone, fail_injected, 2);
	EXPECT_COUNT(test, zone, dry, 1);
	EXPECT_COUNT(test, zone, taken, 0);
}

static void stock_as_interrupt(void *zone)
{
	fixture_stock(zone, 4);
}

static void inject_fails_an_interrupt(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	KUNIT_EXPECT_EQ(test, inject(&zone->injector, "every 2"), 0);
	fixture_in_hardirq(stock_as_interrupt, zone);
	EXPECT_COUNT(test, zone, attempts_irq, 4);
	EXPECT_COUNT(test, zone, fail_injected, 2);
	EXPECT_COUNT(test, zone, stocked_irq, 2);
}

/* What may sleep is not what the injector is about. */
static void inject_spares_the_worker(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 4);

	KUNIT_EXPECT_EQ(test, inject(&zone->injector, "every 1"), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 2), 0);
	EXPECT_COUNT(test, zone, fail_injected, 0);
	EXPECT_STATE(test, zone, STOCKED, 6);
}

static struct kunit_case inject_cases[] = {
	KUNIT_CASE_PARAM(inject_does_as_told, good_text_gen_params),
	KUNIT_CASE_PARAM(inject_refuses_nonsense, bad_text_gen_params),
	KUNIT_CASE(inject_off_ends_both),
	KUNIT_CASE(inject_shows_what_is_left),
	KUNIT_CASE(inject_fails_requests),
	KUNIT_CASE(inject_fails_a_take),
	KUNIT_CASE(inject_fails_an_interrupt),
	KUNIT_CASE(inject_spares_the_worker),
	{}
};

static struct kunit_suite inject_suite = {
	.name = "labyrinth_inject",
	.test_cases = inject_cases,
};

kunit_test_suite(inject_suite);
