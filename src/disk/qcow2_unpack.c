/* Compressed clusters. What inflating needs is kept per thread: many of them do nothing else. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/mem.h"
#include "disk/inflate.h"
#include "disk/qcow2.h"

#ifdef HAVE_LIBZSTD
#include <zstd.h>

/* What a thread keeps for unpacking: a frame asks for it by a number in its header, up to 128 MiB by zstd's own limit. Four
 * of the largest clusters: no encoder looks further back than its input is long, or than its level's 8 MiB. */
#define ZSTD_WINDOW_LOG_MAX 23
#endif

struct unpacker {
	struct inflater *inflater;
#ifdef HAVE_LIBZSTD
	ZSTD_DCtx *zstd;
#endif
	size_t packed_room, plain_room;
	uint8_t *packed, *plain;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void unpacker_free(void *p)
{
	struct unpacker *u = p;
	inflater_free(u->inflater);
#ifdef HAVE_LIBZSTD
	ZSTD_freeDCtx(u->zstd);
#endif
	free(u->packed);
	free(u->plain);
	free(u);
}

static void make_key(void)
{
	if (pthread_key_create(&key, unpacker_free) != 0)
		abort();
}

static struct unpacker *unpacker_get(void)
{
	pthread_once(&once, make_key);
	struct unpacker *u = pthread_getspecific(key);
	if (!u) {
		u = xcalloc(1, sizeof(*u));
		u->inflater = inflater_new();
		pthread_setspecific(key, u);
	}
	return u;
}

static void *room(uint8_t **buf, size_t *has, size_t wants)
{
	if (*has < wants) {
		free(*buf);
		*buf = xmalloc(wants);
		*has = wants;
	}
	return *buf;
}

#ifdef HAVE_LIBZSTD
static bool unzstd(struct unpacker *u, size_t packed, void *out, size_t n)
{
	ZSTD_inBuffer from = {.src = u->packed, .size = packed};
	ZSTD_outBuffer to = {.dst = out, .size = n};
	if (!u->zstd) {
		u->zstd = ZSTD_createDCtx();
		if (u->zstd)
			ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	}
	if (!u->zstd || ZSTD_isError(ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only)))
		return false;
	/* Several frames may make one cluster. */
	while (to.pos < to.size) {
		size_t in_before = from.pos, out_before = to.pos;
		if (ZSTD_isError(ZSTD_decompressStream(u->zstd, &to, &from)) ||
		    (from.pos == in_before && to.pos == out_before))
			return false;
	}
	return true;
}
#endif

static int unpack_cluster(
    const struct qcow2 *q, const struct img_extent *e, void *out, struct err *err)
{
	struct unpacker *u = unpacker_get();
	bool good = false;
	room(&u->packed, &u->packed_room, e->packed);
	/* The last sector of the file need not be whole. */
	if (disk_io_read_padded(e->file, e->host, u->packed, e->packed, err) < 0)
		return -1;
	if (q->compression == QCOW2_ZLIB)
		good = inflate_run(u->inflater, u->packed, e->packed, out, q->cluster);
#ifdef HAVE_LIBZSTD
	if (q->compression == QCOW2_ZSTD)
		good = unzstd(u, e->packed, out, q->cluster);
#endif
	if (good)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': the compressed cluster at offset %" PRIu64 " (guest's offset %" PRIu64
	    ") is damaged",
	    e->file->path, e->host, e->packed_start);
}

int qcow2_unpack(const struct img *im, const struct img_extent *e, uint64_t offset, void *buf,
    size_t n, struct err *err)
{
	const struct qcow2 *q = qcow2_of(im);
	uint64_t skip = offset - e->packed_start;
	if (skip == 0 && n == q->cluster)
		return unpack_cluster(q, e, buf, err);
	struct unpacker *u = unpacker_get();
	void *plain = room(&u->plain, &u->plain_room, q->cluster);
	if (unpack_cluster(q, e, plain, err) < 0)
		return -1;
	memcpy(buf, (uint8_t *)plain + skip, n);
	return 0;
}
