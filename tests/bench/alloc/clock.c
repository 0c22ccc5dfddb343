// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: how long a function takes in the context where drivers call it, with
 * interrupts off.
 *
 * Where the virtual machine counts instructions (QEMU's -icount shift=0), the
 * processor's cycle counter counts them, and the result is exact. Elsewhere it is
 * time; the calibration tells the reader which of both it is.
 */
#include <linux/bottom_half.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/stringify.h>
#include <linux/timex.h>

#include "bench.h"

/* Instructions in each turn of the loop of known length. */
#define CLOCK_KNOWN 100

/*
 * struct clock_call - one function to be timed
 * @run: the function
 * @argument: its argument
 * @ticks: how long it took
 * @work: brings it into hard interrupt context
 * @tasklet: brings it into softirq context
 */
struct clock_call {
	void (*run)(void *argument);
	void *argument;
	u64 ticks;
	struct irq_work work;
	struct tasklet_struct tasklet;
};

static void clock_run(struct clock_call *call)
{
	unsigned long flags;
	u64 start;

	local_irq_save(flags);
	start = get_cycles();
	call->run(call->argument);
	call->ticks = get_cycles() - start;
	local_irq_restore(flags);
}

static void clock_work(struct irq_work *work)
{
	clock_run(container_of(work, struct clock_call, work));
}

static void clock_tasklet(struct tasklet_struct *tasklet)
{
	clock_run(container_of(tasklet, struct clock_call, tasklet));
}

static void clock_run_hardirq(struct clock_call *call)
{
	call->work = IRQ_WORK_INIT_HARD(clock_work);
	irq_work_queue(&call->work);
	irq_work_sync(&call->work);
}

static void clock_run_softirq(struct clock_call *call)
{
	tasklet_setup(&call->tasklet, clock_tasklet);
	/* Enabling runs what is pending, here and now. */
	local_bh_disable();
	tasklet_schedule(&call->tasklet);
	local_bh_enable();
	tasklet_kill(&call->tasklet);
}

/* Task context. Returns how long @run takes, in ticks of the cycle counter. */
u64 bench_time(enum bench_context context, void (*run)(void *), void *argument)
{
	struct clock_call call = { .run = run, .argument = argument };

	switch (context) {
	case BENCH_TASK:
		clock_run(&call);
		break;
	case BENCH_SOFTIRQ:
		clock_run_softirq(&call);
		break;
	case BENCH_HARDIRQ:
		clock_run_hardirq(&call);
		break;
	}
	return call.ticks;
}

/*
 * The loop around every operation, without the operation: choose a zone, put
 * something into a place of its own.
 */
static void clock_empty(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		struct labyrinth_zone *zone = bench_zone(pool, i);

		/* The operation would be here. */
		OPTIMIZER_HIDE_VAR(zone);
		pool->entry[i] = (void *)zone;
		barrier();
	}
}

static void clock_known(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		struct labyrinth_zone *zone = bench_zone(pool, i);

		OPTIMIZER_HIDE_VAR(zone);
		asm volatile(".rept " __stringify(CLOCK_KNOWN) "\n\tnop\n\t.endr");
		pool->entry[i] = (void *)zone;
		barrier();
	}
}

static void clock_report(const char *name, void (*run)(void *),
			 struct bench_pool *pool)
{
	unsigned int i;

	bench_report("calibration %s %u", name, BENCH_OPERATIONS);
	for (i = 0; i < BENCH_SAMPLES; i++)
		bench_report(" %llu", bench_time(BENCH_SOFTIRQ, run, pool));
	bench_report("\n");
}

int bench_calibrate(void)
{
	const struct labyrinth_zone_params unused = {};
	struct bench_pool *pool = bench_pool_create(0, &unused);

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	/* One zone, which nobody ever looks into. */
	pool->zones = 1;
	clock_report("empty", clock_empty, pool);
	clock_report("known", clock_known, pool);
	bench_report("known %u\n", CLOCK_KNOWN);
	pool->zones = 0;
	bench_pool_destroy(pool);
	return 0;
}
