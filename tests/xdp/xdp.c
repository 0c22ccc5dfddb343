// SPDX-License-Identifier: GPL-2.0
/*
 * xdp - attach an XDP program to an interface for as long as this one runs
 *
 *   xdp eth0 drop			each frame
 *   xdp eth0 redirect eth1
 *   xdp eth0 udp 1			datagrams only: drops them, passes all else
 *   xdp --frags eth0 reflect		sends datagrams back
 *   xdp --pin PATH			a tc filter that drops what has no mark
 *
 * The programs are so short that they are assembled here. They are attached in the
 * driver, never in the generic hook: a driver without XDP is an error. Once
 * "attached" is printed, the program runs; it is detached when this one ends,
 * however that comes about.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSTRUCTIONS		128
#define JUMPS			16
#define MARK			0x4c616279
#define MARK_SIZE		4

/* Where things are in a frame: Ethernet, IPv4 without options, UDP */
#define TYPE			12
#define PROTOCOL		(ETH_HLEN + 9)
#define SOURCE			(ETH_HLEN + 12)
#define DESTINATION		(ETH_HLEN + 16)
#define SOURCE_PORT		(ETH_HLEN + 20)
#define DESTINATION_PORT	(ETH_HLEN + 22)
#define HEADERS			(ETH_HLEN + 28)

/* The context, and the frame's first byte and the byte behind its last one */
#define CONTEXT			BPF_REG_6
#define DATA			BPF_REG_7
#define END			BPF_REG_8

static struct bpf_insn code[INSTRUCTIONS];
static int length;
/* Jumps to the end of the program, where it passes the frame on */
static int jumps[JUMPS];
static int jump_count;

static void die(const char *what, int error)
{
	fprintf(stderr, "xdp: %s: %s\n", what, strerror(error));
	exit(1);
}

static void emit(int operation, int to, int from, int offset, int value)
{
	if (length == INSTRUCTIONS)
		die("program", E2BIG);
	code[length++] = (struct bpf_insn) {
		.code = operation,
		.dst_reg = to,
		.src_reg = from,
		.off = offset,
		.imm = value,
	};
}

static void load(int size, int to, int from, int offset)
{
	emit(BPF_LDX | BPF_MEM | size, to, from, offset, 0);
}

static void store(int size, int to, int offset, int from)
{
	emit(BPF_STX | BPF_MEM | size, to, from, offset, 0);
}

static void copy(int to, int from)
{
	emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static void set(int to, int value)
{
	emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

static void add(int to, int value)
{
	emit(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
}

/* Helpers get their arguments in registers 1 and 2, and leave 6 to 9 alone. */
static void call(int helper, int value)
{
	copy(BPF_REG_1, CONTEXT);
	set(BPF_REG_2, value);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void leave(int verdict)
{
	set(BPF_REG_0, verdict);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Leave with @verdict unless the last helper has succeeded. */
static void check(int verdict)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0);
	leave(verdict);
}

/* Jump to the end if the comparison holds: with a number, or with a register. */
static void finish_if(int comparison, int left, int right, int number)
{
	jumps[jump_count++] = length;
	emit(BPF_JMP | comparison, left, right, 0, number);
}

static void finish(int verdict)
{
	/* Nothing leads here, and the kernel refuses what is never reached. */
	if (!jump_count && code[length - 1].code == (BPF_JMP | BPF_EXIT))
		return;
	while (jump_count) {
		jump_count--;
		code[jumps[jump_count]].off = length - jumps[jump_count] - 1;
	}
	leave(verdict);
}

/* Find the frame; whoever has moved its ends has to find it again. */
static void find(int need)
{
	load(BPF_W, DATA, CONTEXT, offsetof(struct xdp_md, data));
	load(BPF_W, END, CONTEXT, offsetof(struct xdp_md, data_end));
	copy(BPF_REG_1, DATA);
	add(BPF_REG_1, need);
	finish_if(BPF_JGT | BPF_X, BPF_REG_1, END, 0);
}

/* All that is not UDP over IPv4 is passed on, so that a guest can be reached. */
static void only_udp(void)
{
	find(HEADERS);
	load(BPF_H, BPF_REG_1, DATA, TYPE);
	finish_if(BPF_JNE | BPF_K, BPF_REG_1, 0, htons(ETH_P_IP));
	load(BPF_B, BPF_REG_1, DATA, PROTOCOL);
	finish_if(BPF_JNE | BPF_K, BPF_REG_1, 0, IPPROTO_UDP);
}

static void exchange(int size, int one, int other)
{
	load(size, BPF_REG_1, DATA, one);
	load(size, BPF_REG_2, DATA, other);
	store(size, DATA, one, BPF_REG_2);
	store(size, DATA, other, BPF_REG_1);
}

static void build_udp(int verdict)
{
	only_udp();
	leave(verdict);
}

/* Send each frame out of the interface with that number. */
static void build_redirect(int interface)
{
	set(BPF_REG_1, interface);
	set(BPF_REG_2, 0);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void build_redirect_udp(int interface)
{
	only_udp();
	build_redirect(interface);
}

/* Send each datagram back to where it came from. No checksum changes. */
static void build_reflect(int unused)
{
	(void)unused;
	only_udp();
	exchange(BPF_H, 0, 6);
	exchange(BPF_H, 2, 8);
	exchange(BPF_H, 4, 10);
	exchange(BPF_W, SOURCE, DESTINATION);
	exchange(BPF_H, SOURCE_PORT, DESTINATION_PORT);
	leave(XDP_TX);
}

/* Put a header of that many bytes before each frame, write to it, take it off. */
static void build_head(int size)
{
	call(BPF_FUNC_xdp_adjust_head, -size);
	check(XDP_ABORTED);
	find(8);
	set(BPF_REG_1, -1);
	store(BPF_DW, DATA, 0, BPF_REG_1);
	call(BPF_FUNC_xdp_adjust_head, size);
	check(XDP_ABORTED);
}

/* Take that many bytes off the end of each datagram that is longer. */
static void build_tail(int size)
{
	only_udp();
	call(BPF_FUNC_xdp_adjust_tail, -size);
}

/* Give each frame a mark that the stack does not see, but tc does. */
static void build_meta(int mark)
{
	call(BPF_FUNC_xdp_adjust_meta, -MARK_SIZE);
	check(XDP_ABORTED);
	load(BPF_W, BPF_REG_1, CONTEXT, offsetof(struct xdp_md, data_meta));
	load(BPF_W, DATA, CONTEXT, offsetof(struct xdp_md, data));
	copy(BPF_REG_2, BPF_REG_1);
	add(BPF_REG_2, MARK_SIZE);
	finish_if(BPF_JGT | BPF_X, BPF_REG_2, DATA, 0);
	set(BPF_REG_2, mark);
	store(BPF_W, BPF_REG_1, 0, BPF_REG_2);
}

static void build_meta_filter(void)
{
	copy(CONTEXT, BPF_REG_1);
	load(BPF_W, BPF_REG_1, CONTEXT, offsetof(struct __sk_buff, data_meta));
	load(BPF_W, DATA, CONTEXT, offsetof(struct __sk_buff, data));
	copy(BPF_REG_2, BPF_REG_1);
	add(BPF_REG_2, MARK_SIZE);
	finish_if(BPF_JGT | BPF_X, BPF_REG_2, DATA, 0);
	load(BPF_W, BPF_REG_2, BPF_REG_1, 0);
	finish_if(BPF_JNE | BPF_K, BPF_REG_2, 0, MARK);
	leave(TC_ACT_OK);
	finish(TC_ACT_SHOT);
}

static const struct {
	const char *name;
	void (*build)(int number);
	int number;		/* unless one is given */
} programs[] = {
	{ "aborted", leave, XDP_ABORTED },
	{ "drop", leave, XDP_DROP },
	{ "pass", leave, XDP_PASS },
	{ "tx", leave, XDP_TX },
	{ "redirect", build_redirect, 0 },
	{ "udp", build_udp, XDP_PASS },
	{ "redirect-udp", build_redirect_udp, 0 },
	{ "reflect", build_reflect, 0 },
	{ "head", build_head, 0 },
	{ "tail", build_tail, 0 },
	{ "meta", build_meta, MARK },
	{}
};

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static int load_program(int type, unsigned int flags)
{
	static char log[16384];
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (unsigned long)code,
		.insn_cnt = length,
		.license = (unsigned long)"GPL",
		.log_buf = (unsigned long)log,
		.log_size = sizeof(log),
		.log_level = 1,
		.prog_flags = flags,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);
	int error = errno;

	if (fd >= 0)
		return fd;
	fputs(log, stderr);
	die("the kernel refuses the program", error);
	return -1;
}

static int interface_index(const char *name)
{
	int index = if_nametoindex(name);

	if (!index)
		die(name, ENODEV);
	return index;
}

/* @word: a number, the name of an interface, or NULL */
static void build(const char *name, const char *word)
{
	int number, i;

	for (i = 0; programs[i].name; i++)
		if (!strcmp(programs[i].name, name))
			break;
	if (!programs[i].name)
		die(name, EINVAL);
	number = programs[i].number;
	if (word)
		number = isdigit(*word) ? atoi(word) : interface_index(word);
	copy(CONTEXT, BPF_REG_1);
	programs[i].build(number);
	finish(XDP_PASS);
}

/* The link goes when its last descriptor does, and the program with it. */
static void hold(const char *interface, int program)
{
	union bpf_attr attr = {
		.link_create.prog_fd = program,
		.link_create.target_ifindex = interface_index(interface),
		.link_create.attach_type = BPF_XDP,
		.link_create.flags = XDP_FLAGS_DRV_MODE,
	};

	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		die("cannot attach", errno);
	puts("attached");
	fflush(stdout);
	for (;;)
		pause();
}

static void leave_at(const char *path)
{
	union bpf_attr attr = { .pathname = (unsigned long)path };

	build_meta_filter();
	attr.bpf_fd = load_program(BPF_PROG_TYPE_SCHED_CLS, 0);
	if (bpf(BPF_OBJ_PIN, &attr) < 0)
		die("cannot pin", errno);
}

int main(int argc, char **argv)
{
	bool frags = argc > 1 && !strcmp(argv[1], "--frags");
	char **words = argv + 1 + frags;
	int count = argc - 1 - frags;

	if (count == 2 && !strcmp(words[0], "--pin")) {
		leave_at(words[1]);
		return 0;
	}
	if (count != 2 && count != 3) {
		fputs("usage: xdp [--frags] INTERFACE PROGRAM [NUMBER|INTERFACE]\n"
		      "       xdp --pin PATH\n", stderr);
		return 2;
	}
	build(words[1], words[2]);
	hold(words[0], load_program(BPF_PROG_TYPE_XDP,
				    frags ? BPF_F_XDP_HAS_FRAGS : 0));
	return 0;
}
