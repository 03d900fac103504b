/* <source>, <backingStore> and what describes an image: into struct disk_image. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define CHAIN_MAX 200 /* layers of backing files; libvirt's limit too */
#define HOSTS_MAX 64
#define SHOWN_MAX 60

static int parse_layer(struct parse *p, const xmlNode *owner, const xmlNode *source,
    struct disk_image *image, int depth);

static char *shown(const char *value)
{
	return str_printable(value, strlen(value), SHOWN_MAX);
}

/* --- format --- */
int format_parse(struct parse *p, const xmlNode *node, const char *word, enum disk_format *out)
{
	static const struct {
		const char *word, *why;
	} strange[] = {
	    {"iso", "is no format of QEMU's; a CD image is 'raw'"},
	    {"dir", "is no format of QEMU's; a folder is <disk type='dir'> with type='fat'"},
	    {"cow", "is no format of QEMU's any more"},
	    {"ploop", "is no format of QEMU's"},
	    {"auto",
	        "is not supported: a guest could write a header that names any file; name the format"},
	};
	/* Never guessed from the content: a guest could write a qcow2 header that names any file. */
	*out = DISK_RAW;
	if (word == NULL)
		return 0;
	for (int f = 0; f < DISK_FORMATS; f++)
		if (strcmp(disk_format_name((enum disk_format)f), word) == 0) {
			*out = (enum disk_format)f;
			return 0;
		}
	if (strcmp(word, "vhd") == 0) {
		*out = DISK_VPC;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(strange); i++)
		if (strcmp(word, strange[i].word) == 0)
			return parse_invalid(p, node, "type='%s' %s", word, strange[i].why);
	CLEANUP_FREE char *s = shown(word);
	return parse_invalid(p, node, "type='%s' is not an image format that QEMU has", s);
}

/* --- secrets --- */
static int parse_secret(
    struct parse *p, const xmlNode *node, const char *wanted, struct image_secret *out)
{
	const xmlNode *secret = xml_child(node, "secret");
	out->type = xml_attr(secret, "type");
	out->uuid = xml_attr(secret, "uuid");
	out->usage = xml_attr(secret, "usage");
	if (secret == NULL)
		return parse_invalid(p, node, "has no <secret>");
	if ((out->uuid == NULL) == (out->usage == NULL))
		return parse_invalid(p, secret, "has to have either uuid or usage");
	if (out->type == NULL || (wanted != NULL && strcmp(out->type, wanted) != 0))
		return parse_invalid(p, secret, "type='%s', where '%s' is needed",
		    out->type != NULL ? out->type : "", wanted != NULL ? wanted : "passphrase");
	return 0;
}

static int parse_auth(struct parse *p, const xmlNode *owner, struct disk_image *image)
{
	const xmlNode *node = xml_child(owner, "auth");
	if (node == NULL)
		return 0;
	if (image->auth_user != NULL)
		return parse_invalid(p, node, "is there twice, in <disk> and in <source>");
	image->auth_user = xml_attr(node, "username");
	if (image->auth_user == NULL || image->auth_user[0] == '\0')
		return parse_invalid(p, node, "has no username");
	if (image->type != IMAGE_NETWORK && image->type != IMAGE_VOLUME)
		return parse_invalid(p, node, "is for disks of type='network' only");
	if (str_eq(image->protocol, "ssh")) /* by an agent, or its own keys */
		return 0;
	const char *wanted = str_eq(image->protocol, "rbd")     ? "ceph"
	                     : str_eq(image->protocol, "iscsi") ? "iscsi"
	                                                        : NULL;
	return parse_secret(p, node, wanted, &image->auth);
}

static int parse_encryption(struct parse *p, const xmlNode *owner, struct disk_image *image)
{
	static const char *const formats[] = {"luks", "luks2", "qcow", "default", "luks-any", NULL};
	static const char *const engines[] = {"", "qemu", "librbd", NULL};
	const xmlNode *node = xml_child(owner, "encryption");
	int f, engine;
	if (node == NULL)
		return 0;
	if (image->encryption != NULL)
		return parse_invalid(p, node, "is there twice, in <disk> and in <source>");
	if (parse_attr_word(p, node, "format", formats, 3, &f) < 0 ||
	    parse_attr_word(p, node, "engine", engines, 1, &engine) < 0)
		return -1;
	if (xml_child(node, "cipher") != NULL)
		return parse_invalid(
		    p, xml_child(node, "cipher"), "stands in the image's own header; take it out");
	if (f == 3)
		return parse_refuse(p, node, "format='default' is not supported, 'luks' is");
	image->encryption = xstrdup(formats[f]);
	image->encrypted_by_rbd = engine == 2;
	if (engine == 2 && (!str_eq(image->protocol, "rbd") || f == 2))
		return parse_invalid(
		    p, node, "engine='librbd' is for protocol='rbd' and LUKS only");
	if (engine == 2 && f == 4)
		return parse_refuse(p, node, "format='luks-any' needs QEMU 8.0");
	if (engine != 2 && f != 0 && f != 2)
		return parse_invalid(p, node, "format='%s' needs engine='librbd'", formats[f]);
	if (f == 0 && image->format != DISK_RAW && image->format != DISK_QCOW2)
		return parse_invalid(
		    p, node, "format='luks' is for the image types 'raw' and 'qcow2' only");
	if (f == 2 && image->format != DISK_QCOW2 && image->format != DISK_QCOW)
		return parse_invalid(
		    p, node, "format='qcow' is for the image types 'qcow2' and 'qcow' only");
	return parse_secret(p, node, "passphrase", &image->encryption_secret);
}

/* --- network --- */
static int parse_host(struct parse *p, const xmlNode *node, struct disk_image *image)
{
	static const char *const transports[] = {"tcp", "unix", "rdma", NULL};
	int transport;
	if (image->n_hosts >= HOSTS_MAX)
		return parse_invalid(p, node, "more than %d hosts", HOSTS_MAX);
	struct image_host *h = DOMAIN_ADD(image->hosts, image->n_hosts);
	if (parse_attr_word(p, node, "transport", transports, 0, &transport) < 0 ||
	    parse_number(p, node, "port", 65535, &h->port) < 0)
		return -1;
	h->transport = xstrdup(transports[transport]);
	h->name = xml_attr(node, "name");
	h->socket = xml_attr(node, "socket");
	if (transport == 1 && (h->socket == NULL || h->name != NULL))
		return parse_invalid(p, node, "transport='unix' needs a socket, and no name");
	if (transport != 1 && (h->name == NULL || h->name[0] == '\0' || !parse_text_ok(h->name)))
		return parse_invalid(p, node, "has no usable name");
	if (transport != 1 && h->socket != NULL)
		return parse_invalid(p, node, "socket is for transport='unix'");
	return parse_path_check(p, node, h->socket);
}

/* "+1000": names are of the host that the document came from. */
static int parse_id(struct parse *p, const xmlNode *node, const char *attr, long *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	uint64_t n;
	*out = -1;
	if (value == NULL)
		return 0;
	if (str_u64(value + (value[0] == '+'), UINT32_MAX, &n) < 0)
		return parse_refuse(p, node, "%s has to be a number, like '+1000'", attr);
	*out = (long)n;
	return 0;
}

static int parse_cookies(struct parse *p, const xmlNode *node, struct disk_image *image)
{
	struct buf text = BUF_INIT;
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *name = xml_attr(n, "name");
		CLEANUP_FREE char *value = xml_text(n);
		if (!xml_is(n, "cookie"))
			continue;
		/* RFC 6265: what would end the cookie, or the header that it stands in. */
		if (name == NULL || name[0] == '\0' || strpbrk(name, " \t\r\n=;,\"") != NULL ||
		    strpbrk(value, "\r\n;") != NULL) {
			buf_fini(&text);
			return parse_invalid(p, n, "has no usable name or value");
		}
		buf_addf(&text, "%s%s=%s", text.len > 0 ? "; " : "", name, value);
	}
	image->cookies = text.len > 0 ? buf_take(&text) : NULL;
	buf_fini(&text);
	return 0;
}

static int parse_network_more(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	enum domain_switch reconnect = SWITCH_ABSENT;
	unsigned readahead = 0;
	image->snapshot = xml_child_attr(source, "snapshot", "name");
	image->config = xml_child_attr(source, "config", "file");
	image->initiator = xml_child_attr(xml_child(source, "initiator"), "iqn", "name");
	if (parse_cookies(p, xml_child(source, "cookies"), image) < 0)
		return -1;
	if (parse_switch(p, source, "tls", &image->tls) < 0 ||
	    parse_switch(p, xml_child(source, "ssl"), "verify", &image->ssl_verify) < 0 ||
	    parse_switch(p, xml_child(source, "reconnect"), "enabled", &reconnect) < 0 ||
	    parse_number(p, xml_child(source, "reconnect"), "delay", 3600, &image->reconnect) < 0 ||
	    parse_number(p, xml_child(source, "timeout"), "seconds", 86400, &image->timeout) < 0 ||
	    parse_number(p, xml_child(source, "readahead"), "size", 1u << 30, &readahead) < 0)
		return -1;
	image->readahead = readahead;
	const xmlNode *identity = xml_child(source, "identity");
	if (str_eq(image->protocol, "nfs") &&
	    (parse_id(p, identity, "user", &image->nfs_user) < 0 ||
	        parse_id(p, identity, "group", &image->nfs_group) < 0))
		return -1;
	image->tls_hostname = xml_attr(source, "tlsHostname");
	if (image->tls == SWITCH_ON && strcmp(image->protocol, "nbd") != 0)
		return parse_refuse(p, source, "tls='yes' is for protocol='nbd' only");
	return parse_path_check(p, xml_child(source, "config"), image->config);
}

static int parse_network(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	static const char *const protocols[] = {"nbd", "rbd", "iscsi", "gluster", "http", "https",
	    "ftp", "ftps", "tftp", "ssh", "nfs", "sheepdog", "vxhs", NULL};
	if (source == NULL)
		return 0;
	image->protocol = xml_attr(source, "protocol");
	image->name = xml_attr(source, "name");
	image->query = xml_attr(source, "query");
	if (image->protocol == NULL)
		return parse_invalid(p, source, "has no protocol");
	if (parse_word(p, source, "protocol", image->protocol, protocols) < 0)
		return -1;
	if (image->name == NULL && strcmp(image->protocol, "nbd") != 0)
		return parse_invalid(p, source, "has no name");
	if (image->name != NULL && !parse_text_ok(image->name))
		return parse_invalid(p, source, "name has control characters");
	for (const xmlNode *n = xml_first(source); n != NULL; n = xml_next(n))
		if (xml_is(n, "host") && parse_host(p, n, image) < 0)
			return -1;
	bool hostless =
	    strcmp(image->protocol, "rbd") == 0 || strcmp(image->protocol, "sheepdog") == 0;
	if (image->n_hosts == 0 && !hostless)
		return parse_invalid(p, source, "has no <host>");
	bool many = strcmp(image->protocol, "rbd") == 0 || strcmp(image->protocol, "gluster") == 0;
	if (image->n_hosts > 1 && !many)
		return parse_invalid(p, source, "protocol='%s' takes one <host>", image->protocol);
	return parse_network_more(p, source, image);
}

/* --- the other types --- */
static int parse_volume(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	if (source == NULL)
		return 0;
	image->pool = xml_attr(source, "pool");
	image->volume = xml_attr(source, "volume");
	image->mode = xml_attr(source, "mode");
	if (image->pool == NULL || image->volume == NULL || image->pool[0] == '\0' ||
	    image->volume[0] == '\0')
		return parse_invalid(p, source, "has to have a pool and a volume");
	return 0;
}

static int parse_nvme(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	enum domain_switch managed = SWITCH_ABSENT;
	const xmlNode *address = xml_child(source, "address");
	if (address == NULL)
		return parse_invalid(p, source, "has no <address> of the host's device");
	struct domain_address *a = &image->pci;
	a->type = ADDRESS_PCI;
	if (parse_number(p, source, "namespace", UINT32_MAX, &image->namespace) < 0 ||
	    parse_switch(p, source, "managed", &managed) < 0 ||
	    parse_number(p, address, "domain", 0xffff, &a->domain) < 0 ||
	    parse_number(p, address, "bus", 0xff, &a->bus) < 0 ||
	    parse_number(p, address, "slot", 0x1f, &a->slot) < 0 ||
	    parse_number(p, address, "function", 7, &a->function) < 0)
		return -1;
	image->managed = managed == SWITCH_ON;
	if (image->namespace == 0)
		return parse_invalid(p, source, "namespace is a number from 1");
	return 0;
}

static int parse_vhost_user(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	enum domain_switch reconnect = SWITCH_ABSENT;
	const xmlNode *node = xml_child(source, "reconnect");
	CLEANUP_FREE char *type = xml_attr(source, "type");
	image->path = xml_attr(source, "path");
	if (!str_eq(type, "unix") || image->path == NULL)
		return parse_invalid(p, source, "has to be type='unix' with a path");
	if (parse_switch(p, node, "enabled", &reconnect) < 0 ||
	    parse_number(p, node, "timeout", 3600, &image->vhost_reconnect) < 0)
		return -1;
	return parse_path_check(p, source, image->path);
}

static int parse_reservations(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	const xmlNode *node = xml_child(source, "reservations");
	enum domain_switch managed = SWITCH_ABSENT;
	if (node == NULL)
		return 0;
	if (parse_switch(p, node, "managed", &managed) < 0)
		return -1;
	image->reservations = true;
	if (managed == SWITCH_OFF) {
		image->reservations_path = xml_child_attr(node, "source", "path");
		if (image->reservations_path == NULL)
			return parse_invalid(p, node, "managed='no' needs a <source path=…>");
	}
	return parse_path_check(p, node, image->reservations_path);
}

static int parse_where(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	static const char *const attrs[] = {
	    [IMAGE_FILE] = "file", [IMAGE_BLOCK] = "dev", [IMAGE_DIR] = "dir"};
	switch (image->type) {
	case IMAGE_FILE:
	case IMAGE_BLOCK:
	case IMAGE_DIR:
		image->path = xml_attr(source, attrs[image->type]);
		if (parse_path_check(p, source, image->path) < 0)
			return -1;
		return parse_reservations(p, source, image);
	case IMAGE_NETWORK:
		return parse_network(p, source, image);
	case IMAGE_VOLUME:
		return parse_volume(p, source, image);
	case IMAGE_NVME:
		return parse_nvme(p, source, image);
	case IMAGE_VHOST_USER:
		return parse_vhost_user(p, source, image);
	case IMAGE_TYPES:
		break;
	}
	return 0;
}

/* --- what any may have --- */
static int parse_slice(struct parse *p, const xmlNode *source, struct disk_image *image)
{
	const xmlNode *slice = xml_child(xml_child(source, "slices"), "slice");
	if (slice == NULL)
		return 0;
	CLEANUP_FREE char *offset = xml_attr(slice, "offset");
	CLEANUP_FREE char *size = xml_attr(slice, "size");
	if (offset == NULL || size == NULL ||
	    str_u64(offset, INT64_MAX, &image->slice_offset) < 0 ||
	    str_u64(size, INT64_MAX, &image->slice_size) < 0 || image->slice_size == 0)
		return parse_invalid(p, slice, "has to have an offset and a size in bytes, from 1");
	if (image->slice_size > INT64_MAX - image->slice_offset)
		return parse_invalid(p, slice, "ends past the largest image there can be");
	return 0;
}

static int parse_backing(struct parse *p, const xmlNode *owner, struct disk_image *image, int depth)
{
	const xmlNode *node = xml_child(owner, "backingStore");
	if (node == NULL)
		return 0;
	if (depth >= CHAIN_MAX)
		return parse_invalid(p, node, "more than %d layers", CHAIN_MAX);
	if (xml_first(node) == NULL) {
		image->backing_ends = true;
		return 0;
	}
	const xmlNode *format = xml_child(node, "format");
	CLEANUP_FREE char *word = xml_attr(format, "type");
	image->backing = xcalloc(1, sizeof *image->backing);
	if (word == NULL)
		return parse_invalid(p, node, "has no <format type=…>");
	if (format_parse(p, format, word, &image->backing->format) < 0 ||
	    metadata_cache_parse(p, format, &image->backing->metadata_cache) < 0)
		return -1;
	const xmlNode *source = xml_child(node, "source");
	if (source == NULL)
		return parse_invalid(p, node, "has no <source>");
	return parse_layer(p, node, source, image->backing, depth + 1);
}

static int parse_layer(struct parse *p, const xmlNode *owner, const xmlNode *source,
    struct disk_image *image, int depth)
{
	static const char *const types[] = {
	    "file", "block", "dir", "network", "volume", "nvme", "vhostuser", NULL};
	int type;
	image->line = node_line(source != NULL ? source : owner);
	if (parse_attr_word(p, owner, "type", types, IMAGE_FILE, &type) < 0)
		return -1;
	image->type = (enum image_type)type;
	if (source == NULL && (type == IMAGE_NVME || type == IMAGE_VHOST_USER))
		return parse_invalid(p, owner, "has no <source>");
	int rc = parse_where(p, source, image);
	if (rc == 0)
		rc = parse_auth(p, owner, image);
	if (rc == 0)
		rc = parse_auth(p, source, image);
	if (rc == 0)
		rc = parse_encryption(p, owner, image);
	if (rc == 0)
		rc = parse_encryption(p, source, image);
	if (rc != 0)
		return rc;
	CLEANUP_FREE char *fdgroup = xml_attr(source, "fdgroup");
	if (fdgroup != NULL)
		return parse_refuse(
		    p, source, "fdgroup is not supported: there is nobody to pass the descriptors");
	if (depth > 0 && image->type != IMAGE_NETWORK && !image_has_place(image))
		return parse_invalid(p, owner, "has no usable <source>");
	if (parse_number(p, depth > 0 ? owner : source, "index", 65535, &image->index) < 0 ||
	    parse_slice(p, source, image) < 0)
		return -1;
	return parse_backing(p, owner, image, depth);
}

int metadata_cache_parse(struct parse *p, const xmlNode *owner, uint64_t *out)
{
	const xmlNode *node = xml_child(xml_child(owner, "metadata_cache"), "max_size");
	struct err why = {0};
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(node);
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	if (units_bytes(text, unit, 1, INT64_MAX, out, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	if (*out == 0)
		return parse_invalid(p, node, "has to be more than 0");
	return 0;
}

int image_parse(struct parse *p, const xmlNode *disk, struct disk_image *image)
{
	return parse_layer(p, disk, xml_child(disk, "source"), image, 0);
}
