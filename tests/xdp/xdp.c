// SPDX-License-Identifier: GPL-2.0
/*
 * xdp - attach an XDP program to an interface for as long as this one runs
 *
 *   xdp eth0 drop
 *   xdp eth0 redirect eth1
 *   xdp --frags eth0 pass
 *
 * The programs are so short that they are written by hand.  They are attached
 * in the driver, never in the generic hook: a driver without XDP is an error.
 * Once "attached" is printed, the program runs; it is detached when this one
 * ends, however that comes about.
 */
#include <errno.h>
#include <error.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MAX_LENGTH = 8,		/* instructions of a program */
	LOG_SIZE = 4096,
	EXIT_USAGE = 2,
};

struct program {
	struct bpf_insn text[MAX_LENGTH];
	unsigned int length;
};

/* Programs that do nothing but return a verdict. */
static const struct {
	const char *name;
	enum xdp_action action;
} verdicts[] = {
	{ "aborted", XDP_ABORTED },
	{ "drop", XDP_DROP },
	{ "pass", XDP_PASS },
	{ "tx", XDP_TX },
};

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static void add(struct program *program, uint8_t code, uint8_t target, int32_t value)
{
	program->text[program->length++] = (struct bpf_insn){
		.code = code, .dst_reg = target, .imm = value
	};
}

static void add_set(struct program *program, uint8_t target, int32_t value)
{
	add(program, BPF_ALU64 | BPF_MOV | BPF_K, target, value);
}

static void add_exit(struct program *program)
{
	add(program, BPF_JMP | BPF_EXIT, 0, 0);
}

static unsigned int interface_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		error(1, 0, "no interface %s", name);
	return index;
}

static struct program write_redirect(const char *interface)
{
	struct program program = {};

	add_set(&program, BPF_REG_1, interface_index(interface));
	add_set(&program, BPF_REG_2, 0);
	add(&program, BPF_JMP | BPF_CALL, 0, BPF_FUNC_redirect);
	add_exit(&program);
	return program;
}

static struct program write_verdict(const char *name)
{
	struct program program = {};

	for (unsigned int i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		if (strcmp(verdicts[i].name, name))
			continue;
		add_set(&program, BPF_REG_0, verdicts[i].action);
		add_exit(&program);
		return program;
	}
	error(EXIT_USAGE, 0, "unknown program %s", name);
	return program;
}

static int load_program(const struct program *program, bool frags)
{
	static char log[LOG_SIZE];
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)program->text,
		.insn_cnt = program->length,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
		.prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0,
	};
	int fd = bpf(BPF_PROG_LOAD, &attributes);

	if (fd < 0)
		error(1, errno, "cannot load the program: %s", log);
	return fd;
}

static void attach_program(int program, const char *interface)
{
	union bpf_attr attributes = {
		.link_create = {
			.prog_fd = program,
			.target_ifindex = interface_index(interface),
			.attach_type = BPF_XDP,
			.flags = XDP_FLAGS_DRV_MODE,
		},
	};

	if (bpf(BPF_LINK_CREATE, &attributes) >= 0)
		return;
	if (errno == EOPNOTSUPP)
		error(1, 0, "not supported: the driver of %s has no XDP", interface);
	error(1, errno, "cannot attach to %s", interface);
}

int main(int argc, char **argv)
{
	bool frags = argc > 1 && !strcmp(argv[1], "--frags");
	char **words = argv + 1 + frags;
	int count = argc - 1 - frags;
	bool redirect = count == 3 && !strcmp(words[1], "redirect");
	struct program program;

	if (count != 2 && !redirect)
		error(EXIT_USAGE, 0, "usage: [--frags] INTERFACE aborted|drop|pass|tx|redirect [INTERFACE]");
	program = redirect ? write_redirect(words[2]) : write_verdict(words[1]);
	attach_program(load_program(&program, frags), words[0]);
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
