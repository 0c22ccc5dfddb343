/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of QEMU's plugin interface, version 1, that stepcount.c and stepcalls.c
 * use. Debian has no package with QEMU's own header.
 */
#ifndef _TESTS_BENCH_QEMU_PLUGIN_H
#define _TESTS_BENCH_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

struct qemu_plugin_tb;		/* a block of translated instructions */
struct qemu_plugin_insn;

enum {
	QEMU_PLUGIN_VERSION = 1,
	QEMU_PLUGIN_CB_NO_REGS = 0,
	QEMU_PLUGIN_INLINE_ADD_U64 = 0,
};

typedef void (*qemu_plugin_trans_t)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_exec_t)(unsigned int cpu, void *argument);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, qemu_plugin_trans_t call);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
					      int operation, void *counter,
					      uint64_t value);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_plugin_exec_t call, int flags,
					  void *argument);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_exec_t call, int flags,
					    void *argument);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#endif /* _TESTS_BENCH_QEMU_PLUGIN_H */
