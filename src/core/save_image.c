#include "core/save_image.h"

#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

#define MAGIC "LibvirtQemudSave"
#define PARTIAL "LibvirtQemudPart"
#define MAGIC_LEN 16
#define VERSION 2
#define ROOM 4096u /* behind the document, for one that grows */

struct header {
	char magic[MAGIC_LEN];
	uint32_t version, data_len, was_running, compression, cookie;
	uint32_t unused[14];
};
_Static_assert(sizeof(struct header) == 92, "libvirt's header");

const char *save_compression_program(enum save_compression c)
{
	static const char *const programs[SAVE_COMPRESSIONS] = {
	    NULL, "gzip", "bzip2", "xz", "lzop", "zstd"};
	return (unsigned)c < SAVE_COMPRESSIONS ? programs[c] : NULL;
}

/* --- whole transfers at a place --- */

static int read_at(int fd, const char *path, void *to, size_t n, uint64_t at, struct err *err)
{
	char *p = to;
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, errno, "cannot read '%s'", path);
		if (got == 0)
			return err_set(err, ERR_INVALID,
			    "'%s' is cut off: it is no whole file of a saved machine", path);
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int write_at(
    int fd, const char *path, const void *from, size_t n, uint64_t at, struct err *err)
{
	const char *p = from;
	while (n > 0) {
		ssize_t put = pwrite(fd, p, n, (off_t)at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_errno(err, put < 0 ? errno : ENOSPC, "cannot write '%s'", path);
		p += put;
		at += (uint64_t)put;
		n -= (size_t)put;
	}
	return 0;
}

/* --- reading --- */

static int read_header(
    int fd, const char *path, struct header *h, struct save_image *s, struct err *err)
{
	if (read_at(fd, path, h, sizeof(*h), 0, err) < 0)
		return -1;
	if (memcmp(h->magic, PARTIAL, MAGIC_LEN) == 0)
		return err_set(err, ERR_INVALID,
		    "'%s' is not whole: whoever was saving the machine did not come to an end; remove it",
		    path);
	if (memcmp(h->magic, MAGIC, MAGIC_LEN) != 0)
		return err_set(err, ERR_INVALID, "'%s' is no file of a saved machine", path);
	s->swapped = h->version > VERSION && bswap_32(h->version) <= VERSION;
	uint32_t *words[] = {
	    &h->version, &h->data_len, &h->was_running, &h->compression, &h->cookie};
	for (size_t i = 0; s->swapped && i < ARRAY_LEN(words); i++)
		*words[i] = bswap_32(*words[i]);
	if (h->version == 0 || h->version > VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is a saved machine of version %u: %u is the newest known here", path,
		    h->version, VERSION);
	if (h->data_len < 2 || h->data_len > SAVE_IMAGE_DATA_MAX ||
	    (h->cookie != 0 && h->cookie >= h->data_len))
		return err_set(err, ERR_INVALID,
		    "'%s' is damaged: the sizes in its header make no sense", path);
	if (h->compression >= SAVE_COMPRESSIONS)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' is compressed in a way that is not known here (%u)", path,
		    h->compression);
	return 0;
}

static int check_size(int fd, const char *path, const struct save_image *s, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is no regular file", path);
	if ((uint64_t)st.st_size <= s->stream)
		return err_set(
		    err, ERR_INVALID, "'%s' is cut off: the guest's memory is not in it", path);
	return 0;
}

int save_image_read(int fd, const char *path, struct save_image *s, struct err *err)
{
	struct header h;
	*s = (struct save_image){0};
	if (read_header(fd, path, &h, s, err) < 0)
		return -1;
	CLEANUP_FREE char *data = xmalloc(h.data_len);
	if (read_at(fd, path, data, h.data_len, sizeof(h), err) < 0)
		return -1;
	size_t end = h.cookie != 0 ? h.cookie : h.data_len;
	if (memchr(data, '\0', end) == NULL ||
	    (h.cookie != 0 && memchr(data + h.cookie, '\0', h.data_len - h.cookie) == NULL))
		return err_set(err, ERR_INVALID,
		    "'%s' is damaged: the domain's document in it does not end", path);
	s->was_running = h.was_running != 0;
	s->compression = (enum save_compression)h.compression;
	s->stream = sizeof(h) + h.data_len;
	if (check_size(fd, path, s, err) < 0)
		return -1;
	if (lseek(fd, (off_t)s->stream, SEEK_SET) < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	s->xml = xstrdup(data);
	s->cookie = h.cookie != 0 ? xstrdup(data + h.cookie) : NULL;
	return 0;
}

void save_image_fini(struct save_image *s)
{
	free(s->xml);
	free(s->cookie);
	*s = (struct save_image){0};
}

/* --- writing --- */

int save_image_begin(int fd, const char *path, const struct save_image *s, struct err *err)
{
	size_t len = strlen(s->xml) + 1,
	       all = (sizeof(struct header) + len + 2 * ROOM) / ROOM * ROOM;
	struct header h = {.version = VERSION,
	    .data_len = (uint32_t)(all - sizeof(h)),
	    .was_running = s->was_running,
	    .compression = SAVE_RAW};
	if (h.data_len > SAVE_IMAGE_DATA_MAX || len > SAVE_IMAGE_DATA_MAX)
		return err_set(err, ERR_INVALID, "the domain's document is too long to be saved");
	memcpy(h.magic, PARTIAL, MAGIC_LEN);
	CLEANUP_FREE char *block = xcalloc(1, all);
	memcpy(block, &h, sizeof(h));
	memcpy(block + sizeof(h), s->xml, len);
	if (write_at(fd, path, block, all, 0, err) < 0)
		return -1;
	if (lseek(fd, (off_t)all, SEEK_SET) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

int save_image_finish(int fd, const char *path, struct err *err)
{
	return write_at(fd, path, MAGIC, MAGIC_LEN, 0, err);
}

/* The cookie keeps its place behind the document. */
int save_image_change(int fd, const char *path, const char *xml, bool running, struct err *err)
{
	struct header h;
	struct save_image s;
	if (save_image_read(fd, path, &s, err) < 0)
		return -1;
	uint32_t room = (uint32_t)(s.stream - sizeof(h));
	size_t len = strlen(xml) + 1, cookie = s.cookie == NULL ? 0 : strlen(s.cookie) + 1;
	int rc = -1;
	if (s.swapped) {
		err_set(err, ERR_UNSUPPORTED,
		    "'%s' was written by a machine of the other byte order: it can be read only",
		    path);
	} else if (len > room || cookie > room - len) {
		err_set(err, ERR_INVALID,
		    "'%s' has room for a document of %u bytes, and this one has %zu: leave something out",
		    path, room - (uint32_t)cookie - 1, len - 1);
	} else if (read_at(fd, path, &h, sizeof(h), 0, err) == 0) {
		CLEANUP_FREE char *block = xcalloc(1, sizeof(h) + room);
		h.was_running = running;
		h.cookie = cookie > 0 ? (uint32_t)len : 0;
		memcpy(block, &h, sizeof(h));
		memcpy(block + sizeof(h), xml, len);
		if (cookie > 0)
			memcpy(block + sizeof(h) + len, s.cookie, cookie);
		rc = write_at(fd, path, block, sizeof(h) + room, 0, err);
	}
	save_image_fini(&s);
	return rc;
}
