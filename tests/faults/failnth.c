// SPDX-License-Identifier: GPL-2.0
/*
 * failnth: does one thing to a network card while the kernel fails one allocation.
 *
 *	failnth N write FILE TEXT
 *	failnth N channels INTERFACE PAIRS
 *	failnth N xdp INTERFACE
 *
 * The N-th allocation that this program makes in the kernel fails; with 0 none
 * does. All that can be prepared is, so that it is an allocation of the one system
 * call that matters. Prints how many of the N were left, and the call's errno or 0:
 * what is left of a large N says how many allocations there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One system call, ready to be made. */
struct call {
	long number;
	long first, second, third;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static struct call prepare_write(const char *path, const char *text)
{
	struct call call = { .number = SYS_write, .second = (long)text };

	call.first = open(path, O_WRONLY);
	if (call.first < 0)
		die(path);
	call.third = strlen(text);
	return call;
}

static struct call prepare_channels(const char *interface, const char *pairs)
{
	static struct ethtool_channels channels;
	static struct ifreq request;
	struct call call = { .number = SYS_ioctl, .second = SIOCETHTOOL };

	call.first = socket(AF_INET, SOCK_DGRAM, 0);
	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	request.ifr_data = (char *)&channels;
	channels.cmd = ETHTOOL_GCHANNELS;
	if (ioctl(call.first, SIOCETHTOOL, &request) < 0)
		die(interface);
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = atoi(pairs);
	call.third = (long)&request;
	return call;
}

/* A program that passes everything on: "return XDP_PASS". */
static struct call prepare_xdp(const char *interface)
{
	static const struct bpf_insn code[2] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
	};
	static union bpf_attr link;
	struct call call = { .number = SYS_bpf, .first = BPF_LINK_CREATE };

	load.insns = (unsigned long)code;
	link.link_create.prog_fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load,
					   sizeof(load));
	link.link_create.target_ifindex = if_nametoindex(interface);
	link.link_create.attach_type = BPF_XDP;
	link.link_create.flags = XDP_FLAGS_DRV_MODE;
	if ((int)link.link_create.prog_fd < 0)
		die("BPF_PROG_LOAD");
	call.second = (long)&link;
	call.third = sizeof(link);
	return call;
}

static struct call prepare(int count, char **words)
{
	if (count == 3 && !strcmp(words[0], "write"))
		return prepare_write(words[1], words[2]);
	if (count == 3 && !strcmp(words[0], "channels"))
		return prepare_channels(words[1], words[2]);
	if (count == 2 && !strcmp(words[0], "xdp"))
		return prepare_xdp(words[1]);
	fputs("usage: failnth N {write FILE TEXT|channels INTERFACE PAIRS|xdp INTERFACE}\n",
	      stderr);
	exit(2);
}

/* Returns what is left of the last @number. */
static int set_nth(int file, const char *number)
{
	char left[16] = "";

	if (pread(file, left, sizeof(left) - 1, 0) < 0 ||
	    pwrite(file, number, strlen(number), 0) < 0)
		die("/proc/self/fail-nth");
	return atoi(left);
}

int main(int argc, char **argv)
{
	struct call call = prepare(argc - 2, argv + 2);
	int file = open("/proc/self/fail-nth", O_RDWR);
	int left, error;
	long result;

	if (file < 0)
		die("/proc/self/fail-nth");
	set_nth(file, argv[1]);
	result = syscall(call.number, call.first, call.second, call.third);
	error = result < 0 ? errno : 0;
	left = set_nth(file, "0");
	printf("%d %d\n", left, error);
	return 0;
}
