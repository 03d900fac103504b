/* replay: does again what tests/disk/shim/record.c wrote down, up to any point, as a crash there would have left the files.
 *
 *	replay LOG count                  "RECORDS EPOCHS", an epoch ends with a sync
 *	replay LOG step FOLDER K          the Kth record, to the files of the same names in FOLDER
 *	replay LOG half FOLDER K          half of the bytes that it wrote, whole sectors of them: no disk tears one, and
 *	                                  no kill -9 ends a write inside of one
 *	replay LOG lose FOLDER E SEED     all of the epochs before E, and those of epoch E that chance wants, in any
 *	                                  order: what a power cut leaves of a cache
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/file.h"
#include "core/mem.h"
#include "disk/record.h"

#define LOG_MAX (1u << 30)

struct step {
	struct record r;
	char *path; /* the name alone */
	const uint8_t *data;
	unsigned epoch;
};
static struct buf text;
static struct step *steps;
static size_t n_steps;
static unsigned epochs = 1;

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void load(const char *log)
{
	struct err err = {0};
	if (file_read(log, LOG_MAX, &text, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err.msg);
		exit(2);
	}
	for (size_t at = 0; at + sizeof(struct record) <= text.len;) {
		struct step s = {.epoch = epochs - 1};
		memcpy(&s.r, text.data + at, sizeof(s.r));
		at += sizeof(s.r);
		CLEANUP_FREE char *path = xstrndup(text.data + at, s.r.path);
		at += s.r.path;
		s.path = xstrdup(strrchr(path, '/') + 1);
		s.data = (const uint8_t *)text.data + at;
		at += s.r.op == RECORD_WRITE ? s.r.bytes : 0;
		epochs += s.r.op == RECORD_SYNC;
		steps = xreallocarray(steps, n_steps + 1, sizeof(*steps));
		steps[n_steps++] = s;
	}
}

static void apply(const struct step *s, const char *folder, bool half)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", folder, s->path);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = s->r.bytes;
	off_t at = (off_t)s->r.offset;
	int r = 0;
	if (fd < 0)
		die(path);
	if (half)
		n = s->r.op == RECORD_WRITE ? record_half(s->r.offset, n) : 0;
	if (n == 0 && s->r.op != RECORD_TRUNCATE)
		return;
	switch ((enum record_op)s->r.op) {
	case RECORD_WRITE:
		r = pwrite(fd, s->data, n, at) == (ssize_t)n ? 0 : -1;
		break;
	case RECORD_PUNCH:
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)n);
		break;
	case RECORD_ALLOCATE:
		r = fallocate(fd, 0, at, (off_t)n);
		break;
	case RECORD_TRUNCATE:
		r = half ? 0 : ftruncate(fd, at);
		break;
	case RECORD_SYNC:
		break;
	}
	if (r < 0)
		die(path);
}

static void lose(const char *folder, unsigned epoch, unsigned seed)
{
	CLEANUP_FREE size_t *order = xcalloc(n_steps + 1, sizeof(*order));
	size_t n = 0;
	srand(seed);
	for (size_t i = 0; i < n_steps && steps[i].epoch <= epoch; i++)
		if (steps[i].epoch < epoch)
			apply(&steps[i], folder, false);
		else
			order[n++] = i;
	for (size_t i = n; i > 1; i--) {
		size_t other = (size_t)rand() % i, mine = order[i - 1];
		order[i - 1] = order[other];
		order[other] = mine;
	}
	/* Chance takes from nothing to all. */
	size_t keep = n > 0 ? (size_t)rand() % (n + 1) : 0;
	for (size_t i = 0; i < keep; i++)
		apply(&steps[order[i]], folder, false);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	load(argv[1]);
	size_t k = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	if (strcmp(argv[2], "count") == 0)
		printf("%zu %u\n", n_steps, epochs);
	else if (strcmp(argv[2], "lose") == 0 && argc == 6)
		lose(argv[3], (unsigned)k, (unsigned)strtoul(argv[5], NULL, 10));
	else if (argc == 5 && k < n_steps)
		apply(&steps[k], argv[3], strcmp(argv[2], "half") == 0);
	else
		return 2;
	for (size_t i = 0; i < n_steps; i++)
		free(steps[i].path);
	free(steps);
	buf_fini(&text);
	return 0;
}
