#include "kvm/confine_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/chain.h"
#include "kvm/confine_log.h"
#include "kvm/option.h"

#define COPY_MAX (1ull << 30) /* bytes of a kernel or an initrd */
#define NODES_DEEP CHAIN_MAX  /* of references from node to node */

struct pass {
	const struct confine *c;
	struct argv_out *a;
	struct confine_fds *fds;
	int fd_first;
	unsigned sets, chain; /* numbers given out */
	struct err *err;
};

/* --- descriptors --- */

/* Its number in QEMU. */
static int give(struct pass *p, int fd)
{
	p->fds->fd = xreallocarray(p->fds->fd, p->fds->n + 1, sizeof(*p->fds->fd));
	p->fds->fd[p->fds->n++] = fd;
	return p->fd_first + (int)p->fds->n - 1;
}

static void add_words(struct argv_out *a, size_t at, char *option, char *value)
{
	a->argv = xreallocarray(a->argv, a->argc + 3, sizeof(*a->argv));
	memmove(a->argv + at + 2, a->argv + at, (a->argc + 1 - at) * sizeof(*a->argv));
	a->argv[at] = option;
	a->argv[at + 1] = value;
	a->argc += 2;
}

/* The path stands beside the number, for those who read the command line and for query-fdsets. */
static void add_fd(struct pass *p, int fd, unsigned set, const char *path)
{
	struct option o = {0};
	char number[24];
	snprintf(number, sizeof(number), "%d", give(p, fd));
	option_set(&o, "fd", number);
	snprintf(number, sizeof(number), "%u", set);
	option_set(&o, "set", number);
	option_set(&o, "opaque", path);
	add_words(p->a, p->a->argc, xstrdup("-add-fd"), option_format(&o));
	option_fini(&o);
}

static int open_file(struct pass *p, const char *path, int flags)
{
	/* O_NONBLOCK: a fifo of that name must not stop us. */
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return err_errno(p->err, errno, "cannot open '%s' for QEMU", path);
	struct stat st;
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		fcntl(fd, F_SETFL, flags & ~(O_ACCMODE | O_CREAT | O_TRUNC));
	return fd;
}

/* A set for the path, with a descriptor for each of the ways to open it. The name on the heap, or NULL. */
static char *make_set(struct pass *p, const char *path, const int *flags, size_t n)
{
	unsigned set = ++p->sets;
	for (size_t i = 0; i < n; i++) {
		int fd = open_file(p, path, flags[i]);
		if (fd < 0)
			return NULL;
		add_fd(p, fd, set, path);
	}
	return xasprintf("/dev/fdset/%u", set);
}

/* The same for a file of which little is known but its name. */
static char *make_log_set(struct pass *p, const char *path, bool append)
{
	unsigned set = ++p->sets;
	int fd = confine_log_open(p->c, path, append, p->err);
	if (fd < 0)
		return NULL;
	add_fd(p, fd, set, path);
	return xasprintf("/dev/fdset/%u", set);
}

/* NULL: it is no folder, or cannot be opened, which QEMU then says. */
static char *make_folder(struct pass *p, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? NULL : xasprintf("/proc/self/fd/%d", give(p, fd));
}

/* --- copies --- */

static int copy_bytes(int from, int to)
{
	uint64_t sum = 0;
	CLEANUP_FREE char *block = xmalloc(1u << 20);
	for (ssize_t n; (n = read(from, block, 1u << 20)) != 0;) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		sum += (uint64_t)n;
		if (sum > COPY_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (fd_write_all(to, block, (size_t)n) < 0)
			return -1;
	}
	return lseek(to, 0, SEEK_SET) < 0 ? -1 : 0;
}

/* A name under which QEMU opens a copy; NULL on failure. */
static char *make_copy(struct pass *p, const char *path)
{
	CLEANUP_CLOSE int from = open_file(p, path, O_RDONLY);
	if (from < 0)
		return NULL;
	CLEANUP_CLOSE int to = memfd_create(path, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0 || copy_bytes(from, to) < 0 || fchmod(to, 0444) < 0 ||
	    fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		err_errno(p->err, errno, "cannot copy '%s' for QEMU", path);
		return NULL;
	}
	return xasprintf("/proc/self/fd/%d", give(p, TAKE_FD(to)));
}

/* --- options other than block nodes --- */

enum way {
	WAY_READ,  /* a set to read, when the user may not itself */
	WAY_BOTH,  /* … to read and write */
	WAY_WRITE, /* … to write */
	WAY_LOG, /* … to write: made when missing, emptied unless it is appended to; also where QEMU is root as we are */
	WAY_IMAGE,  /* … to read, and to write unless `other` is on */
	WAY_FOLDER, /* a descriptor of the folder, when it is one: the user cannot walk to it */
	WAY_COPY,   /* a copy, when the user may not read it */
};

static const struct rule {
	const char *option; /* of the command line */
	const char *kind;   /* its first word; NULL any */
	const char *key;    /* of the path; NULL: the whole value is one */
	enum way way;
	const char *other; /* key: WAY_LOG, it is appended to; WAY_IMAGE, it is only read */
} rules[] = {
    {"-kernel", NULL, NULL, WAY_COPY, NULL},
    {"-initrd", NULL, NULL, WAY_COPY, NULL},
    {"-dtb", NULL, NULL, WAY_COPY, NULL},
    {"-bios", NULL, NULL, WAY_COPY, NULL},
    {"-acpitable", NULL, "file", WAY_COPY, NULL},
    {"-acpitable", NULL, "data", WAY_COPY, NULL},
    {"-smbios", NULL, "file", WAY_COPY, NULL},
    {"-fw_cfg", NULL, "file", WAY_COPY, NULL},
    {"-device", NULL, "romfile", WAY_COPY, NULL},
    {"-device", "usb-host", "hostdevice", WAY_BOTH, NULL},
    {"-chardev", "file", "path", WAY_LOG, "append"},
    {"-chardev", "serial", "path", WAY_BOTH, NULL},
    {"-chardev", "parallel", "path", WAY_BOTH, NULL},
    {"-chardev", NULL, "logfile", WAY_LOG, "logappend"},
    {"-object", "rng-random", "filename", WAY_READ, NULL},
    {"-object", "memory-backend-file", "mem-path", WAY_FOLDER, NULL},
    {"-object", "input-linux", "evdev", WAY_BOTH, NULL},
    {"-drive", NULL, "file", WAY_IMAGE, "readonly"},
    {"-netdev", "vhost-vdpa", "vhostdev", WAY_BOTH, NULL},
    {"-tpmdev", "passthrough", "path", WAY_BOTH, NULL},
    {"-tpmdev", "passthrough", "cancel-path", WAY_WRITE, NULL},
};

/* What QEMU is to open instead; NULL: the path as it is, or (*rc < 0) a failure. */
static char *replace_path(
    struct pass *p, const struct rule *r, const struct option *o, const char *path, int *rc)
{
	static const int reading[] = {O_RDONLY}, both[] = {O_RDWR}, image[] = {O_RDWR, O_RDONLY};
	static const int writing[] = {O_WRONLY};
	char *name = NULL;
	if (!p->c->other_user && r->way != WAY_LOG)
		return NULL;
	if (path[0] != '/' || str_prefix(path, "/dev/fdset/") || str_prefix(path, "/proc/self/fd/"))
		return NULL;
	switch (r->way) {
	case WAY_COPY:
	case WAY_READ:
		if (confine_may(p->c, path, R_OK))
			return NULL;
		name = r->way == WAY_COPY ? make_copy(p, path) : make_set(p, path, reading, 1);
		break;
	case WAY_BOTH:
		name = make_set(p, path, both, 1);
		break;
	case WAY_WRITE:
		name = make_set(p, path, writing, 1);
		break;
	case WAY_FOLDER:
		name = make_folder(p, path);
		if (name == NULL)
			return NULL;
		break;
	case WAY_IMAGE:
		name = option_is(o, r->other, "on") ? make_set(p, path, reading, 1)
		                                    : make_set(p, path, image, 2);
		break;
	case WAY_LOG:
		name = make_log_set(p, path, option_is(o, r->other, "on"));
		break;
	}
	*rc = name == NULL ? -1 : 0;
	return name;
}

static bool kind_is(const struct option *o, const char *kind)
{
	if (kind == NULL)
		return true;
	if (o->n > 0 && o->pair[0].key == NULL)
		return strcmp(o->pair[0].value, kind) == 0;
	return option_is(o, "driver", kind) || option_is(o, "qom-type", kind) ||
	       option_is(o, "backend", kind);
}

static int apply_rule(struct pass *p, const struct rule *r, size_t word)
{
	int rc = 0;
	struct option o;
	char **value = &p->a->argv[word];
	if (r->key == NULL) {
		char *name = replace_path(p, r, NULL, *value, &rc);
		/* The array may have moved. */
		value = &p->a->argv[word];
		if (name != NULL) {
			free(*value);
			*value = name;
		}
		return rc;
	}
	if (!option_parse(*value, &o))
		return 0; /* QEMU says what is wrong with it */
	const char *path = option_get(&o, r->key);
	CLEANUP_FREE char *name =
	    path == NULL || !kind_is(&o, r->kind) ? NULL : replace_path(p, r, &o, path, &rc);
	if (name != NULL) {
		option_set(&o, r->key, name);
		value = &p->a->argv[word];
		free(*value);
		*value = option_format(&o);
	}
	option_fini(&o);
	return rc;
}

static int pass_options(struct pass *p)
{
	for (size_t i = 0; i + 1 < p->a->argc; i++)
		for (size_t k = 0; k < ARRAY_LEN(rules); k++)
			if (strcmp(p->a->argv[i], rules[k].option) == 0 &&
			    apply_rule(p, &rules[k], i + 1) < 0)
				return -1;
	return 0;
}

/* --- vhost --- */

/* Device files that only root may open, and that QEMU takes as descriptors. */
static void pass_vhost(struct pass *p, size_t word)
{
	static const struct {
		const char *device, *node;
	} kinds[] = {{"vhost-vsock-", "/dev/vhost-vsock"}, {"vhost-scsi-", "/dev/vhost-scsi"}};
	struct option o;
	if (strcmp(p->a->argv[word], "-device") != 0 || !option_parse(p->a->argv[word + 1], &o))
		return;
	const char *device = o.json ? option_get(&o, "driver") : o.n > 0 ? o.pair[0].value : NULL;
	for (size_t i = 0; device != NULL && i < ARRAY_LEN(kinds); i++) {
		if (!str_prefix(device, kinds[i].device) || option_get(&o, "vhostfd") != NULL)
			continue;
		char number[16];
		int fd = open(kinds[i].node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			break; /* QEMU says that it is not there */
		snprintf(number, sizeof(number), "%d", give(p, fd));
		option_set(&o, "vhostfd", number);
		free(p->a->argv[word + 1]);
		p->a->argv[word + 1] = option_format(&o);
		break;
	}
	option_fini(&o);
}

/* --- block nodes --- */

static bool is_node(const struct pass *p, size_t word)
{
	return word + 1 < p->a->argc && strcmp(p->a->argv[word], "-blockdev") == 0;
}

static const char *last_part(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot == NULL ? key : dot + 1;
}

/* Does some node above, or a device, write through the node of this name? Nodes are few: they are parsed anew at each
 * question. */
static bool is_written(const struct pass *p, const char *name, unsigned depth)
{
	bool parents = false, written = false;
	for (size_t i = 0; depth < NODES_DEEP && !written && i < p->a->argc; i++) {
		struct option o;
		if (!is_node(p, i) || !option_parse(p->a->argv[i + 1], &o))
			continue;
		const char *own = option_get(&o, "node-name");
		for (size_t k = 0; k < o.n && !written; k++) {
			const char *key = o.pair[k].key == NULL ? "" : last_part(o.pair[k].key);
			if (strcmp(o.pair[k].value, name) != 0 ||
			    (strcmp(key, "file") != 0 && strcmp(key, "backing") != 0 &&
			        strcmp(key, "data-file") != 0))
				continue;
			parents = true;
			written = strcmp(key, "backing") != 0 &&
			          !option_is(&o, "read-only", "on") &&
			          (own == NULL || is_written(p, own, depth + 1));
		}
		option_fini(&o);
	}
	return written || !parents;
}

/* Of a file's node: does it have a file of this host, and under which key? `key` is its whole name, "file.filename". */
static bool is_file(const struct option *o, const char *key)
{
	size_t n = strlen(key) - strlen(last_part(key));
	CLEANUP_FREE char *driver = xasprintf("%.*sdriver", (int)n, key);
	return strcmp(key + n, "filename") == 0 &&
	       (option_is(o, driver, "file") || option_is(o, driver, "host_device") ||
	           option_is(o, driver, "host_cdrom"));
}

static int pass_node(struct pass *p, size_t word)
{
	static const int reading[] = {O_RDONLY}, writing[] = {O_RDWR};
	struct option o;
	int rc = 0;
	if (!option_parse(p->a->argv[word + 1], &o))
		return 0;
	const char *own = option_get(&o, "node-name");
	bool written = !option_is(&o, "read-only", "on") && (own == NULL || is_written(p, own, 0));
	for (size_t k = 0; rc == 0 && k < o.n; k++) {
		const char *path = o.pair[k].value;
		if (o.pair[k].key == NULL || path[0] != '/' || str_prefix(path, "/dev/fdset/") ||
		    !is_file(&o, o.pair[k].key))
			continue;
		CLEANUP_FREE char *key = xstrdup(o.pair[k].key);
		CLEANUP_FREE char *set = make_set(p, path, written ? writing : reading, 1);
		rc = set == NULL ? -1 : 0;
		if (set != NULL)
			option_set(&o, key, set);
		/* QEMU would change between two descriptors, and the one in the set would keep the locks of the image (of
		 * open files, fcntl(2)) against the other: nothing could be written after a snapshot. */
		CLEANUP_FREE char *automatic = xasprintf(
		    "%.*sauto-read-only", (int)(strlen(key) - strlen(last_part(key))), key);
		if (set != NULL && written && option_get(&o, automatic) != NULL)
			option_set(&o, automatic, "off");
	}
	if (rc == 0) {
		free(p->a->argv[word + 1]);
		p->a->argv[word + 1] = option_format(&o);
	}
	option_fini(&o);
	return rc;
}

/* --- what an image names itself --- */

/* The path of the file that a format's node reads; on the heap, NULL when it is none of this host. */
static char *image_path(const struct pass *p, const struct option *format)
{
	char *path = NULL;
	if (option_get(format, "file.filename") != NULL && is_file(format, "file.filename"))
		return xstrdup(option_get(format, "file.filename"));
	const char *file = option_get(format, "file");
	for (size_t i = 0; file != NULL && path == NULL && i < p->a->argc; i++) {
		struct option o;
		if (!is_node(p, i) || !option_parse(p->a->argv[i + 1], &o))
			continue;
		if (option_is(&o, "node-name", file) && option_get(&o, "filename") != NULL &&
		    is_file(&o, "filename"))
			path = xstrdup(option_get(&o, "filename"));
		option_fini(&o);
	}
	return path;
}

/* A chain in the making: nodes are put before the one that needs them. */
struct links {
	struct pass *p;
	size_t word; /* where the next node goes */
	const struct option
	    *top; /* caches are the same in the whole chain, as when QEMU opens it itself */
};

static void add_node(struct links *n, struct option *o)
{
	static const char *const same[] = {"cache.direct", "cache.no-flush"};
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (option_get(n->top, same[i]) != NULL)
			option_set(o, same[i], option_get(n->top, same[i]));
	add_words(n->p->a, n->word, xstrdup("-blockdev"), option_format(o));
	n->word += 2;
	option_fini(o);
}

/* `user` gets a node for the file under `key`. */
static void add_file_node(struct links *n, struct option *user, const char *key, const char *path)
{
	struct option o = {0};
	struct stat st;
	char name[32];
	bool block = stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	snprintf(name, sizeof(name), "chain%u-%s", ++n->p->chain, key);
	option_set(user, key, name);
	option_set(&o, "driver", block ? "host_device" : "file");
	option_set(&o, "node-name", name);
	option_set(&o, "filename", path);
	/* Not read-only for good: a commit into it opens it anew, through a descriptor that it is given then. */
	if (option_is(user, "read-only", "on"))
		option_set(&o, "auto-read-only", "on");
	add_node(n, &o);
}

/* A name with a protocol is QEMU's own business. */
static bool is_local(const char *path)
{
	return path != NULL && path[0] == '/';
}

static int add_links(struct links *n, struct option *format, const char *path, unsigned depth);

static int add_backing(struct links *n, struct option *format, const char *path,
    const struct chain_names *l, unsigned depth)
{
	struct option o = {0};
	char name[32];
	if (l->backing_format == NULL)
		return err_set(n->p->err, ERR_INVALID,
		    "image '%s' does not say of which format its backing file '%s' is, and to guess it would let a "
		    "guest reach files of the host: qemu-img rebase -u -F FORMAT -b '%s' '%s' writes it down",
		    path, l->backing, l->backing, path);
	snprintf(name, sizeof(name), "chain%u-format", ++n->p->chain);
	option_set(&o, "driver", l->backing_format);
	option_set(&o, "node-name", name);
	option_set(&o, "read-only", "on");
	add_file_node(n, &o, "file", l->backing);
	if (add_links(n, &o, l->backing, depth + 1) < 0) {
		option_fini(&o);
		return -1;
	}
	add_node(n, &o);
	option_set(format, "backing", name);
	return 0;
}

/* Nodes for the files that the image at path, which `format` reads, names itself. */
static int add_links(struct links *n, struct option *format, const char *path, unsigned depth)
{
	struct chain_names l;
	int rc = 0;
	if (depth == CHAIN_MAX)
		return err_set(n->p->err, ERR_INVALID,
		    "'%s': its chain of backing files is longer than %d", path, CHAIN_MAX);
	if (chain_names_read(path, option_get(format, "driver"), &l, n->p->err) < 0)
		return -1;
	if (is_local(l.data_file) && option_get(format, "data-file") == NULL)
		add_file_node(n, format, "data-file", l.data_file);
	if (is_local(l.backing) && option_get(format, "backing") == NULL)
		rc = add_backing(n, format, path, &l, depth);
	chain_names_fini(&l);
	return rc;
}

/* Moves *word behind what it adds. */
static int pass_chain(struct pass *p, size_t *word)
{
	struct option o;
	int rc = 0;
	if (!option_parse(p->a->argv[*word + 1], &o))
		return 0;
	bool links = option_is(&o, "driver", "qcow2") || option_is(&o, "driver", "qcow");
	CLEANUP_FREE char *path = links ? image_path(p, &o) : NULL;
	if (path != NULL) {
		struct links n = {.p = p, .word = *word, .top = &o};
		rc = add_links(&n, &o, path, 0);
		*word = n.word;
		free(p->a->argv[*word + 1]);
		p->a->argv[*word + 1] = option_format(&o);
	}
	option_fini(&o);
	return rc;
}

/* --- all of it --- */

static int pass_all(struct pass *p)
{
	if (!p->c->other_user)
		return pass_options(p);
	for (size_t i = 0; i < p->a->argc; i++)
		if (is_node(p, i) && pass_chain(p, &i) < 0)
			return -1;
	for (size_t i = 0; i < p->a->argc; i++)
		if (is_node(p, i) && pass_node(p, i) < 0)
			return -1;
	for (size_t i = 0; i + 1 < p->a->argc; i++)
		pass_vhost(p, i);
	return pass_options(p);
}

int confine_files(const struct confine *c, struct argv_out *a, int fd_first,
    struct confine_fds *fds, struct err *err)
{
	struct pass p = {.c = c, .a = a, .fds = fds, .fd_first = fd_first, .err = err};
	*fds = (struct confine_fds){0};
	if ((!c->other_user && geteuid() != 0) || pass_all(&p) == 0)
		return 0;
	confine_fds_close(fds);
	return -1;
}

void confine_fds_close(struct confine_fds *fds)
{
	for (size_t i = 0; i < fds->n; i++)
		close(fds->fd[i]);
	free(fds->fd);
	*fds = (struct confine_fds){0};
}
