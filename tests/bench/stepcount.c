// SPDX-License-Identifier: GPL-2.0
/*
 * stepcount - a plugin for QEMU that counts how often each instruction of the
 * guest is executed
 *
 *   qemu-system-x86_64 -plugin file=stepcount,output=FILE
 *
 * It counts between two marks, which are a nop of a form that no compiler
 * makes: see spinner.c.  At the second mark, and each one after it that ends
 * such a stretch, FILE is written anew: a line for each block of instructions
 * that was executed, with its address in the guest, and the instructions that
 * were executed in it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "qemu_plugin.h"

enum {
	BUCKETS = 1 << 16,
};

/*
 * struct block - a block of instructions
 * @next: in its bucket
 * @address: of its first instruction
 * @steps: instructions of it that were executed
 */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t steps;
};

static const char mark[] = MARK_CODE;
static struct block *buckets[BUCKETS];
static char output[4096];
static bool counting;

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* QEMU translates with a lock held, and forgets translations: so blocks stay. */
static struct block *find_block(uint64_t address)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % BUCKETS];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void forget_steps(void)
{
	for (int i = 0; i < BUCKETS; i++)
		for (struct block *block = buckets[i]; block; block = block->next)
			block->steps = 0;
}

static void write_steps(void)
{
	FILE *file = fopen(output, "w");

	if (!file)
		return;		/* whoever wants it will miss it */
	for (int i = 0; i < BUCKETS; i++)
		for (struct block *block = buckets[i]; block; block = block->next)
			if (block->steps)
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n",
					block->address, block->steps);
	fclose(file);
}

static void meet_mark(unsigned int cpu, void *unused)
{
	(void)cpu;
	(void)unused;
	if (counting)
		write_steps();
	else
		forget_steps();
	counting = !counting;
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	size_t size = sizeof(mark) - 1;

	return qemu_plugin_insn_size(insn) == size &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, size);
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = find_block(qemu_plugin_tb_vaddr(tb));
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block->steps, count);
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
	if (argc != 1 || strncmp(argv[0], "output=", 7)) {
		fprintf(stderr, "stepcount: give output=FILE\n");
		return -1;
	}
	snprintf(output, sizeof(output), "%s", argv[0] + 7);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
