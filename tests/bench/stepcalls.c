// SPDX-License-Identifier: GPL-2.0
/*
 * stepcalls - a plugin for QEMU that counts the instructions of each call of one
 * function of the guest
 *
 *   qemu-system-x86_64 -plugin file=stepcalls,call=FILE,output=FILE
 *
 * It counts between two marks, see spinner.c.  At the first one it reads from
 * the file "call" three addresses in hexadecimal: the function's, its caller's,
 * and the one behind the caller's end.  A call begins with the function's first
 * instruction and ends when the caller goes on, so the function must be one that
 * nothing interrupts: a handler of hard interrupts.  At the second mark the file
 * "output" is written: a line for each call with its number of instructions.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "qemu_plugin.h"

enum {
	MAX_CALLS = 1 << 20,
	COUNT_BITS = 10,	/* a block has at most 512 instructions */
};

static const char mark[] = MARK_CODE;
static char call_file[4096], output[4096];
static bool counting;

static uint64_t function;
static uint64_t caller;
static uint64_t caller_end;
static uint64_t steps;		/* of the call that is under way, or 0 */
static uint64_t calls[MAX_CALLS];
static int call_count;

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* All addresses lose the bits that are the same in the whole kernel. */
static uint64_t shorten(uint64_t address)
{
	return address << COUNT_BITS >> COUNT_BITS;
}

static void read_call(void)
{
	FILE *file = fopen(call_file, "r");

	function = 0;
	if (!file)
		return;		/* whoever wants calls will find none */
	if (fscanf(file, "%" SCNx64 " %" SCNx64 " %" SCNx64, &function, &caller,
		   &caller_end) != 3)
		function = 0;
	fclose(file);
	function = shorten(function);
	caller = shorten(caller);
	caller_end = shorten(caller_end);
}

static void write_calls(void)
{
	FILE *file = fopen(output, "w");

	if (!file)
		return;
	for (int i = 0; i < call_count; i++)
		fprintf(file, "%" PRIu64 "\n", calls[i]);
	fclose(file);
}

static void meet_mark(unsigned int cpu, void *unused)
{
	(void)cpu;
	(void)unused;
	if (counting)
		write_calls();
	else
		read_call();
	call_count = 0;
	steps = 0;
	counting = !counting;
}

static void end_call(void)
{
	if (call_count < MAX_CALLS)
		calls[call_count++] = steps;
	steps = 0;
}

/* @block: its address and its number of instructions, in one word. */
static void execute(unsigned int cpu, void *block)
{
	uint64_t address = (uint64_t)block >> COUNT_BITS;
	uint64_t count = (uint64_t)block & ((1 << COUNT_BITS) - 1);

	(void)cpu;
	if (!counting || (!steps && address != function))
		return;
	if (address >= caller && address < caller_end)
		end_call();
	else
		steps += count;
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	size_t size = sizeof(mark) - 1;

	return qemu_plugin_insn_size(insn) == size &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, size);
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	uint64_t block = qemu_plugin_tb_vaddr(tb) << COUNT_BITS | count;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, execute, QEMU_PLUGIN_CB_NO_REGS,
					     (void *)block);
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, meet_mark,
							       QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 2 || strncmp(argv[0], "call=", 5) ||
	    strncmp(argv[1], "output=", 7)) {
		fprintf(stderr, "stepcalls: give call=FILE,output=FILE\n");
		return -1;
	}
	snprintf(call_file, sizeof(call_file), "%s", argv[0] + 5);
	snprintf(output, sizeof(output), "%s", argv[1] + 7);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
