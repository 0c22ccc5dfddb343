// SPDX-License-Identifier: GPL-2.0
/*
 * sink - read a UDP flood in the guest, and write down what every layer saw
 *
 *   sink --interface eth0 --port 9000 --interval 100 --output FILE [--buffer BYTES]
 *        [--merged]
 *
 * With --merged, its socket takes datagrams that GRO has merged (UDP_GRO), each of
 * which counts as one.
 *
 * It reads datagrams until SIGTERM and throws them away, so that "delivered to
 * the socket" means that a program really read them.  At the start, at the end
 * and once per interval (milliseconds) it writes a line of running totals:
 *
 *   time             seconds since the guest booted, as in /proc/uptime
 *   socket_packets   datagrams read by this program
 *   socket_bytes     their payload
 *   ip_*, udp_*      the network stack, from /proc/net/snmp
 *   link_*           the interface, from its statistics files
 *   everything else  the driver's own counters, those of `ethtool -S`
 *
 * The file's first line names the columns.  A sample costs some system calls
 * and no fork: running ethtool ten times a second would disturb the one CPU
 * whose packets are being counted.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,			/* datagrams per system call */
	MAX_DATAGRAM = 2048,
	SOCKET_BUFFER = 4 << 20,
	LONGEST_WAIT_US = 10000,	/* how late a sample of a quiet socket is */
	MAX_COLUMNS = 1024,
	NAME_SIZE = 64,
	EXIT_USAGE = 2,
};

/* One sample: the same columns in the same order every time. */
struct sample {
	double time;
	int columns;
	char name[MAX_COLUMNS][NAME_SIZE];
	uint64_t value[MAX_COLUMNS];
};

struct options {
	const char *interface;
	const char *output;
	int port;
	int interval;
	int buffer;
	int merged;
};

struct received {
	uint64_t packets;
	uint64_t bytes;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* --- one sample ---------------------------------------------------------- */

static void add(struct sample *sample, const char *prefix, const char *name,
		uint64_t value)
{
	int column = sample->columns++;

	if (column == MAX_COLUMNS)
		error(1, 0, "more than %d counters", MAX_COLUMNS);
	snprintf(sample->name[column], NAME_SIZE, "%s%s", prefix, name);
	for (char *c = sample->name[column]; *c; c++)
		if (*c == ' ' || *c == '\t')
			*c = '_';
	sample->value[column] = value;
}

/*
 * The file has two lines per protocol, first the names and then the values:
 * "Udp: InDatagrams NoPorts" and "Udp: 12 0".
 */
static void add_stack(struct sample *sample)
{
	FILE *file = fopen("/proc/net/snmp", "r");
	char names[1024], values[1024];

	if (!file)
		error(1, errno, "cannot read /proc/net/snmp");
	while (fgets(names, sizeof(names), file) &&
	       fgets(values, sizeof(values), file)) {
		char *next_name, *next_value;
		char *name = strtok_r(names, " \n", &next_name);
		char *value = strtok_r(values, " \n", &next_value);
		const char *prefix = !strcmp(name, "Udp:") ? "udp_" : "ip_";

		if (strcmp(name, "Udp:") && strcmp(name, "Ip:"))
			continue;
		while ((name = strtok_r(NULL, " \n", &next_name)) &&
		       (value = strtok_r(NULL, " \n", &next_value)))
			add(sample, prefix, name, strtoull(value, NULL, 10));
	}
	fclose(file);
}

static void add_link(struct sample *sample, const char *interface)
{
	char path[320];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics", interface);
	directory = opendir(path);
	if (!directory)
		error(1, errno, "cannot read %s", path);
	while ((entry = readdir(directory))) {
		uint64_t value = 0;
		FILE *file;

		if (strncmp(entry->d_name, "rx_", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s",
			 interface, entry->d_name);
		file = fopen(path, "r");
		if (!file || fscanf(file, "%" SCNu64, &value) != 1)
			error(1, errno, "cannot read %s", path);
		fclose(file);
		add(sample, "link_", entry->d_name, value);
	}
	closedir(directory);
}

static int ethtool(const char *interface, int fd, void *command)
{
	struct ifreq request = { .ifr_data = command };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	return ioctl(fd, SIOCETHTOOL, &request);
}

/* The names are read anew with every sample: a driver may change their number. */
static void add_driver(struct sample *sample, const char *interface, int fd)
{
	static union {
		struct ethtool_drvinfo info;
		struct ethtool_gstrings strings;
		uint8_t room[sizeof(struct ethtool_gstrings) +
			     MAX_COLUMNS * ETH_GSTRING_LEN];
	} names;
	static union {
		struct ethtool_stats stats;
		uint64_t room[1 + MAX_COLUMNS];
	} values;
	unsigned int count;

	names.info = (struct ethtool_drvinfo){ .cmd = ETHTOOL_GDRVINFO };
	if (ethtool(interface, fd, &names))
		error(1, errno, "cannot ask the driver of %s", interface);
	count = names.info.n_stats;
	if (count > MAX_COLUMNS)
		error(1, 0, "%s has %u counters", interface, count);
	names.strings = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = count
	};
	values.stats = (struct ethtool_stats){
		.cmd = ETHTOOL_GSTATS, .n_stats = count
	};
	if (ethtool(interface, fd, &names) || ethtool(interface, fd, &values))
		error(1, errno, "cannot read the counters of %s", interface);
	for (unsigned int i = 0; i < count; i++) {
		char name[ETH_GSTRING_LEN + 1] = "";

		memcpy(name, names.strings.data + i * ETH_GSTRING_LEN,
		       ETH_GSTRING_LEN);
		add(sample, "", name, values.stats.data[i]);
	}
}

static void take(struct sample *sample, const struct options *o, int fd,
		 const struct received *received)
{
	sample->columns = 0;
	sample->time = now();
	add(sample, "", "socket_packets", received->packets);
	add(sample, "", "socket_bytes", received->bytes);
	add_stack(sample);
	add_link(sample, o->interface);
	add_driver(sample, o->interface, fd);
}

static void print_names(FILE *output, const struct sample *sample)
{
	fputs("time", output);
	for (int i = 0; i < sample->columns; i++)
		fprintf(output, "\t%s", sample->name[i]);
	fputc('\n', output);
}

static void print_values(FILE *output, const struct sample *sample)
{
	fprintf(output, "%.6f", sample->time);
	for (int i = 0; i < sample->columns; i++)
		fprintf(output, "\t%" PRIu64, sample->value[i]);
	fputc('\n', output);
}

/* --- the socket ---------------------------------------------------------- */

static int open_socket(const struct options *o)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(o->port),
	};
	struct timeval wait = { .tv_usec = LONGEST_WAIT_US };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		error(1, errno, "cannot open a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &o->buffer, sizeof(o->buffer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_UDP, UDP_GRO, &o->merged, sizeof(o->merged)))
		error(1, errno, "cannot set the socket's options");
	if (bind(fd, (void *)&address, sizeof(address)))
		error(1, errno, "cannot bind to port %d", o->port);
	return fd;
}

static void receive(int fd, struct received *received)
{
	static char data[BATCH][MAX_DATAGRAM];
	struct mmsghdr messages[BATCH] = {};
	struct iovec pieces[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){ data[i], MAX_DATAGRAM };
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	/* MSG_TRUNC: the length is the datagram's, even if there is no room for it. */
	count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE | MSG_TRUNC, NULL);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		error(1, errno, "cannot receive");
	for (int i = 0; i < count; i++)
		received->bytes += messages[i].msg_len;
	received->packets += count > 0 ? count : 0;
}

static void run(const struct options *o, FILE *output)
{
	static struct sample sample;
	struct received received = {};
	int fd = open_socket(o);
	double next;

	take(&sample, o, fd, &received);
	print_names(output, &sample);
	print_values(output, &sample);
	fflush(output);		/* whoever waits for this file may send now */
	next = sample.time + o->interval / 1e3;
	while (!stopped) {
		receive(fd, &received);
		if (now() < next)
			continue;
		take(&sample, o, fd, &received);
		print_values(output, &sample);
		/* A sample that came late is not made up for by two at once. */
		while (next <= sample.time)
			next += o->interval / 1e3;
	}
	take(&sample, o, fd, &received);
	print_values(output, &sample);
}

/* --- the command line ---------------------------------------------------- */

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "output", required_argument, NULL, 'o' },
	{ "port", required_argument, NULL, 'p' },
	{ "interval", required_argument, NULL, 'n' },
	{ "buffer", required_argument, NULL, 'b' },
	{ "merged", no_argument, NULL, 'm' },
	{}
};

static struct options parse(int argc, char **argv)
{
	struct options o = { .port = 9000, .interval = 100,
			     .buffer = SOCKET_BUFFER };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'i': o.interface = optarg; break;
		case 'o': o.output = optarg; break;
		case 'p': o.port = atoi(optarg); break;
		case 'n': o.interval = atoi(optarg); break;
		case 'b': o.buffer = atoi(optarg); break;
		case 'm': o.merged = 1; break;
		default: exit(EXIT_USAGE);	/* getopt has said what is wrong */
		}
	}
	if (!o.interface || !o.output || optind < argc)
		error(EXIT_USAGE, 0, "usage: --interface NAME --output FILE "
		      "[--port N] [--interval MS] [--buffer BYTES]");
	if (o.port < 1 || o.port > 65535 || o.interval < 1 || o.buffer < 1)
		error(EXIT_USAGE, 0, "bad --port, --interval or --buffer");
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	/* No SA_RESTART: the signal must end a recvmmsg() that waits. */
	struct sigaction action = { .sa_handler = stop };
	FILE *output;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	output = fopen(o.output, "w");
	if (!output)
		error(1, errno, "cannot write %s", o.output);
	run(&o, output);
	if (fclose(output))
		error(1, errno, "cannot write %s", o.output);
	return 0;
}
