#include "serial/conlog_index.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/mem.h"

#define MAGIC "HVMUXIDX"
#define VERSION 1u
#define NUMBER_MAX (UINT64_MAX / 4) /* positions and offsets beyond it are rubbish */
#define PIECE 65536u                /* bytes read at a time */
/* Times: one a second, but where a guest trickles and the index would outgrow half of its log, one in 30 seconds. */
#define TIME_EVERY_NS 1000000000ull
#define TIME_SPARSE_NS 30000000000ull
#define DENSE_BYTES 65536u

struct disk_header {
	char magic[8];
	uint32_t version, record;
	uint64_t inode, boots;
	uint32_t zero, crc;
};
struct disk_record {
	uint64_t pos, offset, time_ns, number;
	uint8_t kind, value;
	uint16_t length;
	uint32_t crc;
};
_Static_assert(sizeof(struct disk_header) == CONLOG_INDEX_RECORD, "part of the format");
_Static_assert(sizeof(struct disk_record) == CONLOG_INDEX_RECORD, "part of the format");

static uint32_t crc_of(const void *p)
{
	return htole32((uint32_t)crc32(0, p, CONLOG_INDEX_RECORD - 4));
}

static bool record_decode(const void *p, struct conlog_record *r)
{
	struct disk_record d;

	memcpy(&d, p, sizeof(d));
	if (d.crc != crc_of(&d) || d.kind == 0 || d.kind >= CONLOG_DAMAGED)
		return false;
	*r = (struct conlog_record){
	    .pos = le64toh(d.pos),
	    .offset = le64toh(d.offset),
	    .time_ns = le64toh(d.time_ns),
	    .number = le64toh(d.number),
	    .kind = d.kind,
	    .value = d.value,
	    .length = le16toh(d.length),
	};
	return r->pos <= NUMBER_MAX && r->offset <= NUMBER_MAX;
}

static void record_encode(const struct conlog_record *r, struct disk_record *d)
{
	*d = (struct disk_record){
	    .pos = htole64(r->pos),
	    .offset = htole64(r->offset),
	    .time_ns = htole64(r->time_ns),
	    .number = htole64(r->number),
	    .kind = r->kind,
	    .value = r->value,
	    .length = htole16(r->length),
	};
	d->crc = crc_of(d);
}

/* --- reading --- */

static bool header_decode(const void *p, struct conlog_index *x)
{
	struct disk_header h;

	memcpy(&h, p, sizeof(h));
	x->inode = le64toh(h.inode);
	x->boots = le64toh(h.boots);
	return memcmp(h.magic, MAGIC, sizeof(h.magic)) == 0 && le32toh(h.version) == VERSION &&
	       le32toh(h.record) == CONLOG_INDEX_RECORD && h.crc == crc_of(&h);
}

static bool record_fits(const struct conlog_index *x, const struct conlog_record *r, uint64_t size)
{
	const struct conlog_record *last = x->n > 0 ? &x->records[x->n - 1] : NULL;

	return r->pos <= size && r->length <= size - r->pos &&
	       (!last || r->pos >= last->pos + last->length);
}

static void records_add(
    struct conlog_index *x, size_t *cap, const uint8_t *p, size_t n, uint64_t size)
{
	struct conlog_record r;

	for (; n >= CONLOG_INDEX_RECORD; p += CONLOG_INDEX_RECORD, n -= CONLOG_INDEX_RECORD) {
		if (!record_decode(p, &r) || !record_fits(x, &r, size))
			continue;
		if (x->n == *cap)
			x->records = xreallocarray(
			    x->records, *cap = *cap ? *cap * 2 : 64, sizeof(*x->records));
		x->records[x->n++] = r;
	}
}

void conlog_index_read(int fd, uint64_t size, struct conlog_index *x)
{
	CLEANUP_FREE uint8_t *piece = NULL;
	size_t cap = 0, left = 0;
	ssize_t n;

	*x = (struct conlog_index){0};
	if (fd < 0)
		return;
	piece = xmalloc(PIECE);
	if (pread(fd, piece, CONLOG_INDEX_RECORD, 0) != CONLOG_INDEX_RECORD ||
	    !header_decode(piece, x))
		return;
	x->bytes_read = CONLOG_INDEX_RECORD;
	while (x->bytes_read < CONLOG_INDEX_BYTES_MAX &&
	       (n = pread(fd, piece + left, PIECE - left, (off_t)x->bytes_read)) > 0) {
		x->bytes_read += (size_t)n;
		left += (size_t)n;
		records_add(x, &cap, piece, left, size);
		memmove(
		    piece, piece + left - left % CONLOG_INDEX_RECORD, left % CONLOG_INDEX_RECORD);
		left %= CONLOG_INDEX_RECORD;
	}
}

uint64_t conlog_index_first_time(int fd)
{
	uint8_t head[2 * CONLOG_INDEX_RECORD];
	struct conlog_index x = {0};
	struct conlog_record r;

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head) ||
	    !header_decode(head, &x) || !record_decode(head + CONLOG_INDEX_RECORD, &r))
		return 0;
	return r.time_ns;
}

long conlog_index_at(const struct conlog_index *x, uint64_t pos)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t k = low + (high - low) / 2;

		if (x->records[k].pos <= pos)
			low = k + 1;
		else
			high = k;
	}
	return (long)low - 1;
}

uint64_t conlog_index_boots(const struct conlog_index *x)
{
	for (size_t i = x->n; i-- > 0;)
		if (x->records[i].kind == CONLOG_BOOT)
			return x->records[i].number;
	return x->boots;
}

bool conlog_index_offset(
    const struct conlog_index *x, uint64_t pos, uint64_t *run, uint64_t *offset)
{
	long at = conlog_index_at(x, pos);
	const struct conlog_record *r = at < 0 ? NULL : &x->records[at];

	while (at >= 0 && x->records[at].kind != CONLOG_BEGIN)
		at--;
	if (at < 0 || x->records[at].number == 0 || pos < r->pos + r->length)
		return false;
	*run = x->records[at].number;
	*offset = r->offset + (pos - r->pos - r->length);
	return true;
}

void conlog_index_fini(struct conlog_index *x)
{
	free(x->records);
	*x = (struct conlog_index){0};
}

/* --- writing --- */

static void writer_note(struct conlog_index_writer *w, const struct conlog_record *r)
{
	if (w->began_ns == 0)
		w->began_ns = r->time_ns;
	w->last = *r;
	if (r->kind != CONLOG_TIME && r->kind != CONLOG_BEGIN)
		w->marks[w->n_marks++ % CONLOG_INDEX_MARKS] = *r;
	if (r->kind == CONLOG_BEGIN)
		w->run = r->number;
	if (r->kind == CONLOG_BOOT)
		w->boots = r->number;
}

/* Records that cannot be used stand between good ones, or behind them: what is appended would be out of order. */
static int rebuild(struct conlog_index_writer *w, const char *path, const struct conlog_index *x)
{
	w->boots = x->boots;
	if (conlog_index_begin(w, path, x->inode) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++) {
		/* Times were chosen when they came. */
		w->last.kind = 0;
		if (conlog_index_add(w, &x->records[i]) < 0)
			return -1;
	}
	return 0;
}

static int resume(struct conlog_index_writer *w, const char *path, const struct conlog_index *x)
{
	struct stat st;

	if (fstat(w->fd, &st) < 0)
		return -1;
	if ((uint64_t)st.st_size != (x->n + 1) * CONLOG_INDEX_RECORD)
		return rebuild(w, path, x);
	w->bytes = (uint64_t)st.st_size;
	w->boots = x->boots;
	w->began_ns = 0;
	for (size_t i = 0; i < x->n; i++)
		writer_note(w, &x->records[i]);
	return 0;
}

int conlog_index_resume(
    struct conlog_index_writer *w, const char *path, uint64_t inode, uint64_t size)
{
	struct conlog_index x;
	int rc = -1;

	conlog_index_close(w);
	w->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	conlog_index_read(w->fd, size, &x);
	if (x.n > 0 && x.inode == inode)
		rc = resume(w, path, &x);
	conlog_index_fini(&x);
	if (rc < 0)
		conlog_index_close(w);
	return rc;
}

int conlog_index_begin(struct conlog_index_writer *w, const char *path, uint64_t inode)
{
	struct disk_header h = {
	    .magic = MAGIC,
	    .version = htole32(VERSION),
	    .record = htole32(CONLOG_INDEX_RECORD),
	    .inode = htole64(inode),
	    .boots = htole64(w->boots),
	};

	conlog_index_close(w);
	w->last = (struct conlog_record){0};
	w->began_ns = 0;
	w->bytes = 0;
	h.crc = crc_of(&h);
	unlink(path);
	w->fd = open(
	    path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (w->fd < 0)
		return -1;
	if (write(w->fd, &h, sizeof(h)) != sizeof(h)) {
		conlog_index_close(w);
		unlink(path);
		return -1;
	}
	w->bytes = sizeof(h);
	return 0;
}

/* Does a time tell more than the record before it? */
static bool time_tells(const struct conlog_index_writer *w, const struct conlog_record *r)
{
	bool dense = w->bytes <= DENSE_BYTES + r->pos / 2;
	bool back = r->time_ns < w->last.time_ns; /* the clock was set back, or by less: no news */
	uint64_t apart = back ? w->last.time_ns - r->time_ns : r->time_ns - w->last.time_ns;

	return w->bytes < CONLOG_INDEX_BYTES_MAX / 2 &&
	       (w->last.kind == 0 || apart >= (dense ? TIME_EVERY_NS : TIME_SPARSE_NS));
}

int conlog_index_add(struct conlog_index_writer *w, const struct conlog_record *r)
{
	struct disk_record d;
	ssize_t n;

	if (w->fd < 0 || w->bytes + sizeof(d) > CONLOG_INDEX_BYTES_MAX)
		return 0;
	if (r->kind == CONLOG_TIME && !time_tells(w, r))
		return 0;
	record_encode(r, &d);
	n = write(w->fd, &d, sizeof(d));
	if (n != sizeof(d)) {
		int e = n < 0 ? errno : ENOSPC;

		if (n > 0 && ftruncate(w->fd, (off_t)w->bytes) < 0)
			conlog_index_close(w);
		errno = e;
		return -1;
	}
	w->bytes += sizeof(d);
	writer_note(w, r);
	return 0;
}

void conlog_index_close(struct conlog_index_writer *w)
{
	if (w->fd >= 0)
		close(TAKE_FD(w->fd));
}
