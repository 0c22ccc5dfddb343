// SPDX-License-Identifier: GPL-2.0
/*
 * generator - send one fixed UDP packet over and over, as fast as asked
 *
 * Two ways out, because a machine without /dev/net/tun has only the second:
 *
 *   --interface NAME   raw frames into a network interface (a tap, whose other
 *                      end is the guest), past the queueing discipline
 *   --datagram ADDR:PORT   every frame in one UDP datagram, which is what
 *                      QEMU's "dgram" network backend reads
 *
 * With --burst, so many packets leave one after the other, and the pace is kept
 * by the pause after them.
 *
 * The flows of one run differ only in their UDP source port.  The last line on
 * standard output is a JSON object:
 *
 *   {"sent": 1000, "refused": 20, "seconds": 0.1}
 *
 * "sent" was accepted by the next hop; "refused" was turned away at once
 * because its queue was full.  With --interval, one such line is printed per
 * interval too, with running totals.
 *
 * Why not trafgen: see traffic.py.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,		/* packets per system call */
	MAX_FLOWS = 256,
	MIN_FRAME = sizeof(struct ether_header) + sizeof(struct iphdr) +
		    sizeof(struct udphdr),
	MAX_FRAME = 9014,	/* a full MTU of 9000 and the Ethernet header */
	FIRST_SOURCE_PORT = 20000,
	EXIT_USAGE = 2,
	NS_PER_SECOND = 1000000000,
};

struct options {
	const char *interface;
	const char *datagram;
	struct ether_addr from_mac;
	struct ether_addr to_mac;
	struct in_addr from_ip;
	struct in_addr to_ip;
	long to_port;
	long flows;
	long size;
	long rate;		/* packets per second, 0: no pace */
	long burst;		/* packets that become due at once */
	long packets;		/* 0: bounded by time alone */
	double seconds;
	long interval;		/* milliseconds, 0: only the last line */
};

struct tally {
	uint64_t sent;
	uint64_t refused;
};

static unsigned char frames[MAX_FLOWS][MAX_FRAME];
static struct iovec pieces[MAX_FLOWS + BATCH];
static struct mmsghdr messages[MAX_FLOWS + BATCH];
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / (double)NS_PER_SECOND;
}

static void sleep_for(double seconds)
{
	struct timespec t = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (time_t)seconds) * NS_PER_SECOND),
	};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* --- the packet ---------------------------------------------------------- */

static uint16_t checksum(const void *data, size_t length, uint32_t sum)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < length; i++)
		sum += (i & 1) ? byte[i] : byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The UDP checksum is real: a receiver that verifies must have to do so. */
static uint16_t udp_checksum(const struct iphdr *ip, const struct udphdr *udp)
{
	size_t length = ntohs(udp->len);
	uint32_t pseudo = IPPROTO_UDP + length;
	const uint16_t *address = (const uint16_t *)&ip->saddr;
	uint16_t sum;

	for (int i = 0; i < 4; i++)
		pseudo += ntohs(address[i]);
	sum = checksum(udp, length, pseudo);
	return sum ? sum : 0xffff;	/* 0 would say "none" */
}

static void build_frame(unsigned char *frame, const struct options *o, int flow)
{
	struct ether_header *ether = (void *)frame;
	struct iphdr *ip = (void *)(ether + 1);
	struct udphdr *udp = (void *)(ip + 1);
	unsigned char *payload = (void *)(udp + 1);

	memcpy(ether->ether_dhost, &o->to_mac, ETH_ALEN);
	memcpy(ether->ether_shost, &o->from_mac, ETH_ALEN);
	ether->ether_type = htons(ETHERTYPE_IP);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*ip) / 4,
		.tot_len = htons(o->size - sizeof(*ether)),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = o->from_ip.s_addr,
		.daddr = o->to_ip.s_addr,
	};
	ip->check = checksum(ip, sizeof(*ip), 0);
	for (unsigned char *p = payload; p < frame + o->size; p++)
		*p = (unsigned char)(p - payload);
	udp->source = htons(FIRST_SOURCE_PORT + flow);
	udp->dest = htons(o->to_port);
	udp->len = htons(o->size - sizeof(*ether) - sizeof(*ip));
	udp->check = 0;
	udp->check = udp_checksum(ip, udp);
}

/*
 * The message array is the flows in turn, repeated until a whole batch fits
 * behind any starting flow, so that a batch is always one stretch of it.
 */
static void build_messages(const struct options *o)
{
	for (int flow = 0; flow < o->flows; flow++)
		build_frame(frames[flow], o, flow);
	for (int i = 0; i < o->flows + BATCH; i++) {
		pieces[i].iov_base = frames[i % o->flows];
		pieces[i].iov_len = o->size;
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* --- the way out --------------------------------------------------------- */

static int open_interface(struct options *o)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(o->interface),
	};
	struct ifreq request = {};
	int one = 1;
	int fd;

	if (!address.sll_ifindex)
		error(EXIT_USAGE, 0, "no interface %s", o->interface);
	/* Protocol 0: it only sends, so the kernel need not copy to it. */
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		error(1, errno, "cannot open a packet socket");
	if (bind(fd, (void *)&address, sizeof(address)))
		error(1, errno, "cannot bind to %s", o->interface);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		error(1, errno, "cannot bypass the queueing discipline");
	strncpy(request.ifr_name, o->interface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		error(1, errno, "cannot read the address of %s", o->interface);
	memcpy(&o->from_mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return fd;
}

static int open_datagram(struct options *o)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN] = "";
	int port = 0;
	int fd;

	if (sscanf(o->datagram, "%15[0-9.]:%d", host, &port) != 2 ||
	    !inet_aton(host, &address.sin_addr) || port < 1 || port > 65535)
		error(EXIT_USAGE, 0, "bad address %s, not IP:PORT", o->datagram);
	address.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		error(1, errno, "cannot open a datagram socket");
	if (connect(fd, (void *)&address, sizeof(address)))
		error(1, errno, "cannot connect to %s", o->datagram);
	/* Any locally administered address will do: nobody answers it. */
	o->from_mac = (struct ether_addr){ { 0x02, 0, 0, 0, 0, 0x01 } };
	return fd;
}

/* A full queue is the normal case here; anything else is a broken set-up. */
static bool refusal(int code)
{
	return code == ENOBUFS || code == EAGAIN || code == ECONNREFUSED;
}

/*
 * Offer `count` packets, starting at flow `first`.  sendmmsg() stops at the
 * first packet that is refused and says how many came before it: that packet
 * is gone, and counted here.  Returns how many were tried.
 */
static unsigned int offer(int fd, unsigned int first, unsigned int count,
			  struct tally *tally)
{
	int sent = sendmmsg(fd, &messages[first], count, 0);

	if (sent < 0 && errno == EINTR)
		return 0;
	if (sent < 0 && !refusal(errno))
		error(1, errno, "cannot send");
	if (sent < 0)
		sent = 0;
	tally->sent += sent;
	if ((unsigned int)sent == count)
		return count;
	tally->refused++;
	return sent + 1;
}

/* --- the loop ------------------------------------------------------------ */

static void print_tally(const struct tally *tally, double seconds)
{
	printf("{\"sent\": %lu, \"refused\": %lu, \"seconds\": %.6f}\n",
	       tally->sent, tally->refused, seconds);
	fflush(stdout);
}

/* How many packets may go now: what the pace and --packets leave. */
static uint64_t allowance(const struct options *o, uint64_t tried, double t)
{
	uint64_t allowed = BATCH;

	if (o->rate) {
		uint64_t due = (uint64_t)(t * o->rate / o->burst + 1) * o->burst;

		allowed = due > tried ? due - tried : 0;
	}
	if (o->packets && allowed > o->packets - tried)
		allowed = o->packets - tried;
	return allowed < BATCH ? allowed : BATCH;
}

static void generate(int fd, const struct options *o)
{
	double interval = o->interval / 1000.0;
	double pause = o->rate ? BATCH / 2.0 / o->rate : 0;
	double start = now();
	double report = interval;
	double t = 0;
	struct tally tally = {};
	uint64_t tried = 0;

	while (!stopped && t < o->seconds &&
	       (!o->packets || tried < (uint64_t)o->packets)) {
		uint64_t count = allowance(o, tried, t);

		if (count)
			tried += offer(fd, tried % o->flows, count, &tally);
		else
			sleep_for(pause < 0.01 ? pause : 0.01);
		t = now() - start;
		if (o->interval && t >= report) {
			print_tally(&tally, t);
			report += interval;
		}
	}
	print_tally(&tally, t);
}

/* --- the command line ---------------------------------------------------- */

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "datagram", required_argument, NULL, 'd' },
	{ "to-mac", required_argument, NULL, 'm' },
	{ "from-ip", required_argument, NULL, 'f' },
	{ "to-ip", required_argument, NULL, 't' },
	{ "to-port", required_argument, NULL, 'p' },
	{ "flows", required_argument, NULL, 'n' },
	{ "size", required_argument, NULL, 's' },
	{ "rate", required_argument, NULL, 'r' },
	{ "burst", required_argument, NULL, 'b' },
	{ "packets", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 'S' },
	{ "interval", required_argument, NULL, 'I' },
	{}
};

static double number(const char *name, const char *text, double least,
		     double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		error(EXIT_USAGE, 0, "--%s %s: not a number from %g to %g",
		      name, text, least, most);
	return value;
}

static struct in_addr ip_address(const char *name, const char *text)
{
	struct in_addr address;

	if (!inet_aton(text, &address))
		error(EXIT_USAGE, 0, "--%s %s: not an IPv4 address", name, text);
	return address;
}

static struct ether_addr mac_address(const char *name, const char *text)
{
	struct ether_addr address;
	unsigned char *b = address.ether_addr_octet;
	int used = 0;

	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &used) != 6 || text[used])
		error(EXIT_USAGE, 0, "--%s %s: not a MAC address", name, text);
	return address;
}

static void set_option(struct options *o, int option, const char *name)
{
	switch (option) {
	case 'i': o->interface = optarg; break;
	case 'd': o->datagram = optarg; break;
	case 'm': o->to_mac = mac_address(name, optarg); break;
	case 'f': o->from_ip = ip_address(name, optarg); break;
	case 't': o->to_ip = ip_address(name, optarg); break;
	case 'p': o->to_port = number(name, optarg, 1, 65535); break;
	case 'n': o->flows = number(name, optarg, 1, MAX_FLOWS); break;
	case 's': o->size = number(name, optarg, MIN_FRAME, MAX_FRAME); break;
	case 'r': o->rate = number(name, optarg, 0, 1e9); break;
	case 'b': o->burst = number(name, optarg, 1, 1e6); break;
	case 'c': o->packets = number(name, optarg, 1, 1e12); break;
	case 'S': o->seconds = number(name, optarg, 0.001, 3600); break;
	case 'I': o->interval = number(name, optarg, 1, 60000); break;
	default: exit(EXIT_USAGE);	/* getopt has said what is wrong */
	}
}

static struct options parse(int argc, char **argv)
{
	struct options o = { .to_port = 9000, .flows = 1, .size = 64,
			     .burst = 1, .seconds = 1 };
	int index = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, &index)) != -1)
		set_option(&o, option, long_options[index].name);
	if (optind < argc)
		error(EXIT_USAGE, 0, "surplus argument %s", argv[optind]);
	if (!o.interface == !o.datagram)
		error(EXIT_USAGE, 0, "give either --interface or --datagram");
	if (!o.from_ip.s_addr || !o.to_ip.s_addr)
		error(EXIT_USAGE, 0, "give both --from-ip and --to-ip");
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	int fd = o.interface ? open_interface(&o) : open_datagram(&o);

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	prctl(PR_SET_PDEATHSIG, SIGTERM);	/* never outlive the benchmark */
	prctl(PR_SET_TIMERSLACK, 1);		/* a pace needs short sleeps */
	build_messages(&o);
	generate(fd, &o);
	return 0;
}
