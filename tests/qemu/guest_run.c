/* guest_run SOCKET SECONDS COMMAND: runs COMMAND in the shell that is logged in on a console, by consoleN.raw; prints what
 * it prints, and exits with its status. 124: it did not end in time, 125: nothing could be typed.
 *
 * The shell is told to print a mark before and after. The marks are typed with quotes inside, so that the echo of
 * what is typed is never taken for them, wherever it is wrapped. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/sock.h"

#define COMMAND_MAX 900 /* busybox's line editor ends at 1023 characters */
#define OUTPUT_MAX (4u << 20)

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool write_all(int fd, const char *p, size_t n, long long end)
{
	while (n > 0) {
		struct pollfd out = {.fd = fd, .events = POLLOUT};
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno != EAGAIN)
			return false;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (now_ms() >= end || poll(&out, 1, 1000) < 0) {
			return false;
		}
	}
	return true;
}

/* As one word for the shell. Output begins behind the mark's line. */
static void compose(struct buf *line, const char *id, const char *command)
{
	buf_addf(line, "echo '@''%s<'; eval '", id);
	for (; *command; command++) {
		if (*command == '\'')
			buf_adds(line, "'\\''");
		else
			buf_addc(line, *command);
	}
	buf_addf(line, "' </dev/null; echo '@''%s>'$?\r", id);
}

/* Both marks are there: prints what stands between them, *status is the command's. */
static bool finished(const struct buf *seen, const char *id, int *status)
{
	char mark[64], *from, *to, *line;

	snprintf(mark, sizeof(mark), "@%s<\r\n", id);
	from = seen->data ? strstr(seen->data, mark) : NULL;
	if (!from)
		return false;
	from += strlen(mark);
	snprintf(mark, sizeof(mark), "@%s>", id);
	to = strstr(from, mark);
	line = to ? strchr(to, '\n') : NULL;
	if (!line)
		return false;
	*status = atoi(to + strlen(mark));
	for (; from < to; from++) {
		if (*from != '\r')
			putchar(*from);
	}
	return true;
}

/* The guest's bytes until the command has ended. */
static int watch(int fd, const char *id, long long end)
{
	struct buf seen = {0};
	int status = 124;

	while (now_ms() < end && seen.len < OUTPUT_MAX) {
		struct pollfd in = {.fd = fd, .events = POLLIN};
		char bytes[4096];
		ssize_t n;

		if (poll(&in, 1, (int)(end - now_ms()) + 1) <= 0)
			break;
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i])
				buf_addc(&seen, bytes[i]);
		}
		if (finished(&seen, id, &status))
			goto out;
	}
	fprintf(stderr, "guest_run: the command did not end; the console said:\n%s\n",
	    seen.len > 0 ? seen.data : "(nothing)");
out:
	buf_fini(&seen);
	return status;
}

int main(int argc, char **argv)
{
	struct buf line = {0};
	struct err err = {0};
	long long end;
	char id[32];
	int fd, status = 125;

	if (argc != 4 || strlen(argv[3]) > COMMAND_MAX) {
		fprintf(stderr, "usage: guest_run SOCKET SECONDS COMMAND (of at most %d bytes)\n",
		    COMMAND_MAX);
		return 125;
	}
	fd = sock_connect(argv[1], &err);
	if (fd < 0) {
		fprintf(stderr, "guest_run: %s\n", err.msg);
		return 125;
	}
	end = now_ms() + atoi(argv[2]) * 1000LL;
	snprintf(id, sizeof(id), "%ld.%lld", (long)getpid(), end % 1000000);
	compose(&line, id, argv[3]);
	if (write_all(fd, line.data, line.len, end))
		status = watch(fd, id, end);
	else
		fprintf(stderr, "guest_run: the console takes no input\n");
	buf_fini(&line);
	return status;
}
