#include "disk/pool_def.h"

#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "disk/storage_xml.h"

#define HOSTS_MAX 64u
#define DEVICES_MAX 256u

enum { NEED_HOST = 1, NEED_DEVICE = 2, NEED_DIR = 4, NEED_NAME = 8, NEED_TARGET = 16, PATHS = 32 };
/* PATHS: its devices are paths. formats: the first one is what a document without one means. */
static const struct {
	const char *name;
	unsigned rules;
	const char *target;
	const char *formats[15];
} types[POOL_TYPES] = {
    [POOL_DIR] = {"dir", NEED_TARGET, NULL, {NULL}},
    [POOL_FS] = {"fs", NEED_DEVICE | NEED_TARGET | PATHS, NULL,
        {"auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+",
            "xfs", "ocfs2", "vmfs"}},
    [POOL_NETFS] = {"netfs", NEED_HOST | NEED_DIR | NEED_TARGET, NULL,
        {"auto", "nfs", "glusterfs", "cifs"}},
    [POOL_LOGICAL] = {"logical", PATHS, NULL, {"lvm2", "unknown"}},
    [POOL_DISK] = {"disk", NEED_DEVICE | PATHS, "/dev",
        {"unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2"}},
    [POOL_ISCSI] = {"iscsi", NEED_HOST | NEED_DEVICE | NEED_TARGET, NULL, {NULL}},
    [POOL_ISCSI_DIRECT] = {"iscsi-direct", NEED_HOST | NEED_DEVICE, NULL, {NULL}},
    [POOL_SCSI] = {"scsi", NEED_TARGET, NULL, {NULL}},
    [POOL_MPATH] = {"mpath", 0, "/dev/mapper", {NULL}},
    [POOL_RBD] = {"rbd", NEED_NAME, NULL, {NULL}},
    [POOL_SHEEPDOG] = {"sheepdog", NEED_NAME, NULL, {NULL}},
    [POOL_GLUSTER] = {"gluster", NEED_HOST | NEED_NAME, NULL, {NULL}},
    [POOL_ZFS] = {"zfs", NEED_NAME, NULL, {NULL}},
    [POOL_VSTORAGE] = {"vstorage", NEED_NAME, NULL, {NULL}},
};

const char *pool_type_name(enum pool_type t)
{
	return types[t].name;
}

int pool_type_find(const char *word)
{
	for (int i = 0; i < POOL_TYPES; i++)
		if (str_eq(types[i].name, word))
			return i;
	return -1;
}

void pool_def_fini(struct pool_def *def)
{
	char **strings[] = {&def->name, &def->dir, &def->source_name, &def->initiator, &def->format,
	    &def->vendor, &def->product, &def->protocol_version, &def->auth_type, &def->auth_user,
	    &def->secret_type, &def->secret_usage, &def->secret_uuid, &def->adapter, &def->target,
	    &def->extra};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(*strings[i]);
	for (size_t i = 0; i < def->n_hosts; i++)
		free(def->hosts[i].name);
	free(def->hosts);
	for (size_t i = 0; i < def->n_devices; i++)
		free(def->devices[i]);
	free(def->devices);
	storage_access_fini(&def->access);
	*def = (struct pool_def){.access = STORAGE_ACCESS_NONE};
}

/* --- reading --- */
static int read_host(const xmlNode *node, const char *file, struct pool_def *def, struct err *err)
{
	uint64_t port = 0;
	CLEANUP_FREE char *name = xml_attr(node, "name"), *text = xml_attr(node, "port");
	if (name == NULL)
		return xml_error(err, ERR_INVALID, file, node, "missing 'name'");
	if (text != NULL && str_u64(text, 65535, &port) < 0)
		return xml_error(err, ERR_INVALID, file, node, "'%s' is no port", text);
	if (def->n_hosts == HOSTS_MAX)
		return xml_error(err, ERR_INVALID, file, node, "more than %u hosts", HOSTS_MAX);
	def->hosts = xreallocarray(def->hosts, def->n_hosts + 1, sizeof *def->hosts);
	def->hosts[def->n_hosts++] = (struct pool_host){TAKE_PTR(name), (unsigned)port};
	return 0;
}

static int read_device(const xmlNode *node, const char *file, struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *path = xml_attr(node, "path");
	if (path == NULL || path[0] == '\0')
		return xml_error(err, ERR_INVALID, file, node, "missing 'path'");
	if ((types[def->type].rules & PATHS) && storage_path_clean(path) < 0)
		return xml_error(err, ERR_INVALID, file, node, "'%s' is no absolute path", path);
	if (def->n_devices == DEVICES_MAX)
		return xml_error(err, ERR_INVALID, file, node, "more than %u devices", DEVICES_MAX);
	def->devices = xreallocarray(def->devices, def->n_devices + 1, sizeof *def->devices);
	def->devices[def->n_devices++] = TAKE_PTR(path);
	return 0;
}

static void read_auth(const xmlNode *auth, struct pool_def *def)
{
	const xmlNode *secret = auth != NULL ? xml_child(auth, "secret") : NULL;
	if (auth == NULL)
		return;
	def->auth_type = xml_attr(auth, "type");
	def->auth_user = xml_attr(auth, "username");
	if (secret == NULL)
		return;
	def->secret_type = xml_attr(secret, "type");
	def->secret_usage = xml_attr(secret, "usage");
	def->secret_uuid = xml_attr(secret, "uuid");
}

static int read_source(
    const xmlNode *source, const char *file, struct pool_def *def, struct err *err)
{
	CLEANUP_BUF struct buf adapter = BUF_INIT;
	for (const xmlNode *n = xml_first(source); n != NULL; n = xml_next(n)) {
		if (xml_is(n, "host") && read_host(n, file, def, err) < 0)
			return -1;
		if (xml_is(n, "device") && read_device(n, file, def, err) < 0)
			return -1;
		if (xml_is(n, "adapter") && adapter.len == 0)
			storage_xml_copy(&adapter, 4, n);
	}
	if (adapter.len > 0)
		def->adapter = buf_take(&adapter);
	const xmlNode *initiator = xml_child(source, "initiator");
	def->initiator = initiator != NULL ? xml_child_attr(initiator, "iqn", "name") : NULL;
	def->dir = xml_child_attr(source, "dir", "path");
	def->source_name = xml_child_text(source, "name");
	def->format = xml_child_attr(source, "format", "type");
	def->vendor = xml_child_attr(source, "vendor", "name");
	def->product = xml_child_attr(source, "product", "name");
	def->protocol_version = xml_child_attr(source, "protocol", "ver");
	read_auth(xml_child(source, "auth"), def);
	return 0;
}

static int read_target(
    const xmlNode *target, const char *file, struct pool_def *def, struct err *err)
{
	def->target = xml_child_text(target, "path");
	if (def->target != NULL && storage_path_clean(def->target) < 0)
		return xml_error(err, ERR_INVALID, file, xml_child(target, "path"),
		    "'%s' is no absolute path", def->target);
	return storage_xml_read_access(target, file, &def->access, err);
}

/* What this program has no use for, or what is of a name space. */
static void read_rest(const xmlNode *root, struct pool_def *def)
{
	static const char *const known[] = {
	    "name", "uuid", "capacity", "allocation", "available", "source", "target"};
	CLEANUP_BUF struct buf extra = BUF_INIT;
	for (const xmlNode *n = xml_first(root); n != NULL; n = xml_next(n)) {
		bool is_known = false;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known = is_known || xml_is(n, known[i]);
		if (is_known)
			continue;
		/* A copy of its own brings its name space's declaration along. */
		xmlNode *copy = xmlDocCopyNode((xmlNode *)n, n->doc, 1);
		if (copy != NULL && n->ns != NULL)
			xmlReconciliateNs(n->doc, copy);
		if (copy != NULL)
			storage_xml_copy(&extra, 2, copy);
		xmlFreeNode(copy);
	}
	if (extra.len > 0)
		def->extra = buf_take(&extra);
}

static int read_head(const xmlNode *root, const char *file, struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *type = xml_attr(root, "type"), *uuid = xml_child_text(root, "uuid");
	int found = type != NULL ? pool_type_find(type) : -1;
	if (found < 0)
		return xml_error(err, ERR_INVALID, file, root,
		    type != NULL ? "'%s' is no type of pool" : "missing 'type'", type);
	def->type = (enum pool_type)found;
	def->name = xml_child_text(root, "name");
	if (uuid != NULL && uuid_parse(uuid, def->uuid) < 0)
		return xml_error(
		    err, ERR_INVALID, file, xml_child(root, "uuid"), "'%s' is no uuid", uuid);
	def->has_uuid = uuid != NULL;
	return 0;
}

/* What libvirt adds to a document that does not say it. */
static void complete(struct pool_def *def)
{
	if (def->name == NULL && def->source_name != NULL)
		def->name = xstrdup(def->source_name);
	if (def->type == POOL_LOGICAL && def->source_name == NULL)
		def->source_name = xstrdup0(def->name);
	if (def->target == NULL && def->type == POOL_LOGICAL && def->source_name != NULL)
		def->target = xasprintf("/dev/%s", def->source_name);
	if (def->target == NULL)
		def->target = xstrdup0(types[def->type].target);
	if (def->format == NULL)
		def->format = xstrdup0(types[def->type].formats[0]);
}

int pool_def_parse(
    const char *xml, size_t n, const char *file, struct pool_def *def, struct err *err)
{
	bool named = file != NULL;
	file = named ? file : "words";
	*def = (struct pool_def){.access = STORAGE_ACCESS_NONE};
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "pool", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	const xmlNode *source = xml_child(root, "source"), *target = xml_child(root, "target");
	int rc = read_head(root, file, def, err);
	if (rc == 0 && source != NULL)
		rc = read_source(source, file, def, err);
	if (rc == 0 && target != NULL)
		rc = read_target(target, file, def, err);
	if (rc == 0) {
		read_rest(root, def);
		complete(def);
		rc = pool_def_check(def, err);
		if (rc < 0 && named)
			err_wrap(err, "%s", file);
	}
	if (rc < 0)
		pool_def_fini(def);
	return rc;
}

/* --- checking --- */
/* What programs get as a word of their command line. */
static bool is_word(const char *s)
{
	return s[0] != '\0' && s[0] != '-' && strpbrk(s, "\n\r\t ,") == NULL;
}

static bool is_group_name(const char *s)
{
	static const char may[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
	return s[0] != '\0' && s[0] != '-' && !str_eq(s, ".") && !str_eq(s, "..") &&
	       s[strspn(s, may)] == '\0' && strlen(s) < 128;
}

static int check_format(const struct pool_def *def, struct err *err)
{
	const char *const *formats = types[def->type].formats;
	if (def->format == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types[0].formats) && formats[i] != NULL; i++)
		if (str_eq(formats[i], def->format))
			return 0;
	return err_set(err, ERR_INVALID, "XML error: unknown pool format type %s", def->format);
}

static int check_words(const struct pool_def *def, struct err *err)
{
	for (size_t i = 0; i < def->n_hosts; i++)
		if (!is_word(def->hosts[i].name))
			return err_set(err, ERR_INVALID, "'%s' is no host", def->hosts[i].name);
	if (def->type == POOL_LOGICAL && !is_group_name(def->source_name))
		return err_set(
		    err, ERR_INVALID, "'%s' is no name of a volume group", def->source_name);
	if (def->protocol_version != NULL && !is_word(def->protocol_version))
		return err_set(
		    err, ERR_INVALID, "'%s' is no version of a protocol", def->protocol_version);
	return check_format(def, err);
}

int pool_def_check(const struct pool_def *def, struct err *err)
{
	unsigned rules = types[def->type].rules;
	if (def->name == NULL)
		return err_set(err, ERR_INVALID, "XML error: missing pool source name element");
	if (name_check("pool", def->name, err) < 0)
		return -1;
	if ((rules & NEED_HOST) && def->n_hosts == 0)
		return err_set(
		    err, ERR_INVALID, "XML error: missing storage pool source host name");
	if ((rules & NEED_DEVICE) && def->n_devices == 0)
		return err_set(
		    err, ERR_INVALID, "XML error: missing storage pool source device name");
	if ((rules & NEED_DIR) && def->dir == NULL)
		return err_set(err, ERR_INVALID, "XML error: missing storage pool source path");
	if ((rules & NEED_NAME) && def->source_name == NULL)
		return err_set(err, ERR_INVALID,
		    "XML error: missing mandatory 'name' field for %s pool", types[def->type].name);
	if ((rules & NEED_TARGET) && def->target == NULL)
		return err_set(err, ERR_INVALID, "XML error: missing storage pool target path");
	return check_words(def, err);
}

const char *pool_def_conflict(const struct pool_def *a, const struct pool_def *b)
{
	bool folders = a->type <= POOL_NETFS && b->type <= POOL_NETFS;
	if (folders && str_eq(a->target, b->target))
		return a->target;
	if (a->type == POOL_LOGICAL && b->type == POOL_LOGICAL)
		return str_eq(a->source_name, b->source_name) ? a->source_name : NULL;
	bool devices = (types[a->type].rules & types[b->type].rules & PATHS) != 0;
	for (size_t i = 0; devices && i < a->n_devices; i++)
		for (size_t k = 0; k < b->n_devices; k++)
			if (str_eq(a->devices[i], b->devices[k]))
				return a->devices[i];
	return NULL;
}

/* --- writing --- */
static void format_auth(const struct pool_def *def, struct buf *out)
{
	if (def->auth_type == NULL)
		return;
	buf_adds(out, "    <auth");
	storage_xml_add_attr(out, "type", def->auth_type);
	storage_xml_add_attr(out, "username", def->auth_user);
	buf_adds(out, ">\n      <secret");
	storage_xml_add_attr(out, "type", def->secret_type);
	storage_xml_add_attr(out, "usage", def->secret_usage);
	storage_xml_add_attr(out, "uuid", def->secret_uuid);
	buf_adds(out, "/>\n    </auth>\n");
}

static void format_source(const struct pool_def *def, struct buf *out)
{
	for (size_t i = 0; i < def->n_hosts; i++) {
		buf_adds(out, "    <host");
		storage_xml_add_attr(out, "name", def->hosts[i].name);
		if (def->hosts[i].port != 0)
			buf_addf(out, " port='%u'", def->hosts[i].port);
		buf_adds(out, "/>\n");
	}
	for (size_t i = 0; i < def->n_devices; i++)
		storage_xml_attr(out, 4, "device", "path", def->devices[i]);
	storage_xml_attr(out, 4, "dir", "path", def->dir);
	buf_adds(out, def->adapter != NULL ? def->adapter : "");
	storage_xml_text(out, 4, "name", def->source_name);
	if (def->initiator != NULL) {
		buf_adds(out, "    <initiator>\n");
		storage_xml_attr(out, 6, "iqn", "name", def->initiator);
		buf_adds(out, "    </initiator>\n");
	}
	storage_xml_attr(out, 4, "format", "type", def->format);
	format_auth(def, out);
	storage_xml_attr(out, 4, "protocol", "ver", def->protocol_version);
	storage_xml_attr(out, 4, "vendor", "name", def->vendor);
	storage_xml_attr(out, 4, "product", "name", def->product);
}

void pool_def_format(const struct pool_def *def, const uint64_t figures[3], struct buf *out)
{
	static const char *const names[] = {"capacity", "allocation", "available"};
	CLEANUP_BUF struct buf source = BUF_INIT;
	buf_addf(out, "<pool type='%s'>\n", types[def->type].name);
	storage_xml_text(out, 2, "name", def->name);
	if (def->has_uuid) {
		char uuid[UUID_STR_LEN];
		uuid_unparse_lower(def->uuid, uuid);
		storage_xml_text(out, 2, "uuid", uuid);
	}
	for (size_t i = 0; figures != NULL && i < ARRAY_LEN(names); i++)
		storage_xml_bytes(out, 2, names[i], figures[i]);
	format_source(def, &source);
	/* Before it has a uuid it is what pool-define-as --print-xml shows: no empty elements. */
	if (source.len > 0 || def->has_uuid)
		buf_addf(out, "  <source>\n%s  </source>\n", source.len > 0 ? source.data : "");
	if (def->target != NULL) {
		buf_adds(out, "  <target>\n");
		storage_xml_text(out, 4, "path", def->target);
		storage_xml_access(out, 4, &def->access);
		buf_adds(out, "  </target>\n");
	}
	buf_adds(out, def->extra != NULL ? def->extra : "");
	buf_adds(out, "</pool>\n");
}
