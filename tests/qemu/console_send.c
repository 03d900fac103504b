/* console_send SOCKET: types standard input on a console through consoleN.raw, and stays until the
 * guest has had all of it: what the socket says meanwhile goes to standard output, until nothing
 * came for a quarter of a second. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "core/err.h"
#include "core/sock.h"

#define QUIET_MS 250

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EAGAIN) {
			struct pollfd out = {.fd = fd, .events = POLLOUT};

			poll(&out, 1, -1);
			continue;
		}
		if (w < 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	char bytes[4096];
	ssize_t n;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: console_send SOCKET\n");
		return 2;
	}
	fd = sock_connect(argv[1], &err);
	if (fd < 0) {
		fprintf(stderr, "console_send: %s\n", err.msg);
		return 1;
	}
	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
		if (!write_all(fd, bytes, (size_t)n)) {
			perror("console_send");
			return 1;
		}
	}
	for (;;) {
		struct pollfd in = {.fd = fd, .events = POLLIN};

		if (poll(&in, 1, QUIET_MS) <= 0)
			return 0;
		n = read(fd, bytes, sizeof(bytes));
		if (n <= 0 || fwrite(bytes, 1, (size_t)n, stdout) != (size_t)n)
			return n < 0 && errno != EAGAIN ? 1 : 0;
	}
}
