/* SPDX-License-Identifier: GPL-2.0 */
/* The mark by which spinner.c tells stepcount.c when to begin and when to end. */
#ifndef _TESTS_BENCH_MARK_H
#define _TESTS_BENCH_MARK_H

/* A nop of eight bytes: its text, and what the assembler makes of it. */
#define MARK_TEXT "nopl 0x4c61625f(%rax,%rax)"
#define MARK_CODE "\x0f\x1f\x84\x00\x5f\x62\x61\x4c"

#endif /* _TESTS_BENCH_MARK_H */
