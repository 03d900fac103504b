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
#define HEADER_BYTES 20   /* magic, version, backing_file_offset, backing_file_size */

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

int qcow2_backing(const char *path, char **backing, struct err *err)
{
	unsigned char h[HEADER_BYTES];
	char name[QCOW2_BACKING_MAX + 1];
	*backing = NULL;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	ssize_t n = pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	if (n < (ssize_t)sizeof(h) || be32(h) != MAGIC)
		return 0;
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
