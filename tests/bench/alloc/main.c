// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_bench: runs one mode while it is loaded and then leaves its report in
 * /sys/kernel/debug/labyrinth_bench.
 *
 *	modprobe labyrinth_bench mode=cost	what the page layer costs
 *	modprobe labyrinth_bench mode=tradeoff	the ways to a page, while memory goes
 *	modprobe labyrinth_bench mode=planted	does it catch what it claims to?
 *	modprobe labyrinth_bench mode=clean	does it accuse nobody else?
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "bench.h"

static char *mode = "";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "What to do: cost, tradeoff, planted or clean");

unsigned int bench_defects = 1000;
module_param_named(defects, bench_defects, uint, 0444);
MODULE_PARM_DESC(defects, "planted: how many of each kind (1 to 1000000, default 1000)");

unsigned int bench_cycles = 10000000;
module_param_named(cycles, bench_cycles, uint, 0444);
MODULE_PARM_DESC(cycles, "clean: cycles without a fill (at least 1, default 10000000)");

unsigned int bench_filled = 1000000;
module_param_named(filled, bench_filled, uint, 0444);
MODULE_PARM_DESC(filled, "clean: cycles with each of POISON and ZERO (at least 1, default 1000000)");

static const struct {
	const char *name;
	int (*run)(void);
} bench_modes[] = {
	{ "cost", bench_cost },
	{ "tradeoff", bench_tradeoff },
	{ "planted", bench_planted },
	{ "clean", bench_clean },
};

static int bench_check(void)
{
	if (!bench_defects || bench_defects > 1000000) {
		pr_err("labyrinth_bench: defects=%u: not from 1 to 1000000\n",
		       bench_defects);
		return -EINVAL;
	}
	if (!bench_cycles || !bench_filled) {
		pr_err("labyrinth_bench: no cycles: nothing to do\n");
		return -EINVAL;
	}
	return 0;
}

static int bench_run(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bench_modes); i++)
		if (!strcmp(mode, bench_modes[i].name))
			return bench_modes[i].run();
	pr_err("labyrinth_bench: mode=%s: there are cost, tradeoff, planted and clean\n",
	       mode);
	return -EINVAL;
}

static int __init bench_init(void)
{
	int err;

	err = bench_check();
	if (err)
		return err;
	err = bench_report_create();
	if (err)
		return err;
	err = bench_run();
	if (err)
		bench_report_destroy();
	else
		bench_report_publish();
	return err;
}

static void __exit bench_exit(void)
{
	bench_report_destroy();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("What labyrinth pages cost, and what they catch");
MODULE_LICENSE("GPL");
