/* A disk's images as block nodes. From below: what holds the bytes (a file, a server), the slice of it, the encryption,
 * the format; for each layer of an explicit chain of backing files; and on top what limits and copies. */
#include "kvm/argv_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/secret.h"

/* One node in the making. */
struct node {
	struct builder *b;
	const struct domain_disk *disk;
	const struct disk_image *image;
	unsigned depth; /* in the chain; 0 what the guest writes to */
	struct buf value;
};

/* "vda-format", "vda-2-format": QEMU allows 31 bytes, a target has 15 at most. */
static void node_name(const struct node *n, const char *kind, char out[NODE_NAME_MAX])
{
	if (n->depth == 0)
		snprintf(out, NODE_NAME_MAX, "%s-%s", n->disk->target, kind);
	else
		snprintf(out, NODE_NAME_MAX, "%s-%u-%s", n->disk->target, n->depth, kind);
}

static int refuse(const struct node *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const struct node *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	return build_unsupported(n->b, "disk", n->disk->line, "'%s': %s", n->disk->target, words);
}

static bool node_readonly(const struct node *n)
{
	return n->depth > 0 || n->disk->readonly;
}

/* --- options that all nodes of a disk agree on --- */
static bool cache_is(const struct domain_disk *disk, const char *a, const char *b)
{
	return disk->cache != NULL && (strcmp(disk->cache, a) == 0 || strcmp(disk->cache, b) == 0);
}

static void add_cache(struct node *n)
{
	const struct domain_disk *disk = n->disk;
	if (disk->cache != NULL)
		buf_addf(&n->value, ",cache.direct=%s,cache.no-flush=%s",
		    cache_is(disk, "none", "directsync") ? "on" : "off",
		    cache_is(disk, "unsafe", "unsafe") ? "on" : "off");
}

static void add_discard(struct node *n)
{
	if (n->disk->discard != NULL && n->depth == 0)
		buf_addf(&n->value, ",discard=%s", n->disk->discard);
}

/* --- secrets --- */
/* The object that holds a secret; its id is the node's with what it is for. */
static int add_secret(
    struct node *n, const struct image_secret *secret, const char *kind, char id[NODE_NAME_MAX])
{
	const struct argv_in *in = n->b->in;
	const char *by = secret->uuid != NULL ? "uuid" : "usage";
	const char *name = secret->uuid != NULL ? secret->uuid : secret->usage;
	node_name(n, kind, id);
	if (in->fd_first == 0) { /* for a reader: what the file has to hold is theirs to find */
		build_secret_base64(n->b, id, "");
		return 0;
	}
	struct err why = {.msg = "hvmux keeps none here"};
	char *text = in->find_secret != NULL ? in->find_secret(in->find_secret_arg, secret->type,
	                                           secret->uuid, secret->usage, &why)
	                                     : NULL;
	if (text == NULL)
		return refuse(n, "needs the secret of type '%s' with %s '%s': %s",
		    secret->type != NULL ? secret->type : "passphrase", by,
		    name != NULL ? name : "", why.msg);
	build_secret_base64(n->b, id, text);
	secret_free(text);
	return 0;
}

/* --- where the bytes are --- */
static void add_server(struct node *n, const char *key, const struct image_host *h, unsigned port)
{
	if (strcmp(h->transport, "unix") == 0) {
		CLEANUP_FREE char *type = xasprintf("%s.type", key),
		                  *path = xasprintf("%s.path", key);
		build_key(&n->value, type, "unix");
		build_key(&n->value, path, h->socket);
		return;
	}
	CLEANUP_FREE char *type = xasprintf("%s.type", key), *host = xasprintf("%s.host", key);
	build_key(&n->value, type, "inet");
	build_key(&n->value, host, h->name);
	buf_addf(&n->value, ",%s.port=%u", key, h->port != 0 ? h->port : port);
}

static int add_nbd(struct node *n)
{
	const struct disk_image *image = n->image;
	char id[NODE_NAME_MAX];
	if (image->tls == SWITCH_ON) {
		node_name(n, "tls", id);
		build_addf(n->b, "-object",
		    "tls-creds-x509,id=%s,dir=/etc/pki/qemu,endpoint=client,verify-peer=on", id);
	}
	add_server(n, "server", &image->hosts[0], 10809);
	if (image->name != NULL)
		build_key(&n->value, "export", image->name);
	if (image->tls == SWITCH_ON)
		build_key(&n->value, "tls-creds", id);
	if (image->tls == SWITCH_ON && image->tls_hostname != NULL)
		build_key(&n->value, "tls-hostname", image->tls_hostname);
	if (image->reconnect > 0)
		buf_addf(&n->value, ",reconnect-delay=%u", image->reconnect);
	return 0;
}

/* "pool/image", "pool/namespace/image". */
static int add_rbd(struct node *n)
{
	const struct disk_image *image = n->image;
	const char *slash = strchr(image->name, '/'), *last = strrchr(image->name, '/');
	if (slash == NULL || slash == image->name || last[1] == '\0')
		return refuse(n, "the name '%s' is not POOL/IMAGE", image->name);
	CLEANUP_FREE char *pool = xstrndup(image->name, (size_t)(slash - image->name));
	build_key(&n->value, "pool", pool);
	if (last != slash) {
		CLEANUP_FREE char *space = xstrndup(slash + 1, (size_t)(last - slash - 1));
		build_key(&n->value, "namespace", space);
	}
	build_key(&n->value, "image", last + 1);
	if (image->snapshot != NULL)
		build_key(&n->value, "snapshot", image->snapshot);
	if (image->config != NULL)
		build_key(&n->value, "conf", image->config);
	for (size_t i = 0; i < image->n_hosts; i++) {
		CLEANUP_FREE char *host = xasprintf("server.%zu.host", i);
		build_key(&n->value, host, image->hosts[i].name);
		buf_addf(&n->value, ",server.%zu.port=%u", i,
		    image->hosts[i].port != 0 ? image->hosts[i].port : 6789);
	}
	char id[NODE_NAME_MAX];
	if (image->encrypted_by_rbd) {
		if (add_secret(n, &image->encryption_secret, "key", id) < 0)
			return -1;
		buf_addf(
		    &n->value, ",encrypt.format=%s,encrypt.key-secret=%s", image->encryption, id);
	}
	if (image->auth_user == NULL)
		return 0;
	if (add_secret(n, &image->auth, "auth", id) < 0)
		return -1;
	build_key(&n->value, "user", image->auth_user);
	buf_addf(&n->value,
	    ",auth-client-required.0=cephx,auth-client-required.1=none,key-secret=%s", id);
	return 0;
}

/* "iqn.…:target/LUN". */
static int add_iscsi(struct node *n)
{
	const struct disk_image *image = n->image;
	const struct image_host *h = &image->hosts[0];
	const char *slash = strrchr(image->name, '/');
	uint64_t lun = 0;
	if (slash != NULL && str_u64(slash + 1, 16383, &lun) < 0)
		return refuse(n, "the name '%s' does not end in /LUN", image->name);
	CLEANUP_FREE char *target = xstrndup(
	    image->name, slash != NULL ? (size_t)(slash - image->name) : strlen(image->name));
	if (h->name == NULL)
		return refuse(n, "iscsi goes over tcp, not over '%s'", h->transport);
	CLEANUP_FREE char *portal = xasprintf(strchr(h->name, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    h->name, h->port != 0 ? h->port : 3260);
	build_key(&n->value, "portal", portal);
	build_key(&n->value, "target", target);
	buf_addf(&n->value, ",lun=%llu,transport=tcp", (unsigned long long)lun);
	if (image->initiator != NULL)
		build_key(&n->value, "initiator-name", image->initiator);
	if (image->auth_user == NULL)
		return 0;
	char id[NODE_NAME_MAX];
	if (add_secret(n, &image->auth, "auth", id) < 0)
		return -1;
	build_key(&n->value, "user", image->auth_user);
	buf_addf(&n->value, ",password-secret=%s", id);
	return 0;
}

static int add_curl(struct node *n)
{
	const struct disk_image *image = n->image;
	const struct image_host *h = &image->hosts[0];
	CLEANUP_BUF struct buf url = BUF_INIT;
	char id[NODE_NAME_MAX];
	if (h->name == NULL)
		return refuse(n, "%s goes over tcp, not over '%s'", image->protocol, h->transport);
	buf_addf(
	    &url, strchr(h->name, ':') != NULL ? "%s://[%s]" : "%s://%s", image->protocol, h->name);
	if (h->port != 0)
		buf_addf(&url, ":%u", h->port);
	buf_addf(&url, "%s%s", image->name[0] == '/' ? "" : "/", image->name);
	if (image->query != NULL)
		buf_addf(&url, "?%s", image->query);
	build_key(&n->value, "url", url.data);
	if (image->ssl_verify != SWITCH_ABSENT &&
	    strchr("sS", image->protocol[strlen(image->protocol) - 1]))
		buf_addf(&n->value, ",sslverify=%s", image->ssl_verify == SWITCH_ON ? "on" : "off");
	if (image->readahead > 0)
		buf_addf(&n->value, ",readahead=%llu", (unsigned long long)image->readahead);
	if (image->timeout > 0)
		buf_addf(&n->value, ",timeout=%u", image->timeout);
	if (image->cookies != NULL) {
		node_name(n, "cookie", id);
		build_secret(n->b, id, image->cookies);
		buf_addf(&n->value, ",cookie-secret=%s", id);
	}
	if (image->auth_user == NULL)
		return 0;
	if (add_secret(n, &image->auth, "auth", id) < 0)
		return -1;
	build_key(&n->value, "username", image->auth_user);
	buf_addf(&n->value, ",password-secret=%s", id);
	return 0;
}

static int add_gluster(struct node *n)
{
	const struct disk_image *image = n->image;
	const char *slash = strchr(image->name, '/');
	if (slash == NULL || slash == image->name)
		return refuse(n, "the name '%s' is not VOLUME/IMAGE", image->name);
	CLEANUP_FREE char *volume = xstrndup(image->name, (size_t)(slash - image->name));
	build_key(&n->value, "volume", volume);
	build_key(&n->value, "path", slash + 1);
	for (size_t i = 0; i < image->n_hosts; i++) {
		CLEANUP_FREE char *server = xasprintf("server.%zu", i);
		add_server(n, server, &image->hosts[i], 24007);
	}
	return 0;
}

static int add_ssh(struct node *n)
{
	const struct image_host *h = &n->image->hosts[0];
	if (h->name == NULL)
		return refuse(n, "ssh goes over tcp, not over '%s'", h->transport);
	build_key(&n->value, "path", n->image->name);
	build_key(&n->value, "server.host", h->name);
	buf_addf(&n->value, ",server.port=%u", h->port != 0 ? h->port : 22);
	if (n->image->auth_user != NULL)
		build_key(&n->value, "user", n->image->auth_user);
	return 0;
}

static int add_nfs(struct node *n)
{
	const struct disk_image *image = n->image;
	const struct image_host *h = &image->hosts[0];
	if (h->name == NULL)
		return refuse(n, "nfs goes over tcp, not over '%s'", h->transport);
	build_key(&n->value, "server.host", h->name);
	buf_adds(&n->value, ",server.type=inet");
	build_key(&n->value, "path", image->name);
	if (image->nfs_user >= 0)
		buf_addf(&n->value, ",user=%ld", image->nfs_user);
	if (image->nfs_group >= 0)
		buf_addf(&n->value, ",group=%ld", image->nfs_group);
	return 0;
}

static int add_network(struct node *n)
{
	static const struct {
		const char *protocol;
		int (*add)(struct node *n);
	} protocols[] = {
	    {"nbd", add_nbd},
	    {"rbd", add_rbd},
	    {"iscsi", add_iscsi},
	    {"http", add_curl},
	    {"https", add_curl},
	    {"ftp", add_curl},
	    {"ftps", add_curl},
	    {"gluster", add_gluster},
	    {"ssh", add_ssh},
	    {"nfs", add_nfs},
	};
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcmp(protocols[i].protocol, n->image->protocol) == 0) {
			buf_addf(&n->value, "driver=%s", n->image->protocol);
			return protocols[i].add(n);
		}
	return refuse(n, "protocol '%s' is no longer known to QEMU", n->image->protocol);
}

/* The one place where the path of a file on this host becomes QEMU's words. */
static void add_path(struct node *n)
{
	const struct disk_image *image = n->image;
	const char *driver = "file";
	bool drive = n->disk->device == DISK_CDROM && n->depth == 0;
	if (image->type == IMAGE_BLOCK)
		driver = drive && (str_prefix(image->path, "/dev/sr") ||
		                      str_prefix(image->path, "/dev/cdrom") ||
		                      str_prefix(image->path, "/dev/dvd"))
		             ? "host_cdrom"
		             : "host_device";
	buf_addf(&n->value, "driver=%s", driver);
	build_key(&n->value, "filename", image->path);
	if (n->disk->io != NULL && n->depth == 0)
		build_key(&n->value, "aio", n->disk->io);
}

static int add_reservations(struct node *n)
{
	const struct disk_image *image = n->image;
	char id[NODE_NAME_MAX];
	if (!image->reservations)
		return 0;
	if (image->reservations_path == NULL)
		return refuse(n,
		    "<reservations managed='yes'> is not supported: start qemu-pr-helper and name its socket");
	node_name(n, "pr", id);
	struct buf object = BUF_INIT;
	buf_addf(&object, "pr-manager-helper,id=%s", id);
	build_key(&object, "path", image->reservations_path);
	build_take(n->b, "-object", &object);
	buf_addf(&n->value, ",pr-manager=%s", id);
	return 0;
}

static int add_place(struct node *n)
{
	const struct disk_image *image = n->image;
	switch (image->type) {
	case IMAGE_FILE:
	case IMAGE_BLOCK:
		add_path(n);
		return add_reservations(n);
	case IMAGE_DIR:
		buf_addf(&n->value, "driver=vvfat,floppy=%s,rw=%s",
		    n->disk->device == DISK_FLOPPY ? "on" : "off", node_readonly(n) ? "off" : "on");
		build_key(&n->value, "dir", image->path);
		return 0;
	case IMAGE_NETWORK:
		return add_network(n);
	case IMAGE_NVME:
		buf_addf(&n->value, "driver=nvme,device=%04x:%02x:%02x.%x,namespace=%u",
		    image->pci.domain, image->pci.bus, image->pci.slot, image->pci.function,
		    image->namespace);
		return 0;
	case IMAGE_VOLUME:
		return refuse(n,
		    "volume '%s' of pool '%s' is not known: its pool is asked when the domain starts",
		    image->volume, image->pool);
	case IMAGE_VHOST_USER:
	case IMAGE_TYPES:
		break;
	}
	return refuse(n, "type '%s' has no image", image_type_name(image->type));
}

static int build_place(struct node *n, char name[NODE_NAME_MAX])
{
	node_name(n, "file", name);
	if (add_place(n) < 0)
		return -1;
	buf_addf(&n->value, ",node-name=%s", name);
	if (n->image->type != IMAGE_DIR)
		buf_adds(&n->value, ",auto-read-only=on");
	else if (node_readonly(n))
		buf_adds(&n->value, ",read-only=on");
	add_discard(n);
	add_cache(n);
	build_take(n->b, "-blockdev", &n->value);
	return 0;
}

/* --- what lies between the bytes and the format --- */
static void build_slice(struct node *n, char below[NODE_NAME_MAX])
{
	char name[NODE_NAME_MAX];
	if (n->image->slice_size == 0)
		return;
	node_name(n, "slice", name);
	buf_addf(&n->value, "driver=raw,node-name=%s,offset=%llu,size=%llu,auto-read-only=on", name,
	    (unsigned long long)n->image->slice_offset, (unsigned long long)n->image->slice_size);
	add_discard(n);
	add_cache(n);
	buf_addf(&n->value, ",file=%s", below);
	build_take(n->b, "-blockdev", &n->value);
	snprintf(below, NODE_NAME_MAX, "%s", name);
}

static bool has_backing(enum disk_format f)
{
	return f == DISK_QCOW2 || f == DISK_QCOW || f == DISK_QED || f == DISK_VMDK;
}

/* A format node in JSON: the plain form cannot say that there is no backing file. */
static void format_json(struct node *n, const char *name, const char *below, const char *secret)
{
	const struct domain_disk *disk = n->disk;
	buf_addf(&n->value, "{\"driver\":\"%s\",\"node-name\":\"%s\",\"read-only\":%s",
	    disk_format_name(n->image->format), name, node_readonly(n) ? "true" : "false");
	if (disk->discard != NULL && n->depth == 0)
		buf_addf(&n->value, ",\"discard\":\"%s\"", disk->discard);
	if (disk->detect_zeroes != NULL && n->depth == 0)
		buf_addf(&n->value, ",\"detect-zeroes\":\"%s\"", disk->detect_zeroes);
	if (disk->cache != NULL)
		buf_addf(&n->value, ",\"cache\":{\"direct\":%s,\"no-flush\":%s}",
		    cache_is(disk, "none", "directsync") ? "true" : "false",
		    cache_is(disk, "unsafe", "unsafe") ? "true" : "false");
	if (n->image->metadata_cache > 0 && n->image->format == DISK_QCOW2)
		buf_addf(&n->value, ",\"cache-size\":%llu",
		    (unsigned long long)n->image->metadata_cache);
	if (secret != NULL)
		buf_addf(&n->value, ",\"encrypt\":{\"format\":\"%s\",\"key-secret\":\"%s\"}",
		    strcmp(n->image->encryption, "qcow") == 0 ? "aes" : "luks", secret);
	buf_addf(&n->value, ",\"file\":\"%s\",\"backing\":null}", below);
}

#define NO_UNREF_QEMU 80100

/* Without it the image fragments, and works. */
static void tell_no_unref(struct node *n)
{
	if (n->disk->discard_no_unref == SWITCH_ON && n->depth == 0 &&
	    n->b->c->version < NO_UNREF_QEMU)
		buf_addf(&n->b->notes,
		    "disk '%s': discard_no_unref has no effect before QEMU 8.1\n", n->disk->target);
}

static void format_plain(
    struct node *n, const char *name, const char *below, const char *secret, const char *backing)
{
	const struct disk_image *image = n->image;
	bool luks = secret != NULL && image->format == DISK_RAW;
	const char *driver = luks                        ? "luks"
	                     : image->format == DISK_FAT ? "raw"
	                                                 : disk_format_name(image->format);
	buf_addf(&n->value, "driver=%s,node-name=%s,read-only=%s", driver, name,
	    node_readonly(n) ? "on" : "off");
	if (luks)
		buf_addf(&n->value, ",key-secret=%s", secret);
	else if (secret != NULL)
		buf_addf(&n->value, ",encrypt.format=%s,encrypt.key-secret=%s",
		    strcmp(image->encryption, "qcow") == 0 ? "aes" : "luks", secret);
	if (n->disk->detect_zeroes != NULL && n->depth == 0)
		buf_addf(&n->value, ",detect-zeroes=%s", n->disk->detect_zeroes);
	if (n->disk->discard_no_unref != SWITCH_ABSENT && n->depth == 0 &&
	    n->b->c->version >= NO_UNREF_QEMU && image->format == DISK_QCOW2)
		buf_addf(&n->value, ",discard-no-unref=%s",
		    n->disk->discard_no_unref == SWITCH_ON ? "on" : "off");
	if (image->metadata_cache > 0 && image->format == DISK_QCOW2)
		buf_addf(&n->value, ",cache-size=%llu", (unsigned long long)image->metadata_cache);
	add_discard(n);
	add_cache(n);
	buf_addf(&n->value, ",file=%s", below);
	if (backing != NULL)
		buf_addf(&n->value, ",backing=%s", backing);
}

static int build_format(
    struct node *n, const char *below, const char *backing, char name[NODE_NAME_MAX])
{
	char secret[NODE_NAME_MAX];
	const struct disk_image *image = n->image;
	bool encrypted = image->encryption != NULL && !image->encrypted_by_rbd;
	if (backing != NULL && !has_backing(image->format))
		return refuse(
		    n, "format '%s' has no backing file", disk_format_name(image->format));
	if (encrypted && add_secret(n, &image->encryption_secret, "key", secret) < 0)
		return -1;
	node_name(n, "format", name);
	tell_no_unref(n);
	if (image->backing_ends && has_backing(image->format))
		format_json(n, name, below, encrypted ? secret : NULL);
	else
		format_plain(n, name, below, encrypted ? secret : NULL, backing);
	build_take(n->b, "-blockdev", &n->value);
	return 0;
}

/* The lowest layer first: a node must be there before it is named. */
static int build_layer(struct builder *b, const struct domain_disk *disk,
    const struct disk_image *image, unsigned depth, char name[NODE_NAME_MAX])
{
	char backing[NODE_NAME_MAX], below[NODE_NAME_MAX];
	struct node n = {.b = b, .disk = disk, .image = image, .depth = depth, .value = BUF_INIT};
	if (image->backing != NULL && build_layer(b, disk, image->backing, depth + 1, backing) < 0)
		return -1;
	int rc = build_place(&n, below);
	if (rc == 0) {
		build_slice(&n, below);
		rc = build_format(&n, below, image->backing != NULL ? backing : NULL, name);
	}
	buf_fini(&n.value);
	return rc;
}

/* --- on top --- */
static void build_copy_on_read(
    struct builder *b, const struct domain_disk *disk, char top[NODE_NAME_MAX])
{
	if (disk->copy_on_read != SWITCH_ON)
		return;
	build_addf(
	    b, "-blockdev", "driver=copy-on-read,node-name=%s-cor,file=%s", disk->target, top);
	snprintf(top, NODE_NAME_MAX, "%s-cor", disk->target);
}

static void build_throttle(struct builder *b, const struct domain_disk *disk, const char *group,
    unsigned number, char top[NODE_NAME_MAX])
{
	char name[NODE_NAME_MAX];
	if (number == 0)
		snprintf(name, sizeof name, "%s-throttle", disk->target);
	else
		snprintf(name, sizeof name, "%s-throttle%u", disk->target, number);
	build_addf(b, "-blockdev", "driver=throttle,node-name=%s,throttle-group=%s,file=%s", name,
	    group, top);
	snprintf(top, NODE_NAME_MAX, "%s", name);
}

static void build_limits(
    struct builder *b, const struct domain_disk *disk, size_t i, char top[NODE_NAME_MAX])
{
	char group[NODE_NAME_MAX];
	if (disk->with_iotune) {
		build_iotune_group(b->d, i, group);
		build_throttle(b, disk, group, 0, top);
	}
	for (size_t k = 0; k < disk->n_throttle; k++)
		for (unsigned g = 0; g < b->d->n_throttle_groups; g++)
			if (strcmp(b->d->throttle_groups[g].group, disk->throttle[k]) == 0) {
				snprintf(group, sizeof group, "throttlegroup%u", g);
				build_throttle(b, disk, group, (unsigned)k, top);
			}
}

int build_image(struct builder *b, size_t i, char top[NODE_NAME_MAX])
{
	const struct domain_disk *disk = &b->d->disks[i];
	/* Who starts it has put something of this run on top. */
	if (disk->transient && !disk->overlaid)
		return build_unsupported(b, "disk", disk->line,
		    "'%s': <transient/> has no command line of its own: 'start' makes an overlay for it",
		    disk->target);
	if (build_layer(b, disk, &disk->image, 0, top) < 0)
		return -1;
	build_copy_on_read(b, disk, top);
	build_limits(b, disk, i, top);
	return 0;
}
