// SPDX-License-Identifier: GPL-2.0
/*
 * genl - ask a family of generic netlink for all it has
 *
 *   genl FAMILY COMMAND [ATTRIBUTE=NUMBER]...
 *   genl netdev 12 1=2 4=1
 *
 * Everything is a number: the command, and the attributes that go with it, of 32
 * bits each. Prints one line per message of the answer: its attributes that are
 * numbers, in the same form.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MAX	65536

/* One request: the headers, then attributes up to @nlh.nlmsg_len */
struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attributes[512];
};

static int fd;
static char answer[ANSWER_MAX];

static void die(const char *what, int error)
{
	fprintf(stderr, "genl: %s: %s\n", what, strerror(error));
	exit(1);
}

static void begin(struct request *request, int type, int command, int flags)
{
	memset(request, 0, sizeof(*request));
	request->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request->nlh.nlmsg_type = type;
	request->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	request->genl.cmd = command;
	request->genl.version = 1;
}

static void put(struct request *request, int type, const void *value, size_t size)
{
	struct nlattr *to = (void *)request + NLMSG_ALIGN(request->nlh.nlmsg_len);
	size_t end = NLMSG_ALIGN(request->nlh.nlmsg_len) + NLA_HDRLEN + NLA_ALIGN(size);

	if (end > sizeof(*request))
		die("attributes", E2BIG);
	to->nla_type = type;
	to->nla_len = NLA_HDRLEN + size;
	memcpy((void *)to + NLA_HDRLEN, value, size);
	request->nlh.nlmsg_len = end;
}

static void ask(const struct request *request)
{
	if (send(fd, request, request->nlh.nlmsg_len, 0) < 0)
		die("send", errno);
}

/* Receive what there is, of which the length is returned. */
static int hear(void)
{
	ssize_t got = recv(fd, answer, sizeof(answer), 0);

	if (got < 0)
		die("recv", errno);
	return got;
}

/* Is this the end of an answer? An error of the kernel's is the end of the program. */
static int ended(const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
		int error = *(int *)NLMSG_DATA(nlh);

		if (error)
			die("the kernel", -error);
		return 1;
	}
	return 0;
}

/* The attribute after this one; @left bytes are left from it on. */
static const struct nlattr *next(const struct nlattr *at, int *left)
{
	*left -= NLA_ALIGN(at->nla_len);
	return (const void *)at + NLA_ALIGN(at->nla_len);
}

static uint64_t number(const struct nlattr *at)
{
	const void *value = (const void *)at + NLA_HDRLEN;
	uint64_t result = 0;

	memcpy(&result, value, at->nla_len - NLA_HDRLEN);
	return result;
}

/* A number has 1, 2, 4 or 8 bytes: in this machine's order, the lowest comes first. */
static int is_number(const struct nlattr *at)
{
	int size = at->nla_len - NLA_HDRLEN;

	return !(at->nla_type & NLA_F_NESTED) && size > 0 && size <= 8 && !(size & (size - 1));
}

static const struct nlattr *first(const struct nlmsghdr *nlh, int *left)
{
	*left = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	return NLMSG_DATA(nlh) + GENL_HDRLEN;
}

static int family(const char *name)
{
	const struct nlmsghdr *nlh = (void *)answer;
	const struct nlattr *at;
	struct request request;
	int left;

	begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(&request, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	ask(&request);
	hear();
	if (!ended(nlh))
		for (at = first(nlh, &left); left >= NLA_HDRLEN; at = next(at, &left))
			if (at->nla_type == CTRL_ATTR_FAMILY_ID)
				return number(at);
	die(name, ENOENT);
	return 0;
}

static void show(const struct nlmsghdr *nlh)
{
	const struct nlattr *at;
	int left;

	for (at = first(nlh, &left); left >= NLA_HDRLEN; at = next(at, &left))
		if (is_number(at))
			printf("%u=%" PRIu64 " ", at->nla_type & NLA_TYPE_MASK, number(at));
	putchar('\n');
}

static void dump(const struct request *request)
{
	const struct nlmsghdr *nlh;
	int left;

	ask(request);
	for (;;) {
		left = hear();
		for (nlh = (void *)answer; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (ended(nlh))
				return;
			show(nlh);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct request request;
	uint32_t value;
	char *equals;
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: genl FAMILY COMMAND [ATTRIBUTE=NUMBER]...\n");
		return 2;
	}
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (fd < 0 || connect(fd, (void *)&kernel, sizeof(kernel)))
		die("socket", errno);
	begin(&request, family(argv[1]), atoi(argv[2]), NLM_F_DUMP);
	for (i = 3; i < argc; i++) {
		equals = strchr(argv[i], '=');
		if (!equals)
			die(argv[i], EINVAL);
		value = strtoul(equals + 1, NULL, 0);
		put(&request, atoi(argv[i]), &value, sizeof(value));
	}
	dump(&request);
	return 0;
}
