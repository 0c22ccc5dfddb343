/* SPDX-License-Identifier: GPL-2.0 */
/* The mark by which spinner.c tells stepcount.c when to begin and when to end. */
#ifndef _TESTS_BENCH_MARK_H
#define _TESTS_BENCH_MARK_H

/* nopl 0x4c61625f(%rax,%rax), a nop of eight bytes with "_baL" in it */
#define MARK_BYTES 0x0f, 0x1f, 0x84, 0x00, 0x5f, 0x62, 0x61, 0x4c

#endif /* _TESTS_BENCH_MARK_H */
