/* slow_pty [-r BYTES] [-o FILE] [-c FILE] COMMAND [ARGS…]: runs the command on a terminal of its own behind this one, as ssh
 * does, and passes bytes both ways.
 *
 *	-r BYTES   at most so many a second in each direction (960: a line of 9600 baud, 5600: a modem)
 *	-o FILE    what the command wrote is kept there, byte for byte
 *	-c FILE    a journal of what passed: "MS in|out BYTES", milliseconds since the start; a line for each read
 *
 * A byte leaves the command's terminal when the line has room for it, and at most QUEUE bytes more than that: a serial
 * port's buffer. What the kernel's own terminal holds behind that is the command's own backlog. Ends as the command does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define QUEUE \
	64 /* bytes: a UART's FIFO and a little; what an operator waits for behind them is their own time */
#define CHUNK 4096

struct way {
	int from, to;
	const char *name;
	unsigned char data[CHUNK];
	size_t n, at;
	double credit; /* bytes that the line has room for */
	int ended;
};

static long rate; /* 0: as fast as it goes */
static FILE *journal;
static int copy = -1;
static double began;
static struct termios before;
static volatile sig_atomic_t resized = 1;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "slow_pty: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void on_winch(int sig)
{
	(void)sig;
	resized = 1;
}

static void restore(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void pass_size(int master)
{
	struct winsize w;

	resized = 0;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) == 0)
		ioctl(master, TIOCSWINSZ, &w);
}

/* What may pass now; a line that was idle has not saved up more than its buffer. */
static size_t room(struct way *w, double since)
{
	if (rate == 0)
		return CHUNK;
	w->credit += since * (double)rate;
	if (w->credit > QUEUE)
		w->credit = QUEUE;
	return w->credit >= 1 ? (size_t)w->credit : 0;
}

static void note(const struct way *w, size_t n)
{
	if (journal)
		fprintf(journal, "%.0f %s %zu\n", (now() - began) * 1000, w->name, n);
	if (w->to == STDOUT_FILENO && copy >= 0 && write(copy, w->data, n) != (ssize_t)n)
		die("the copy");
}

static void pass(struct way *w, size_t most)
{
	ssize_t n;

	if (w->at == w->n && most > 0) {
		n = read(w->from, w->data, most < CHUNK ? most : CHUNK);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			w->ended = 1;
		if (n <= 0)
			return;
		w->n = (size_t)n;
		w->at = 0;
		w->credit -= (double)n;
		note(w, w->n);
	}
	while (w->at < w->n) {
		n = write(w->to, w->data + w->at, w->n - w->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		w->at += (size_t)n;
	}
}

/* Until the command's end of the terminal is closed. */
static void run(int master)
{
	struct way ways[2] = {
	    {.from = master, .to = STDOUT_FILENO, .name = "out"},
	    {.from = STDIN_FILENO, .to = master, .name = "in"},
	};
	double last = now();

	while (!ways[0].ended) {
		struct pollfd p[2];
		double at = now();
		size_t most[2];
		int wait = -1;

		if (resized)
			pass_size(master);
		for (int i = 0; i < 2; i++) {
			struct way *w = &ways[i];
			most[i] = room(w, at - last);
			if (w->at < w->n)
				p[i] = (struct pollfd){.fd = w->to, .events = POLLOUT};
			else
				p[i] =
				    (struct pollfd){.fd = w->ended || most[i] == 0 ? -1 : w->from,
				        .events = POLLIN};
			if (!w->ended && most[i] == 0)
				wait = 1 + (int)(1000 / rate);
		}
		last = at;
		if (poll(p, 2, wait) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < 2; i++)
			if (!ways[i].ended && (p[i].fd >= 0 && p[i].revents))
				pass(&ways[i], most[i]);
	}
}

int main(int argc, char **argv)
{
	struct winsize w = {.ws_row = 24, .ws_col = 80};
	struct termios raw;
	int c, master, status;
	pid_t pid;

	while ((c = getopt(argc, argv, "+r:o:c:")) != -1) {
		if (c == 'r')
			rate = strtol(optarg, NULL, 10);
		else if (c == 'o')
			copy = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		else if (c == 'c')
			journal = fopen(optarg, "we");
		else
			return 125;
	}
	if (optind >= argc || tcgetattr(STDIN_FILENO, &before) < 0)
		die("usage: slow_pty [-r BYTES] [-o FILE] [-c FILE] COMMAND, in a terminal");
	if (journal)
		setvbuf(journal, NULL, _IOLBF, 0);
	ioctl(STDIN_FILENO, TIOCGWINSZ, &w);
	pid = forkpty(&master, NULL, &before, &w);
	if (pid < 0)
		die("forkpty");
	if (pid == 0) {
		execvp(argv[optind], argv + optind);
		_exit(127);
	}
	raw = before;
	cfmakeraw(&raw);
	atexit(restore);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_winch}, NULL);
	fcntl(master, F_SETFL, O_NONBLOCK);
	began = now();
	run(master);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
