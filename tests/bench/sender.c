// SPDX-License-Identifier: GPL-2.0
/*
 * sender - send UDP datagrams from the guest, a batch at a time
 *
 *   sender --to 10.11.1.77 --port 9000 --payload 22 --batch 64 --pause 2000
 *
 * Every --pause microseconds of the guest's clock a batch leaves in one system
 * call, until somebody ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_BATCH = 256,
	MAX_PAYLOAD = 1472,
	EXIT_USAGE = 2,
};

struct options {
	struct sockaddr_in to;
	int payload;
	int batch;
	int pause;
};

static int open_socket(const struct options *o)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		error(1, errno, "cannot open a socket");
	if (connect(fd, (const void *)&o->to, sizeof(o->to)))
		error(1, errno, "cannot connect");
	return fd;
}

static void send_for_ever(const struct options *o)
{
	static char data[MAX_PAYLOAD];
	struct iovec piece = { data, o->payload };
	struct mmsghdr messages[MAX_BATCH] = {};
	struct timespec pause = { .tv_nsec = o->pause * 1000L };
	int fd = open_socket(o);

	for (int i = 0; i < o->batch; i++) {
		messages[i].msg_hdr.msg_iov = &piece;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (1) {
		/* A full queue refuses packets: they are not counted as sent. */
		if (sendmmsg(fd, messages, o->batch, 0) < 0 && errno != ENOBUFS)
			error(1, errno, "cannot send");
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

static const struct option long_options[] = {
	{ "to", required_argument, NULL, 't' },
	{ "port", required_argument, NULL, 'p' },
	{ "payload", required_argument, NULL, 's' },
	{ "batch", required_argument, NULL, 'b' },
	{ "pause", required_argument, NULL, 'w' },
	{}
};

int main(int argc, char **argv)
{
	struct options o = { .to.sin_family = AF_INET, .payload = 22,
			     .batch = 64, .pause = 2000 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 't': inet_aton(optarg, &o.to.sin_addr); break;
		case 'p': o.to.sin_port = htons(atoi(optarg)); break;
		case 's': o.payload = atoi(optarg); break;
		case 'b': o.batch = atoi(optarg); break;
		case 'w': o.pause = atoi(optarg); break;
		default: exit(EXIT_USAGE);
		}
	}
	if (!o.to.sin_addr.s_addr || !o.to.sin_port || o.payload < 0 ||
	    o.payload > MAX_PAYLOAD || o.batch < 1 || o.batch > MAX_BATCH ||
	    o.pause < 1 || o.pause >= 1000000 || optind < argc)
		error(EXIT_USAGE, 0, "usage: --to IP --port N [--payload BYTES] "
		      "[--batch N] [--pause MICROSECONDS]");
	send_for_ever(&o);
	return 0;
}
