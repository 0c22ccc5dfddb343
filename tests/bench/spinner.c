// SPDX-License-Identifier: GPL-2.0
/*
 * spinner - count the guest's instructions that nobody else wants
 *
 *   spinner --counter FILE --interrupts NAME --windows 7 --ticks 100000000
 *
 * On each processor a thread of idle priority runs loops of a known length.
 * What they lose while packets arrive is what the packets cost.  For this the
 * virtual machine has to count instructions (QEMU's -icount shift=0): then
 * the time-stamp counter counts those of all processors together.
 *
 * One line for each window, after a first one that only warms up:
 *
 *   window TICKS LOOPS COUNT
 *
 * How long it was, the loops of all threads in it, and how much the counter
 * in FILE grew.  At last, over all windows, the interrupts of the lines of
 * /proc/interrupts that contain NAME, and how much the counter grew:
 *
 *   interrupts INTERRUPTS COUNT
 *
 * With --mark, the mark that stepcount.c waits for is executed before the first
 * of these windows and after the last.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mark.h"

enum {
	TURNS = 5000,		/* of two instructions each: one loop */
	MAX_CPUS = 64,
	CACHE_LINE = 64,
	EXIT_USAGE = 2,
};

struct options {
	const char *counter;
	const char *interrupts;
	long windows;
	uint64_t ticks;
	bool mark;
};

/* A stamp: all totals at one instant. */
struct stamp {
	uint64_t ticks;
	uint64_t loops;
	uint64_t count;
};

/* Each thread's loops, in the first word of a cache line that is its own. */
static uint64_t spun[MAX_CPUS][CACHE_LINE / sizeof(uint64_t)];
static int cpus;

static void loop(int cpu)
{
	unsigned long turns = TURNS;

	asm volatile("1: dec %0; jnz 1b" : "+r" (turns) : : "cc");
	__atomic_store_n(&spun[cpu][0], spun[cpu][0] + 1, __ATOMIC_RELAXED);
}

static void execute_mark(const struct options *o)
{
	if (o->mark)
		asm volatile(MARK_TEXT);
}

/* To this processor, to be run when nobody else wants it. */
static void settle(int cpu)
{
	struct sched_param none = {};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		error(1, errno, "cannot run on processor %d", cpu);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		error(1, errno, "cannot have idle priority");
}

static void *spin(void *argument)
{
	int cpu = (intptr_t)argument;

	settle(cpu);
	while (1)
		loop(cpu);
	return NULL;
}

static void start_threads(void)
{
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus > MAX_CPUS)
		error(1, 0, "more than %d processors", MAX_CPUS);
	for (int cpu = 1; cpu < cpus; cpu++) {
		pthread_t thread;
		int code = pthread_create(&thread, NULL, spin,
					  (void *)(intptr_t)cpu);

		if (code)
			error(1, code, "cannot start a thread");
	}
	settle(0);
}

static uint64_t read_counter(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		error(1, errno, "cannot read the counter");
	return strtoull(text, NULL, 10);
}

static struct stamp take(int fd)
{
	struct stamp stamp = { .ticks = __builtin_ia32_rdtsc() };

	for (int cpu = 0; cpu < cpus; cpu++)
		stamp.loops += __atomic_load_n(&spun[cpu][0], __ATOMIC_RELAXED);
	stamp.count = read_counter(fd);
	return stamp;
}

/* The columns of a line are the processors, between its number and its name. */
static uint64_t line_sum(const char *line)
{
	const char *text = strchr(line, ':');
	uint64_t sum = 0;
	char *end;

	for (int cpu = 0; text && cpu < cpus; cpu++) {
		sum += strtoull(text + 1, &end, 10);
		text = end - 1;
	}
	return sum;
}

static uint64_t read_interrupts(const char *name)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[4096];
	uint64_t sum = 0;

	if (!file)
		error(1, errno, "cannot read /proc/interrupts");
	while (fgets(line, sizeof(line), file))
		if (strstr(line, name))
			sum += line_sum(line);
	fclose(file);
	return sum;
}

static struct stamp run_window(const struct options *o, int fd,
			       struct stamp begin)
{
	while (__builtin_ia32_rdtsc() - begin.ticks < o->ticks)
		loop(0);
	return take(fd);
}

static void run(const struct options *o)
{
	int fd = open(o->counter, O_RDONLY);
	struct stamp first, last, stamp;
	uint64_t interrupts;

	if (fd < 0)
		error(1, errno, "cannot read %s", o->counter);
	start_threads();
	run_window(o, fd, take(fd));
	interrupts = read_interrupts(o->interrupts);
	execute_mark(o);
	first = take(fd);
	last = first;
	for (long i = 0; i < o->windows; i++) {
		stamp = run_window(o, fd, last);
		printf("window %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		       stamp.ticks - last.ticks, stamp.loops - last.loops,
		       stamp.count - last.count);
		last = stamp;
	}
	execute_mark(o);
	printf("interrupts %" PRIu64 " %" PRIu64 "\n",
	       read_interrupts(o->interrupts) - interrupts,
	       last.count - first.count);
}

static const struct option long_options[] = {
	{ "counter", required_argument, NULL, 'c' },
	{ "interrupts", required_argument, NULL, 'i' },
	{ "windows", required_argument, NULL, 'w' },
	{ "ticks", required_argument, NULL, 't' },
	{ "mark", no_argument, NULL, 'm' },
	{}
};

int main(int argc, char **argv)
{
	struct options o = { .windows = 5, .ticks = 100000000 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'c': o.counter = optarg; break;
		case 'i': o.interrupts = optarg; break;
		case 'w': o.windows = atol(optarg); break;
		case 't': o.ticks = atoll(optarg); break;
		case 'm': o.mark = true; break;
		default: exit(EXIT_USAGE);
		}
	}
	if (!o.counter || !o.interrupts || o.windows < 1 || !o.ticks || optind < argc)
		error(EXIT_USAGE, 0, "usage: --counter FILE --interrupts NAME "
		      "[--windows N] [--ticks N] [--mark]");
	run(&o);
	return 0;
}
