#include "kvm/native_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define CHAIN_MAX 64 /* images under an image */

/* --- reading --- */
/* on, yes … → *value; anything else leaves it. */
static void take_switch(struct nat_opt *o, const char *key, bool *known, bool *value)
{
	const char *v = nat_get(o, key);
	if (!nat_is_on(v) && !nat_is_off(v))
		return;
	*value = nat_is_on(nat_take(o, key));
	if (known != NULL)
		*known = true;
}

static void take_into(struct nat_opt *o, const char *key, const char **to)
{
	const char *v = nat_take(o, key);
	if (v != NULL)
		*to = v;
}

static void take_common(struct nat_opt *o, struct nat_source *s)
{
	take_switch(o, "cache.direct", &s->direct_known, &s->direct);
	take_switch(o, "cache.no-flush", &s->noflush_known, &s->noflush);
	take_switch(o, "read-only", NULL, &s->readonly);
	take_into(o, "discard", &s->discard);
	take_into(o, "detect-zeroes", &s->detect_zeroes);
	nat_ignore(o, "auto-read-only", "on off");
	nat_take(o, "node-name");
}

/* The node that does the I/O. prefix "file." for one that stands inside of its parent. */
static void take_protocol(struct nat_opt *o, const char *prefix, struct nat_source *s)
{
	CLEANUP_FREE char *driver = xasprintf("%sdriver", prefix);
	CLEANUP_FREE char *filename = xasprintf("%sfilename", prefix);
	CLEANUP_FREE char *aio = xasprintf("%saio", prefix);
	CLEANUP_FREE char *locking = xasprintf("%slocking", prefix);
	const char *d = nat_get(o, driver);
	if (d == NULL || strcmp(d, "file") == 0 || strcmp(d, "host_device") == 0 ||
	    strcmp(d, "host_cdrom") == 0) {
		s->block = d != NULL && strcmp(d, "file") != 0;
		nat_take(o, driver);
		take_into(o, filename, &s->file);
		take_into(o, aio, &s->aio);
		nat_ignore(o, locking, "auto");
		return;
	}
	s->protocol = prefix[0] == '\0' ? o : NULL;
}

static bool is_protocol(const char *driver)
{
	static const char *const names[] = {"file", "host_device", "host_cdrom", "nbd", "http",
	    "https", "ftp", "ftps", "rbd", "iscsi", "ssh", "gluster", "nvme", "nfs"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], driver))
			return true;
	return false;
}

static void take_format(struct native *n, struct nat_opt *o, struct nat_source *s)
{
	const char *child = nat_get(o, "file"), *backing = nat_get(o, "backing");
	struct nat_opt *file = child != NULL ? nat_find(n, "blockdev", "node-name", child) : NULL;
	s->format = nat_take(o, "driver");
	take_common(o, s);
	if (file != NULL) {
		nat_take(o, "file");
		nat_open(n, file);
		take_protocol(file, "", s);
		take_common(file, s);
	} else {
		take_protocol(o, "file.", s);
	}
	if (backing != NULL && backing[0] == '\0') {
		s->ends = true;
		nat_take(o, "backing");
	} else if (backing != NULL) {
		s->backing = nat_find(n, "blockdev", "node-name", backing);
		if (s->backing != NULL)
			nat_take(o, "backing");
	}
}

void nat_source_drive(struct native *n, struct nat_opt *o, struct nat_source *s)
{
	(void)n;
	take_into(o, "file", &s->file);
	take_into(o, "format", &s->format);
	take_into(o, "driver", &s->format);
	take_into(o, "cache", &s->cache);
	take_into(o, "aio", &s->aio);
	take_into(o, "werror", &s->werror);
	take_into(o, "rerror", &s->rerror);
	take_into(o, "serial", &s->serial);
	take_into(o, "copy-on-read", &s->copy_on_read);
	take_switch(o, "readonly", NULL, &s->readonly);
	take_common(o, s);
	nat_take(o, "id");
}

bool nat_source_find(struct native *n, const char *id, struct nat_source *s)
{
	*s = (struct nat_source){0};
	struct nat_opt *o = nat_find(n, "drive", "id", id);
	if (o != NULL) {
		nat_open(n, o);
		nat_ignore(o, "if", "none");
		nat_ignore(o, "media", "disk cdrom");
		nat_source_drive(n, o, s);
		return true;
	}
	o = nat_find(n, "blockdev", "node-name", id);
	if (o == NULL)
		return false;
	nat_open(n, o);
	if (is_protocol(nat_get(o, "driver"))) {
		s->format = "raw";
		take_protocol(o, "", s);
		take_common(o, s);
	} else {
		take_format(n, o, s);
	}
	return true;
}

/* --- formats --- */
const char *nat_sniff_format(struct native *n, const char *path)
{
	static const struct {
		const char *format, *magic;
		size_t len;
	} magics[] = {{"qcow2", "QFI\xfb\0\0\0", 7}, {"vmdk", "KDMV", 4}, {"vpc", "conectix", 8},
	    {"vhdx", "vhdxfile", 8}, {"qed", "QED\0", 4}, {"vdi", "<<< ", 4}};
	char head[8] = "";
	struct stat st;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) ||
	    pread(fd, head, sizeof head, 0) < 0) {
		size_t len = strlen(path);
		bool named = len > 6 && strcmp(path + len - 6, ".qcow2") == 0;
		nat_note(n, "no format= for '%s', which cannot be read: '%s' was guessed", path,
		    named ? "qcow2" : "raw");
		return named ? "qcow2" : "raw";
	}
	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (memcmp(head, magics[i].magic, magics[i].len) == 0)
			return magics[i].format;
	return "raw";
}

/* --- expressing --- */
/* libvirt's word for QEMU's three switches. */
static const char *cache_word(const struct nat_source *s, const char *write_cache)
{
	if (s->cache != NULL)
		return s->cache;
	bool through = nat_is_off(write_cache);
	if (!s->direct_known && !s->noflush_known)
		return through ? "writethrough" : NULL;
	if (s->noflush)
		return "unsafe";
	if (s->direct)
		return through ? "directsync" : "none";
	return through ? "writethrough" : "writeback";
}

static void express_driver(
    struct native *n, const struct nat_source *s, xmlNode *disk, const char *write_cache)
{
	xmlNode *d = nat_el(disk, "driver");
	const char *format = s->format;
	CLEANUP_FREE char *path = s->file != NULL ? nat_path(n, s->file) : NULL;
	if (format == NULL)
		format = path != NULL ? nat_sniff_format(n, path) : "raw";
	nat_attr(d, "name", "qemu");
	nat_attr(d, "type", format);
	nat_attr(d, "cache", cache_word(s, write_cache));
	nat_attr(d, "io", s->aio);
	nat_attr(d, "discard",
	    str_eq(s->discard, "on")    ? "unmap"
	    : str_eq(s->discard, "off") ? "ignore"
	                                : s->discard);
	nat_attr(d, "detect_zeroes", s->detect_zeroes);
	nat_attr(d, "copy_on_read", s->copy_on_read);
	nat_attr(d, "error_policy", str_eq(s->werror, "enospc") ? "enospace" : s->werror);
	nat_attr(d, "rerror_policy", s->rerror);
}

static void express_host(xmlNode *source, const char *host, const char *port)
{
	xmlNode *h = nat_el(source, "host");
	nat_attr(h, "name", host);
	nat_attr(h, "port", port);
}

/* "nbd://host:port/name", "https://host/path" … */
static bool express_uri(xmlNode *disk, const char *uri)
{
	static const char *const known[] = {"nbd", "http", "https", "ftp", "ftps", "iscsi"};
	const char *sep = strstr(uri, "://");
	if (sep == NULL)
		return false;
	CLEANUP_FREE char *scheme = xstrndup(uri, (size_t)(sep - uri));
	const char *rest = sep + 3, *slash = strchr(rest, '/');
	size_t len = slash != NULL ? (size_t)(slash - rest) : strlen(rest);
	CLEANUP_FREE char *host = xstrndup(rest, len);
	bool ok = false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		ok = ok || strcmp(known[i], scheme) == 0;
	/* Users and queries would be lost. */
	if (!ok || host[0] == '\0' || host[0] == '[' || strpbrk(rest, "@?") != NULL)
		return false;
	char *port = strchr(host, ':');
	if (port != NULL)
		*port++ = '\0';
	nat_attr(disk, "type", "network");
	xmlNode *source = nat_el(disk, "source");
	nat_attr(source, "protocol", scheme);
	nat_attr(source, "name", slash != NULL && slash[1] != '\0' ? slash + 1 : NULL);
	express_host(source, host, port);
	return true;
}

static bool express_network(struct nat_opt *o, xmlNode *disk)
{
	const char *driver = nat_take(o, "driver"), *url = nat_get(o, "url");
	if (url != NULL)
		return express_uri(disk, nat_take(o, "url"));
	bool nbd = strcmp(driver, "nbd") == 0, rbd = strcmp(driver, "rbd") == 0;
	if (!nbd && !rbd)
		return false;
	nat_attr(disk, "type", "network");
	xmlNode *source = nat_el(disk, "source");
	nat_attr(source, "protocol", driver);
	if (rbd) {
		const char *pool = nat_take(o, "pool"), *image = nat_take(o, "image");
		nat_attrf(
		    source, "name", "%s/%s", pool != NULL ? pool : "", image != NULL ? image : "");
		const char *host = nat_take(o, "server.0.host");
		if (host != NULL)
			express_host(source, host, nat_take(o, "server.0.port"));
		return pool != NULL && image != NULL;
	}
	nat_attr(source, "name", nat_take(o, "export"));
	const char *type = nat_take(o, "server.type");
	if (str_eq(type, "unix")) {
		xmlNode *h = nat_el(source, "host");
		nat_attr(h, "transport", "unix");
		nat_attr(h, "socket", nat_take(o, "server.path"));
		return true;
	}
	const char *host = nat_take(o, "server.host");
	express_host(source, host, nat_take(o, "server.port"));
	return host != NULL;
}

static bool express_place(struct native *n, const struct nat_source *s, xmlNode *disk)
{
	if (s->protocol != NULL)
		return express_network(s->protocol, disk);
	if (s->file == NULL || s->file[0] == '\0') {
		nat_attr(disk, "type", "file");
		return true;
	}
	if (strstr(s->file, "://") != NULL)
		return express_uri(disk, s->file);
	size_t colon = strcspn(s->file, ":/");
	if (s->file[colon] == ':' && strncmp(s->file, "file:", 5) != 0)
		return false; /* json:, rbd:, fat:, nbd: … */
	CLEANUP_FREE char *path =
	    nat_path(n, s->file + (strncmp(s->file, "file:", 5) == 0 ? 5 : 0));
	bool block = s->block || str_prefix(path, "/dev/");
	nat_attr(disk, "type", block ? "block" : "file");
	nat_attr(nat_el(disk, "source"), block ? "dev" : "file", path);
	return true;
}

static bool express_chain(
    struct native *n, const struct nat_source *s, xmlNode *parent, unsigned depth)
{
	struct nat_source b = {0};
	if (s->ends)
		nat_el(parent, "backingStore");
	if (s->backing == NULL)
		return true;
	nat_open(n, s->backing);
	take_format(n, s->backing, &b);
	xmlNode *store = nat_el(parent, "backingStore");
	nat_attr(nat_el(store, "format"), "type", b.format);
	return depth < CHAIN_MAX && express_place(n, &b, store) &&
	       express_chain(n, &b, store, depth + 1);
}

bool nat_source_express(
    struct native *n, const struct nat_source *s, xmlNode *disk, const char *write_cache)
{
	bool empty = s->file == NULL && s->protocol == NULL;
	if (!empty || s->cache != NULL || s->format != NULL)
		express_driver(n, s, disk, write_cache);
	return express_place(n, s, disk) && express_chain(n, s, disk, 0);
}
