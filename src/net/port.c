#include "net/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/mem.h"

/* Can one bind to it now? 0 or the errno; a host's name is for QEMU to find out. */
static int try_port(const char *address, unsigned port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	bool is_six = strchr(address, ':') != NULL;
	int one = 1;
	if (is_six ? inet_pton(AF_INET6, address, &six.sin6_addr) != 1
	           : inet_pton(AF_INET, address, &four.sin_addr) != 1)
		return 0;
	CLEANUP_CLOSE int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	const struct sockaddr *to = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	if (bind(fd, to, is_six ? sizeof(six) : sizeof(four)) == 0 && listen(fd, 1) == 0)
		return 0;
	return errno;
}

/* A name in the abstract space of Unix sockets: unique on the host's network, gone with its process. */
static int keep(unsigned port)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "hvmux-port-%u", port);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, len) < 0)
		return -1;
	return TAKE_FD(fd);
}

int port_keep(const char *address, unsigned first, unsigned last, unsigned *port, struct err *err)
{
	for (unsigned p = first; p <= last; p++) {
		CLEANUP_CLOSE int fd = keep(p);
		int e = fd >= 0 ? try_port(address, p) : EADDRINUSE;
		if (e == EADDRNOTAVAIL)
			return err_errno(err, e, "cannot listen on %s", address);
		if (e != 0)
			continue;
		*port = p;
		return TAKE_FD(fd);
	}
	return err_set(err, ERR_BUSY, "no port from %u to %u is free on %s", first, last, address);
}
