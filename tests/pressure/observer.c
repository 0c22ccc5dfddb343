// SPDX-License-Identifier: GPL-2.0
/*
 * observer - serve two small services in a guest whose memory runs out, and
 * write down what becomes of them and of the guest
 *
 *   observer --interface eth0 --control 9001 --echo 9002 --output /dev/ttyS1
 *
 * Two processes. The server counts the datagrams of a control flow and answers
 * requests over TCP, as a shell session would. The sampler writes lines, fields
 * separated by tabs:
 *
 *   S time free softirq ...    every 20 ms, running totals; see columns[]
 *   N name ...                 the names of the driver's counters, once
 *   D time value ...           every 100 ms the driver's counters
 *   A number:time ...          datagrams of the control flow that arrived, each
 *                              with the number that its sender gave it
 *   M name time                a mark: SIGUSR1 says "begin", SIGUSR2 says "end"
 *
 * Times are seconds since the guest booted. Nothing here may ask for memory
 * while there is none, or it would invoke the OOM killer itself: all memory is
 * locked, files stay open, and the output is a serial port, whose driver has
 * its buffer since it was opened. Only for the driver's counters the kernel
 * needs memory, so they are left out while little is free.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_NS = 20000000,
	DRIVER_EVERY = 5,		/* intervals */
	ARRIVALS_MAX = 1 << 16,
	ARRIVALS_PER_LINE = 64,
	COUNTERS_MAX = 1024,
	LINE_MAX_BYTES = 32768,
	CONNECTIONS_MAX = 4,
	REQUEST_MAX = 512,
	EXIT_USAGE = 2,
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct options {
	const char *interface;
	const char *output;
	int control;
	int echo;
};

/*
 * struct arrivals - what the server has received; shared with the sampler
 * @count: how many of the others are valid; written by the server
 * @number: what the sender numbered the datagram with
 * @time: when it came
 */
struct arrivals {
	unsigned int count;
	uint32_t number[ARRIVALS_MAX];
	double time[ARRIVALS_MAX];
};

static struct arrivals *arrivals;
static volatile sig_atomic_t stopped;
static volatile sig_atomic_t mark_begin, mark_end;
static double mark_begin_time, mark_end_time;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* --- the server ---------------------------------------------------------- */

static int open_socket(int type, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		error(1, errno, "cannot open a socket");
	if (bind(fd, (void *)&address, sizeof(address)))
		error(1, errno, "cannot bind to port %d", port);
	if (type == SOCK_STREAM && listen(fd, CONNECTIONS_MAX))
		error(1, errno, "cannot listen on port %d", port);
	return fd;
}

static void serve_control(int fd)
{
	unsigned int i = arrivals->count;
	uint32_t number;

	while (recv(fd, &number, sizeof(number), 0) == sizeof(number)) {
		if (i == ARRIVALS_MAX)
			continue;
		arrivals->number[i] = ntohl(number);
		arrivals->time[i] = now();
		__atomic_store_n(&arrivals->count, ++i, __ATOMIC_RELEASE);
	}
}

static void serve_connect(int fd, struct pollfd *polled)
{
	int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	int one = 1;

	if (connection < 0)
		return;
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		if (polled[i].fd >= 0)
			continue;
		polled[i].fd = connection;
		return;
	}
	close(connection);
}

static void serve_echo(struct pollfd *polled)
{
	char request[REQUEST_MAX];
	ssize_t size = recv(polled->fd, request, sizeof(request), 0);

	if (size > 0 && send(polled->fd, request, size, MSG_NOSIGNAL) == size)
		return;
	if (size < 0 && errno == EAGAIN)
		return;
	close(polled->fd);
	polled->fd = -1;
}

static void serve(int control, int echo)
{
	struct pollfd polled[2 + CONNECTIONS_MAX] = {
		{ .fd = control, .events = POLLIN },
		{ .fd = echo, .events = POLLIN },
	};

	for (int i = 2; i < 2 + CONNECTIONS_MAX; i++)
		polled[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	while (poll(polled, 2 + CONNECTIONS_MAX, -1) >= 0 || errno == EINTR) {
		if (polled[0].revents)
			serve_control(control);
		if (polled[1].revents)
			serve_connect(echo, polled + 2);
		for (int i = 2; i < 2 + CONNECTIONS_MAX; i++)
			if (polled[i].fd >= 0 && polled[i].revents)
				serve_echo(&polled[i]);
	}
	error(1, errno, "cannot wait for requests");
}

/* --- one line ------------------------------------------------------------ */

static char line[LINE_MAX_BYTES];
static size_t line_used;

static void put(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	line_used += vsnprintf(line + line_used, sizeof(line) - line_used,
			       format, words);
	va_end(words);
	if (line_used >= sizeof(line))
		error(1, 0, "a line of more than %zu bytes", sizeof(line));
}

static void put_end(int output)
{
	size_t done = 0;

	put("\n");
	while (done < line_used) {
		ssize_t size = write(output, line + done, line_used - done);

		if (size < 0 && errno != EINTR)
			error(1, errno, "cannot write");
		done += size > 0 ? size : 0;
	}
	line_used = 0;
}

/* --- what the kernel counts ---------------------------------------------- */

/*
 * A number in a file of /proc: that of a column (from 0) in the line that begins
 * with the head. Files where a line of names comes before the line of numbers
 * have two such lines, and the second one is meant.
 */
static const struct column {
	const char *name;
	const char *file;
	const char *head;
	int number;
	bool second;
} columns[] = {
	{ "free_kb", "/proc/meminfo", "MemFree:", 0, false },
	{ "softirq_ticks", "/proc/stat", "cpu ", 6, false },
	{ "link_rx_packets", "/proc/net/dev", NULL, 1, false },
	{ "link_rx_dropped", "/proc/net/dev", NULL, 3, false },
	{ "udp_in", "/proc/net/snmp", "Udp:", 0, true },
	{ "udp_no_port", "/proc/net/snmp", "Udp:", 1, true },
	{ "udp_errors", "/proc/net/snmp", "Udp:", 2, true },
	{ "udp_no_room", "/proc/net/snmp", "Udp:", 4, true },
	{ "udp_no_memory", "/proc/net/snmp", "Udp:", 8, true },
};

enum { COLUMNS = ARRAY_SIZE(columns) };

static char interface_head[IFNAMSIZ + 2];
static int column_file[COLUMNS];

/* One descriptor for neighbours that are in the same file. */
static void open_columns(const char *interface)
{
	snprintf(interface_head, sizeof(interface_head), "%s:", interface);
	for (int i = 0; i < COLUMNS; i++) {
		if (i && !strcmp(columns[i].file, columns[i - 1].file))
			column_file[i] = column_file[i - 1];
		else
			column_file[i] = open(columns[i].file, O_RDONLY);
		if (column_file[i] < 0)
			error(1, errno, "cannot open %s", columns[i].file);
	}
}

static const char *read_file(int fd)
{
	static char text[8192];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	text[size > 0 ? size : 0] = 0;
	return text;
}

static const char *find_line(const char *text, const char *head)
{
	while (text) {
		text += strspn(text, " \n");
		if (!strncmp(text, head, strlen(head)))
			return text + strlen(head);
		text = strchr(text, '\n');
	}
	return NULL;
}

static uint64_t read_column(const char *text, const struct column *column)
{
	const char *head = column->head ?: interface_head;
	const char *at = find_line(text, head);
	char *end;

	if (at && column->second)
		at = find_line(at, head);
	for (int i = 0; at && i < column->number; i++) {
		at += strspn(at, " ");
		at += strcspn(at, " \n");
	}
	return at ? strtoull(at, &end, 10) : 0;
}

static uint64_t put_sample(int output)
{
	const char *text = NULL;
	uint64_t free_kb = 0;

	put("S\t%.6f", now());
	for (int i = 0; i < COLUMNS; i++) {
		uint64_t value;

		if (!i || column_file[i] != column_file[i - 1])
			text = read_file(column_file[i]);
		value = read_column(text, &columns[i]);
		if (!i)
			free_kb = value;
		put("\t%" PRIu64, value);
	}
	put_end(output);
	return free_kb;
}

/* --- what the driver counts ---------------------------------------------- */

static struct {
	struct ethtool_gstrings head;
	uint8_t data[COUNTERS_MAX * ETH_GSTRING_LEN];
} names;

static struct {
	struct ethtool_stats head;
	uint64_t data[COUNTERS_MAX];
} values;

static bool ask_driver(int fd, const char *interface, void *request)
{
	struct ifreq ifreq = { .ifr_data = request };

	strncpy(ifreq.ifr_name, interface, IFNAMSIZ - 1);
	return !ioctl(fd, SIOCETHTOOL, &ifreq);
}

static void put_driver_names(int output, int fd, const char *interface)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (!ask_driver(fd, interface, &info) || info.n_stats > COUNTERS_MAX)
		error(1, errno, "cannot count the counters of %s", interface);
	names.head = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS,
		.len = info.n_stats
	};
	if (!ask_driver(fd, interface, &names))
		error(1, errno, "cannot name the counters of %s", interface);
	put("N");
	for (unsigned int i = 0; i < info.n_stats; i++)
		put("\t%.*s", ETH_GSTRING_LEN, names.data + i * ETH_GSTRING_LEN);
	put_end(output);
}

static void put_driver(int output, int fd, const char *interface)
{
	values.head = (struct ethtool_stats){
		.cmd = ETHTOOL_GSTATS, .n_stats = names.head.len
	};
	if (!ask_driver(fd, interface, &values))
		return;
	put("D\t%.6f", now());
	for (unsigned int i = 0; i < names.head.len; i++)
		put("\t%" PRIu64, values.data[i]);
	put_end(output);
}

/* --- the sampler --------------------------------------------------------- */

static void put_arrivals(int output)
{
	static unsigned int written;
	unsigned int count = __atomic_load_n(&arrivals->count, __ATOMIC_ACQUIRE);

	while (written < count) {
		put("A");
		for (int i = 0; written < count && i < ARRIVALS_PER_LINE; i++) {
			put("\t%u:%.6f", arrivals->number[written],
			    arrivals->time[written]);
			written++;
		}
		put_end(output);
	}
}

static void put_mark(int output, volatile sig_atomic_t *mark,
		     const char *name, double time)
{
	if (!*mark)
		return;
	*mark = 0;
	put("M\t%s\t%.6f", name, time);
	put_end(output);
}

static uint64_t least_free_kb(void)
{
	int fd = open("/proc/sys/vm/min_free_kbytes", O_RDONLY);
	uint64_t least = 2 * strtoull(read_file(fd), NULL, 10);

	close(fd);
	return least;
}

static void wait_until(struct timespec *next)
{
	next->tv_nsec += INTERVAL_NS;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void sample(const struct options *o, int output)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t least = least_free_kb();
	unsigned int turn = 0;
	struct timespec next;
	bool last = false;

	open_columns(o->interface);
	put_driver_names(output, fd, o->interface);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!last) {
		uint64_t free_kb;

		last = stopped;
		free_kb = put_sample(output);
		if (last || (!(turn++ % DRIVER_EVERY) && free_kb >= least))
			put_driver(output, fd, o->interface);
		put_arrivals(output);
		put_mark(output, &mark_begin, "begin", mark_begin_time);
		put_mark(output, &mark_end, "end", mark_end_time);
		if (!last)
			wait_until(&next);
	}
	tcdrain(output);
}

/* --- the command line ---------------------------------------------------- */

static void signalled(int number)
{
	if (number == SIGUSR1) {
		mark_begin_time = now();
		mark_begin = 1;
	} else if (number == SIGUSR2) {
		mark_end_time = now();
		mark_end = 1;
	} else {
		stopped = 1;
	}
}

static int open_output(const char *path)
{
	struct termios raw;
	int fd = open(path, O_WRONLY | O_NOCTTY);

	if (fd < 0 || tcgetattr(fd, &raw))
		error(1, errno, "cannot open the serial port %s", path);
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	raw.c_cflag |= CLOCAL;
	if (tcsetattr(fd, TCSANOW, &raw))
		error(1, errno, "cannot set %s up", path);
	return fd;
}

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "output", required_argument, NULL, 'o' },
	{ "control", required_argument, NULL, 'c' },
	{ "echo", required_argument, NULL, 'e' },
	{}
};

static struct options parse(int argc, char **argv)
{
	struct options o = { .control = 9001, .echo = 9002 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'i': o.interface = optarg; break;
		case 'o': o.output = optarg; break;
		case 'c': o.control = atoi(optarg); break;
		case 'e': o.echo = atoi(optarg); break;
		default: exit(EXIT_USAGE);	/* getopt has said what is wrong */
		}
	}
	if (!o.interface || !o.output || optind < argc)
		error(EXIT_USAGE, 0, "usage: --interface NAME --output PORT "
		      "[--control N] [--echo N]");
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct sigaction action = { .sa_handler = signalled };
	int control = open_socket(SOCK_DGRAM, o.control);
	int echo = open_socket(SOCK_STREAM, o.echo);
	int output = open_output(o.output);

	arrivals = mmap(NULL, sizeof(*arrivals), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (arrivals == MAP_FAILED || mlockall(MCL_CURRENT | MCL_FUTURE))
		error(1, errno, "cannot lock memory");
	switch (fork()) {
	case -1:
		error(1, errno, "cannot make a process");
		break;
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		mlockall(MCL_CURRENT | MCL_FUTURE);	/* is not inherited */
		serve(control, echo);
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sample(&o, output);
	return 0;
}
