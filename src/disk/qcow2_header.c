#include "disk/qcow2_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define MAGIC 0x514649fbu /* "QFI\xfb" */
#define HEADER_V1_BYTES \
	20 /* magic, version, backing_file_offset, backing_file_size: all that is asked of version 1 */
#define HEADER_V2_BYTES 72
#define HEADER_V3_BYTES 104  /* up to header_length */
#define FEATURE_DATA_FILE 4u /* incompatible_features, bit 2 */
#define EXT_BACKING_FORMAT 0xe2792acau
#define EXT_DATA_FILE 0x44415441u
#define EXTENSIONS_MAX 64
#define EXTENSIONS_END (2u << 20) /* they are in the first cluster, of 2 MiB at most */

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* A name with a protocol ("nbd://…", "json:…") is none of a file; "file:" is. */
static char *resolve(const char *image, const char *name)
{
	if (str_prefix(name, "file:"))
		name += strlen("file:");
	const char *colon = strchr(name, ':'), *slash = strchr(name, '/');
	const char *folder = strrchr(image, '/');
	if (name[0] == '/' || (colon && (!slash || colon < slash)) || !folder)
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(folder - image), image, name);
}

static int read_backing(
    int fd, const char *path, const unsigned char *h, char **backing, struct err *err)
{
	char name[QCOW2_BACKING_MAX + 1];
	uint64_t offset = be64(h + 8);
	uint32_t size = be32(h + 16);
	if (offset == 0 || size == 0)
		return 0;
	if (size > QCOW2_BACKING_MAX || offset > (uint64_t)INT64_MAX - size)
		return err_set(
		    err, ERR_INVALID, "'%s': the name of its backing file is out of range", path);
	if (pread(fd, name, size, (off_t)offset) != (ssize_t)size || memchr(name, '\0', size))
		return err_set(
		    err, ERR_INVALID, "'%s': the name of its backing file cannot be read", path);
	name[size] = '\0';
	*backing = resolve(path, name);
	return 0;
}

/* The value of an extension on the heap, NULL when it is none of a file's name or a format's. */
static char *extension_text(int fd, off_t at, uint32_t size)
{
	char text[QCOW2_BACKING_MAX + 1];
	if (size == 0 || size > QCOW2_BACKING_MAX || pread(fd, text, size, at) != (ssize_t)size ||
	    memchr(text, '\0', size))
		return NULL;
	return xstrndup(text, size);
}

/* "Header extensions": they follow the header, each of 8 bytes and its data, padded to 8 bytes. */
static int read_extensions(
    int fd, const char *path, const unsigned char *h, struct qcow2_links *l, struct err *err)
{
	unsigned char e[8];
	uint64_t at = be32(h + 4) >= 3 ? be32(h + 100) : HEADER_V2_BYTES;
	for (unsigned i = 0; i < EXTENSIONS_MAX && at >= HEADER_V2_BYTES && at < EXTENSIONS_END;
	     i++) {
		if (pread(fd, e, sizeof(e), (off_t)at) != (ssize_t)sizeof(e) || be32(e) == 0)
			break;
		char **to = be32(e) == EXT_BACKING_FORMAT ? &l->backing_format
		            : be32(e) == EXT_DATA_FILE    ? &l->data_file
		                                          : NULL;
		if (to != NULL && *to == NULL)
			*to = extension_text(fd, (off_t)at + 8, be32(e + 4));
		at += 8 + (((uint64_t)be32(e + 4) + 7) & ~7ull);
	}
	bool external = be32(h + 4) >= 3 && (be64(h + 72) & FEATURE_DATA_FILE) != 0;
	if (external && l->data_file == NULL)
		return err_set(err, ERR_INVALID,
		    "'%s': its data are in another file, of which it does not tell the name", path);
	if (l->data_file != NULL) {
		CLEANUP_FREE char *name = l->data_file;
		l->data_file = external ? resolve(path, name) : NULL;
	}
	return 0;
}

int qcow2_links(const char *path, struct qcow2_links *l, struct err *err)
{
	unsigned char h[HEADER_V3_BYTES] = {0};
	*l = (struct qcow2_links){0};
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	ssize_t n = pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	if (n < HEADER_V1_BYTES || be32(h) != MAGIC)
		return 0;
	if (read_backing(fd, path, h, &l->backing, err) == 0 &&
	    (n < HEADER_V2_BYTES || read_extensions(fd, path, h, l, err) == 0))
		return 0;
	qcow2_links_fini(l);
	return -1;
}

void qcow2_links_fini(struct qcow2_links *l)
{
	free(l->backing);
	free(l->backing_format);
	free(l->data_file);
	*l = (struct qcow2_links){0};
}

int qcow2_backing(const char *path, char **backing, struct err *err)
{
	struct qcow2_links l;
	*backing = NULL;
	if (qcow2_links(path, &l, err) < 0)
		return -1;
	*backing = TAKE_PTR(l.backing);
	qcow2_links_fini(&l);
	return 0;
}

int qcow2_capacity(const char *path, uint64_t *bytes, struct err *err)
{
	unsigned char h[HEADER_V2_BYTES];
	*bytes = 0;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	/* "size" is at the same place in every version but the first. */
	if (n == (ssize_t)sizeof(h) && be32(h) == MAGIC && be32(h + 4) >= 2)
		*bytes = be64(h + 24);
	return 0;
}

int qcow2_chain_has(const char *path, const char *file, struct err *err)
{
	struct stat want, here;
	CLEANUP_FREE char *at = xstrdup(path);
	if (stat(file, &want) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at '%s'", file);
	for (unsigned depth = 0; at; depth++) {
		if (depth == QCOW2_CHAIN_MAX)
			return err_set(err, ERR_INVALID,
			    "'%s': its chain of backing files is longer than %d", path,
			    QCOW2_CHAIN_MAX);
		if (stat(at, &here) < 0)
			return errno == ENOENT ? 0
			                       : err_errno(err, errno, "cannot look at '%s'", at);
		if (here.st_dev == want.st_dev && here.st_ino == want.st_ino)
			return 1;
		char *next;
		if (qcow2_backing(at, &next, err) < 0)
			return -1;
		free(at);
		at = next;
	}
	return 0;
}
