/* bench_log: writes a console's log as a supervisor does, rotated and compressed, for tests/bench/log.sh.
 *	bench_log PATH FILES SIZE MIB
 * MIB of what a Linux guest says, in FILES files of SIZE bytes at most. Its lines: kernel messages, systemd's with
 * colours, some that a search looks for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/conlog.h"

#define CHUNK (256u << 10)

static uint64_t seed = 1;

static unsigned any(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static void add_line(struct buf *b, uint64_t i)
{
	static const char *const words[] = {"kernel", "systemd", "service", "usb", "device", "eth0",
	    "link", "ready", "memory", "page", "block", "nvme", "sda", "cache", "cpu", "core",
	    "irq", "timer", "clock", "acpi", "pci", "bus", "root", "mount", "node", "zone", "queue",
	    "reset", "state", "port"};
	unsigned n = 3 + any(9);

	if (any(20) == 0)
		buf_adds(b, "[\033[0;32m  OK  \033[0m] Started \033[0;1;39m");
	else
		buf_addf(b, "[%5u.%06u] ", (unsigned)(i / 80), any(1000000));
	for (unsigned k = 0; k < n; k++)
		buf_addf(b, "%s%s", k ? " " : "", words[any(ARRAY_LEN(words))]);
	if (i % 100000 == 7)
		buf_adds(b, " invoked oom-kil\033[31mler\033[0m: gfp_mask=0xcc0");
	buf_addf(b, " %08x\r\n", any(1u << 31));
}

static unsigned plain_files(const char *path, unsigned files)
{
	unsigned n = 0;

	for (unsigned i = 1; i < files; i++) {
		CLEANUP_FREE char *file = xasprintf("%s.%u", path, i);

		n += access(file, F_OK) == 0;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct conlog_limits limits = {0};
	struct conlog_place at = {.run = 1};
	struct buf b = BUF_INIT;
	struct conlog *c;
	uint64_t total, line = 0;

	if (argc != 5)
		return 2;
	limits.files = (unsigned)atoi(argv[2]);
	limits.size = strtoull(argv[3], NULL, 10);
	total = strtoull(argv[4], NULL, 10) << 20;
	c = conlog_new(argv[1], &limits, &at);
	while (conlog_next(c) < total) {
		struct iovec iov;

		buf_clear(&b);
		while (b.len < CHUNK)
			add_line(&b, line++);
		iov = (struct iovec){.iov_base = b.data, .iov_len = b.len};
		if (conlog_write(c, conlog_next(c), &iov, 1) != b.len) {
			fprintf(stderr, "bench_log: %s\n", conlog_trouble(c));
			return 1;
		}
	}
	while (plain_files(argv[1], limits.files) > 0)
		conlog_turn(c, -1, 20);
	conlog_free(c);
	buf_fini(&b);
	return 0;
}
