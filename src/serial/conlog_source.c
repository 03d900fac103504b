#include "serial/conlog_source.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/mem.h"
#include "serial/conlog_gzip.h"

#define IN_BYTES 65536u
#define GZIP_WINDOW (15 + 16)  /* zlib.h, inflateInit2: 16 added reads gzip headers */
#define MEMBERS_MAX (1u << 16) /* passed over without inflating: 16 GiB */

struct member {
	uint64_t at, pos; /* where it begins in the file, and in the text */
};

struct conlog_source {
	int fd;
	bool gzip;
	uint64_t pos, lost, bytes_read;
	/* gzip only: */
	z_stream z;
	bool inside;              /* a member */
	struct member member;     /* that one */
	uint32_t packed, content; /* its sizes, where its header tells them; else 0 */
	uint64_t at;              /* of the byte behind what is in `in` */
	struct member *known; /* those that the chain of sizes reaches, as far as it was followed */
	size_t n_known;
	bool chain_end; /* it ends behind the last of known; at the end of the file? */
	bool chain_whole;
	uint8_t *in;
};

struct conlog_source *conlog_source_new(int fd, bool gzip)
{
	struct conlog_source *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->gzip = gzip;
	if (!gzip)
		return s;
	s->in = xmalloc(IN_BYTES);
	if (inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
		abort(); /* out of memory, as in core/mem */
	return s;
}

void conlog_source_free(struct conlog_source *s)
{
	if (!s)
		return;
	if (s->gzip)
		inflateEnd(&s->z);
	close(s->fd);
	free(s->known);
	free(s->in);
	free(s);
}

static ssize_t read_at(struct conlog_source *s, void *out, size_t n, uint64_t at)
{
	ssize_t k = pread(s->fd, out, n, (off_t)at);

	if (k > 0)
		s->bytes_read += (uint64_t)k;
	return k;
}

/* --- gzip: members --- */

/* The sizes in the header of a member of ours. False: none is there. */
static bool member_sizes(struct conlog_source *s, uint64_t at, uint32_t *packed, uint32_t *content)
{
	static const uint8_t magic[] = {CONLOG_MEMBER_MAGIC};
	uint8_t head[CONLOG_MEMBER_HEAD];
	uint32_t sizes[2];

	if (read_at(s, head, sizeof(head), at) != sizeof(head) ||
	    memcmp(head, magic, sizeof(magic)) != 0)
		return false;
	memcpy(sizes, head + CONLOG_MEMBER_SIZES, sizeof(sizes));
	*packed = le32toh(sizes[0]);
	*content = le32toh(sizes[1]);
	/* The last slice read may pass the mark; deflate at its worst adds less than an eighth. */
	return *packed >= CONLOG_MEMBER_HEAD + CONLOG_MEMBER_TAIL &&
	       *packed <= 2 * CONLOG_MEMBER_BYTES && *content <= 2 * CONLOG_MEMBER_BYTES;
}

static void input_from(struct conlog_source *s, uint64_t at)
{
	s->at = at;
	s->z.avail_in = 0;
	s->inside = false;
}

static uint64_t input_at(const struct conlog_source *s)
{
	return s->at - s->z.avail_in;
}

/* More input; 0 at the end, -1 the disk. */
static ssize_t input_more(struct conlog_source *s)
{
	ssize_t n = read_at(s, s->in, IN_BYTES, s->at);

	if (n > 0) {
		s->at += (uint64_t)n;
		s->z.next_in = s->in;
		s->z.avail_in = (unsigned)n;
	}
	return n;
}

/* Where a member may begin, from `at` on. UINT64_MAX: nowhere. */
static uint64_t member_find(struct conlog_source *s, uint64_t at)
{
	uint8_t *p = s->in;
	ssize_t n;

	while ((n = read_at(s, p, IN_BYTES, at)) >= 4) {
		for (ssize_t i = 0; i + 3 < n; i++)
			if (p[i] == 0x1f && p[i + 1] == 0x8b && p[i + 2] == 8 && p[i + 3] < 0x20)
				return at + (uint64_t)i;
		at += (uint64_t)n - 3;
	}
	return UINT64_MAX;
}

/* Behind what cannot be inflated. */
static ssize_t damaged(struct conlog_source *s)
{
	uint32_t packed, content;
	uint64_t next = s->member.at + s->packed;

	s->lost = 0;
	if (s->packed && member_sizes(s, next, &packed, &content)) {
		if (s->member.pos + s->content > s->pos)
			s->lost = s->member.pos + s->content - s->pos;
		s->pos += s->lost;
	} else {
		next = member_find(s, s->member.at + 1);
	}
	if (next == UINT64_MAX) {
		struct stat st;

		next = fstat(s->fd, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX / 4;
	}
	input_from(s, next);
	return -1;
}

static void member_begin(struct conlog_source *s)
{
	s->member = (struct member){.at = input_at(s), .pos = s->pos};
	if (!member_sizes(s, s->member.at, &s->packed, &s->content))
		s->packed = s->content = 0;
	inflateReset(&s->z);
	s->inside = true;
}

static ssize_t gzip_read(struct conlog_source *s, void *out, size_t n)
{
	s->z.next_out = out;
	s->z.avail_out = (unsigned)(n < 1u << 30 ? n : 1u << 30);
	n = s->z.avail_out;
	while (s->z.avail_out == n) {
		ssize_t more = s->z.avail_in ? 1 : input_more(s);
		int rc;

		if (more <= 0 && !s->inside)
			return more; /* the end of the file */
		if (more <= 0)
			return damaged(s); /* … or of half a member */
		if (!s->inside)
			member_begin(s);
		rc = inflate(&s->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			s->inside = false;
		else if (rc != Z_OK && s->z.avail_out == n)
			return damaged(s);
		/* An error behind good bytes shows itself again at the next call. */
	}
	n -= s->z.avail_out;
	s->pos += n;
	return (ssize_t)n;
}

/* Follows the chain of sizes to the member that holds pos, as far as it goes. */
static void chain_follow(struct conlog_source *s, uint64_t pos)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return;
	while (!s->chain_end && (s->n_known == 0 || s->known[s->n_known - 1].pos <= pos)) {
		struct member m = {0};
		uint32_t packed, content;

		if (s->n_known > 0)
			m = s->known[s->n_known - 1];
		/* The last one known is where the chain stands: its own sizes lead on. */
		if (s->n_known >= MEMBERS_MAX || !member_sizes(s, m.at, &packed, &content) ||
		    packed > (uint64_t)st.st_size - m.at) {
			s->chain_end = true;
			break;
		}
		if (s->n_known == 0) {
			s->known = xreallocarray(s->known, 64, sizeof(m));
			s->known[s->n_known++] = m;
		}
		m.at += packed;
		m.pos += content;
		if ((s->n_known & (s->n_known - 1)) == 0 && s->n_known >= 64)
			s->known = xreallocarray(s->known, s->n_known * 2, sizeof(m));
		s->known[s->n_known++] = m;
		if (m.at == (uint64_t)st.st_size)
			s->chain_end = s->chain_whole = true;
	}
}

static int gzip_seek(struct conlog_source *s, uint64_t pos)
{
	CLEANUP_FREE uint8_t *skipped = NULL;
	struct member from = {0};

	chain_follow(s, pos);
	for (size_t i = 0; i < s->n_known && s->known[i].pos <= pos; i++)
		from = s->known[i];
	if (pos < s->pos || from.pos > s->pos) {
		s->pos = from.pos;
		input_from(s, from.at);
	}
	if (s->pos == pos)
		return 0;
	skipped = xmalloc(IN_BYTES);
	while (s->pos < pos) {
		uint64_t left = pos - s->pos;
		ssize_t n = gzip_read(s, skipped, left < IN_BYTES ? (size_t)left : IN_BYTES);

		if (n <= 0)
			return (int)n;
	}
	return 0;
}

/* --- both --- */

ssize_t conlog_source_read(struct conlog_source *s, void *out, size_t n)
{
	uint64_t size;
	ssize_t k;

	if (n == 0)
		return 0;
	if (s->gzip)
		return gzip_read(s, out, n);
	k = read_at(s, out, n, s->pos);
	s->lost = 0;
	if (k > 0)
		s->pos += (uint64_t)k;
	if (k >= 0)
		return k;
	/* A disk that fails here: one page further it may not. */
	if (!conlog_source_size(s, &size) || s->pos >= size)
		return 0;
	s->pos += s->lost = size - s->pos < 4096 ? size - s->pos : 4096;
	return -1;
}

uint64_t conlog_source_lost(const struct conlog_source *s)
{
	return s->lost;
}

uint64_t conlog_source_pos(const struct conlog_source *s)
{
	return s->pos;
}

int conlog_source_seek(struct conlog_source *s, uint64_t pos)
{
	if (s->gzip)
		return gzip_seek(s, pos);
	s->pos = pos;
	return 0;
}

bool conlog_source_size(struct conlog_source *s, uint64_t *size)
{
	struct stat st;

	if (s->gzip) {
		chain_follow(s, UINT64_MAX);
		*size = s->chain_whole ? s->known[s->n_known - 1].pos : 0;
		return s->chain_whole;
	}
	if (fstat(s->fd, &st) < 0)
		return false;
	*size = (uint64_t)st.st_size;
	return true;
}

int conlog_source_fd(const struct conlog_source *s)
{
	return s->fd;
}

uint64_t conlog_source_bytes_read(const struct conlog_source *s)
{
	return s->bytes_read;
}
