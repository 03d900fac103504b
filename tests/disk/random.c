/* random: a random sequence of writes, zeroes, discards, resizes and snapshots through our own library, beside a plain file that is
 * what the image has to be.
 *
 *	random SEED STEPS IMAGE MODEL
 *
 * IMAGE is there already (any qcow2), MODEL as raw is what it reads as. Snapshots' contents are left as MODEL.NAME. The exit
 * status is 1 when a read was not what it has to be, and the script asks the real qemu-img about the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/mem.h"
#include "disk/img.h"
#include "disk/qcow2.h"
#include "disk/qcow2_snapshot.h"

#define PIECE_MAX (300u << 10)
#define SNAPSHOTS_MAX 4u
#define SIZE_LEAST (1u << 20)
#define SIZE_MOST (24u << 20)

static uint64_t state;
static struct err err;
static const char *image, *model;
static struct img *im;
static int fd;
static unsigned step, n_snapshots, named;
static char snapshots[SNAPSHOTS_MAX][16];
static uint8_t buf[PIECE_MAX], seen[PIECE_MAX];

static uint64_t any(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return below == 0 ? 0 : state * 2685821657736338717ull % below;
}

static void die(const char *what)
{
	fprintf(stderr, "step %u: %s: %s %s\n", step, what, err.msg, strerror(errno));
	exit(1);
}

static void must(int r, const char *what)
{
	if (r < 0)
		die(what);
}

static void open_image(void)
{
	im = img_open(image, "qcow2", IMG_WRITE | IMG_NO_LOCK, &err);
	if (im == NULL)
		die("open");
}

/* Sectors as often as not, so that pieces of clusters and bytes of sectors both occur. */
static void choose(uint64_t *at, uint64_t *n)
{
	*at = any(im->size);
	*n = 1 + any(any(4) == 0 ? PIECE_MAX : 9000);
	if (any(2) == 0) {
		*at = *at / 4096 * 4096;
		*n = (*n + 4095) / 4096 * 4096;
	}
	if (*n > PIECE_MAX)
		*n = PIECE_MAX;
	if (*n > im->size - *at)
		*n = im->size - *at;
}

static void look(uint64_t at, uint64_t n)
{
	must(img_read(im, at, seen, n, &err), "read");
	if (pread(fd, buf, n, (off_t)at) != (ssize_t)n)
		die("read of the model");
	for (uint64_t i = 0; i < n; i++)
		if (buf[i] != seen[i]) {
			fprintf(stderr, "step %u: byte %llu is %02x and has to be %02x\n", step,
			    (unsigned long long)(at + i), seen[i], buf[i]);
			exit(1);
		}
}

static void model_put(uint64_t at, const uint8_t *bytes, uint64_t n)
{
	if (pwrite(fd, bytes, n, (off_t)at) != (ssize_t)n)
		die("write to the model");
}

static void op_write(uint64_t at, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		buf[i] = (uint8_t)(state >> (i % 7 * 8));
	must(img_write(im, at, buf, n, &err), "write");
	model_put(at, buf, n);
}

static void op_zero(uint64_t at, uint64_t n)
{
	memset(buf, 0, n);
	must(img_zero(im, at, n, any(2) == 0, &err), "zero");
	model_put(at, buf, n);
}

/* What is discarded reads as zeroes, or as before; and as the same from then on. */
static void op_discard(uint64_t at, uint64_t n)
{
	must(img_discard(im, at, n, &err), "discard");
	must(img_read(im, at, seen, n, &err), "read");
	if (pread(fd, buf, n, (off_t)at) != (ssize_t)n)
		die("read of the model");
	for (uint64_t i = 0; i < n; i++)
		if (seen[i] != buf[i] && seen[i] != 0)
			die("what was discarded is something else");
	model_put(at, seen, n);
}

static void op_resize(void)
{
	uint64_t size = (SIZE_LEAST + any(SIZE_MOST - SIZE_LEAST)) / 512 * 512;
	/* With snapshots QEMU's older versions do not. */
	if (n_snapshots > 0)
		return;
	must(img_resize(im, size, &err), "resize");
	must(ftruncate(fd, (off_t)size), "resize of the model");
}

static void copy(const char *from, const char *to)
{
	CLEANUP_FREE char *words = xasprintf("cp --sparse=always '%s' '%s'", from, to);
	if (system(words) != 0)
		die("cp");
}

static void op_snapshot(void)
{
	struct qcow2 *q = qcow2_of(im);
	if (q->data != q->file)
		return; /* those have none */
	if (n_snapshots < SNAPSHOTS_MAX && any(2) == 0) {
		char *name = snapshots[n_snapshots++];
		snprintf(name, sizeof(snapshots[0]), "s%u", named++);
		CLEANUP_FREE char *kept = xasprintf("%s.%s", model, name);
		must(qcow2_snapshot_create(q, name, &err), "snapshot");
		copy(model, kept);
		return;
	}
	if (n_snapshots == 0)
		return;
	unsigned which = (unsigned)any(n_snapshots);
	CLEANUP_FREE char *kept = xasprintf("%s.%s", model, snapshots[which]);
	uint32_t found = qcow2_snapshot_find(q, snapshots[which], false);
	if (any(2) == 0) {
		must(qcow2_snapshot_apply(q, found, &err), "apply");
		copy(kept, model);
		return;
	}
	must(qcow2_snapshot_delete(q, found, &err), "delete");
	unlink(kept);
	memmove(snapshots[which], snapshots[which + 1],
	    (n_snapshots - which - 1) * sizeof(snapshots[0]));
	n_snapshots--;
}

static void run_step(void)
{
	uint64_t at, n;
	choose(&at, &n);
	switch (any(16)) {
	case 0:
	case 1:
		op_zero(at, n);
		break;
	case 2:
	case 3:
		op_discard(at, n);
		break;
	case 4:
		op_resize();
		break;
	case 5:
		op_snapshot();
		break;
	case 6:
		must(img_close(im, &err), "close");
		open_image();
		break;
	case 7:
		must(img_flush(im, &err), "flush");
		break;
	default:
		op_write(at, n);
	}
	choose(&at, &n);
	look(at, n);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
	unsigned steps = (unsigned)strtoul(argv[2], NULL, 10);
	image = argv[3];
	model = argv[4];
	fd = open(model, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(model);
	open_image();
	for (step = 0; step < steps; step++)
		run_step();
	must(img_close(im, &err), "close");
	close(fd);
	for (unsigned i = 0; i < n_snapshots; i++)
		printf("%s\n", snapshots[i]);
	return 0;
}
