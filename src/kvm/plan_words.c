#include "kvm/plan_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/option.h"

/* --- values --- */
enum type {
	TYPE_BOOL,
	TYPE_INT,  /* decimal or 0x… */
	TYPE_SIZE, /* with k for KiB */
	TYPE_LIST, /* "0-2", given again and again: numbers */
	TYPE_STRS, /* given again and again: {"str": …} */
};

/* What is no string; driver NULL: of any. Of two the first counts. */
struct typed {
	const char *driver, *key;
	enum type type;
};

static const struct typed blockdevs[] = {
    {NULL, "read-only", TYPE_BOOL},
    {NULL, "auto-read-only", TYPE_BOOL},
    {NULL, "cache.direct", TYPE_BOOL},
    {NULL, "cache.no-flush", TYPE_BOOL},
    {NULL, "floppy", TYPE_BOOL},
    {NULL, "rw", TYPE_BOOL},
    {NULL, "sslverify", TYPE_BOOL},
    {NULL, "discard-no-unref", TYPE_BOOL},
    {NULL, "offset", TYPE_INT},
    {NULL, "size", TYPE_INT},
    {NULL, "cache-size", TYPE_INT},
    {NULL, "lun", TYPE_INT},
    {NULL, "readahead", TYPE_INT},
    {NULL, "timeout", TYPE_INT},
    {NULL, "reconnect-delay", TYPE_INT},
    {"nfs", "user", TYPE_INT},
    {"nfs", "group", TYPE_INT},
    {"nvme", "namespace", TYPE_INT},
    {NULL, NULL, 0},
};

static const struct typed objects[] = {
    {NULL, "size", TYPE_SIZE},
    {NULL, "hugetlbsize", TYPE_SIZE},
    {NULL, "align", TYPE_SIZE},
    {NULL, "host-nodes", TYPE_LIST},
    {NULL, "prealloc-threads", TYPE_INT},
    {NULL, "thread-pool-min", TYPE_INT},
    {NULL, "thread-pool-max", TYPE_INT},
    {NULL, "queues", TYPE_INT},
    {NULL, "share", TYPE_BOOL},
    {NULL, "prealloc", TYPE_BOOL},
    {NULL, "hugetlb", TYPE_BOOL},
    {NULL, "discard-data", TYPE_BOOL},
    {NULL, "reserve", TYPE_BOOL},
    {NULL, "pmem", TYPE_BOOL},
    {NULL, "readonly", TYPE_BOOL},
    {NULL, "repeat", TYPE_BOOL},
    {NULL, "grab_all", TYPE_BOOL},
    {NULL, "verify-peer", TYPE_BOOL},
    {NULL, NULL, 0},
};

static const struct typed netdevs[] = {
    {NULL, "queues", TYPE_INT},
    {NULL, "ipv6-prefixlen", TYPE_INT},
    {NULL, "vhost", TYPE_BOOL},
    {NULL, "server", TYPE_BOOL},
    {NULL, "hostfwd", TYPE_STRS},
    {NULL, "guestfwd", TYPE_STRS},
    {NULL, NULL, 0},
};

/* Properties whose type is a number or a truth value; on and off of others (rombar, write-cache, display, disable-legacy) are
 * words, because they know "auto", too. */
static const struct typed devices[] = {
    {"pc-dimm", "addr", TYPE_INT},
    {"nvdimm", "addr", TYPE_INT},
    {"pcie-root-port", "port", TYPE_INT},
    {"xio3130-downstream", "port", TYPE_INT},
    {NULL, "acpi-index", TYPE_INT},
    {NULL, "bootindex", TYPE_INT},
    {NULL, "unit", TYPE_INT},
    {NULL, "nr", TYPE_INT},
    {NULL, "slot", TYPE_INT},
    {NULL, "node", TYPE_INT},
    {NULL, "channel", TYPE_INT},
    {NULL, "scsi-id", TYPE_INT},
    {NULL, "lun", TYPE_INT},
    {NULL, "nsid", TYPE_INT},
    {NULL, "index", TYPE_INT},
    {NULL, "iobase", TYPE_INT},
    {NULL, "irq", TYPE_INT},
    {NULL, "chassis", TYPE_INT},
    {NULL, "chassis_nr", TYPE_INT},
    {NULL, "bus_nr", TYPE_INT},
    {NULL, "numa_node", TYPE_INT},
    {NULL, "p2", TYPE_INT},
    {NULL, "p3", TYPE_INT},
    {NULL, "firstport", TYPE_INT},
    {NULL, "vectors", TYPE_INT},
    {NULL, "max_ports", TYPE_INT},
    {NULL, "num-queues", TYPE_INT},
    {NULL, "num_queues", TYPE_INT},
    {NULL, "queue-size", TYPE_INT},
    {NULL, "cmd_per_lun", TYPE_INT},
    {NULL, "max_sectors", TYPE_INT},
    {NULL, "rx_queue_size", TYPE_INT},
    {NULL, "tx_queue_size", TYPE_INT},
    {NULL, "host_mtu", TYPE_INT},
    {NULL, "logical_block_size", TYPE_INT},
    {NULL, "physical_block_size", TYPE_INT},
    {NULL, "discard_granularity", TYPE_INT},
    {NULL, "rotation_rate", TYPE_INT},
    {NULL, "cyls", TYPE_INT},
    {NULL, "heads", TYPE_INT},
    {NULL, "secs", TYPE_INT},
    {NULL, "wwn", TYPE_INT},
    {NULL, "guest-cid", TYPE_INT},
    {NULL, "max-bytes", TYPE_INT},
    {NULL, "period", TYPE_INT},
    {NULL, "vendorid", TYPE_INT},
    {NULL, "productid", TYPE_INT},
    {NULL, "hostbus", TYPE_INT},
    {NULL, "hostaddr", TYPE_INT},
    {NULL, "cad", TYPE_INT},
    {NULL, "size", TYPE_SIZE},
    {NULL, "requested-size", TYPE_SIZE},
    {NULL, "block-size", TYPE_SIZE},
    {NULL, "label-size", TYPE_SIZE},
    {NULL, "multifunction", TYPE_BOOL},
    {NULL, "hotplug", TYPE_BOOL},
    {NULL, "iommu_platform", TYPE_BOOL},
    {NULL, "ats", TYPE_BOOL},
    {NULL, "packed", TYPE_BOOL},
    {NULL, "page-per-vq", TYPE_BOOL},
    {NULL, "ioeventfd", TYPE_BOOL},
    {NULL, "event_idx", TYPE_BOOL},
    {NULL, "scsi", TYPE_BOOL},
    {NULL, "disable-modern", TYPE_BOOL},
    {NULL, "share-rw", TYPE_BOOL},
    {NULL, "removable", TYPE_BOOL},
    {NULL, "mq", TYPE_BOOL},
    {NULL, "failover", TYPE_BOOL},
    {NULL, "csum", TYPE_BOOL},
    {NULL, "gso", TYPE_BOOL},
    {NULL, "host_tso4", TYPE_BOOL},
    {NULL, "host_tso6", TYPE_BOOL},
    {NULL, "host_ecn", TYPE_BOOL},
    {NULL, "host_ufo", TYPE_BOOL},
    {NULL, "mrg_rxbuf", TYPE_BOOL},
    {NULL, "guest_csum", TYPE_BOOL},
    {NULL, "guest_tso4", TYPE_BOOL},
    {NULL, "guest_tso6", TYPE_BOOL},
    {NULL, "guest_ecn", TYPE_BOOL},
    {NULL, "guest_ufo", TYPE_BOOL},
    {NULL, "rss", TYPE_BOOL},
    {NULL, "hash", TYPE_BOOL},
    {NULL, "guest-reset", TYPE_BOOL},
    {NULL, "guest-resets-all", TYPE_BOOL},
    {NULL, "ramfb", TYPE_BOOL},
    {NULL, "unarmed", TYPE_BOOL},
    {NULL, "prealloc", TYPE_BOOL},
    {NULL, "multi", TYPE_BOOL},
    {NULL, NULL, 0},
};

static const struct typed *find_type(const struct typed *t, const char *driver, const char *key)
{
	for (; t->key != NULL; t++)
		if (strcmp(t->key, key) == 0 && (t->driver == NULL || str_eq(t->driver, driver)))
			return t;
	return NULL;
}

/* Above what a signed number holds (a WWN) there is json-c's unsigned one. */
static struct json_object *number(uint64_t n)
{
	return n > INT64_MAX ? json_object_new_uint64(n) : json_object_new_int64((int64_t)n);
}

static struct json_object *size_value(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	return number(*end == 'k' || *end == 'K' ? n * 1024 : n);
}

static void add_numbers(struct json_object *list, const char *text)
{
	char *end;
	uint64_t from = strtoull(text, &end, 10),
	         to = *end == '-' ? strtoull(end + 1, NULL, 10) : from;
	for (; from <= to && json_object_array_length(list) < 4096; from++)
		json_object_array_add(list, number(from));
}

static void add_str(struct json_object *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_object_add(o, key, json_object_new_string(value));
}

/* The list under this key, made when it is not there yet. */
static struct json_object *need_list(struct json_object *o, const char *key)
{
	struct json_object *list = json_get_arr(o, key);
	if (list == NULL) {
		list = json_object_new_array();
		json_object_object_add(o, key, list);
	}
	return list;
}

static void put_value(
    struct json_object *o, const char *key, const char *value, const struct typed *t)
{
	if (t == NULL) {
		add_str(o, key, value);
		return;
	}
	switch (t->type) {
	case TYPE_BOOL:
		json_object_object_add(o, key, json_object_new_boolean(str_eq(value, "on")));
		return;
	case TYPE_INT:
		json_object_object_add(
		    o, key, number(strtoull(value, NULL, str_prefix(value, "0x") ? 16 : 10)));
		return;
	case TYPE_SIZE:
		json_object_object_add(o, key, size_value(value));
		return;
	case TYPE_LIST:
		add_numbers(need_list(o, key), value);
		return;
	case TYPE_STRS: {
		struct json_object *one = json_object_new_object();
		add_str(one, "str", value);
		json_object_array_add(need_list(o, key), one);
		return;
	}
	}
}

/* --- nesting --- */
/* "server.0.host": the object for "server.0", and *last "host". */
static struct json_object *walk(struct json_object *o, char *path, const char **last)
{
	for (char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		*dot = '\0';
		struct json_object *next = json_get_obj(o, path);
		if (next == NULL) {
			next = json_object_new_object();
			json_object_object_add(o, path, next);
		}
		o = next;
	}
	*last = path;
	return o;
}

static struct json_object *with_arrays(struct json_object *o);

/* {"0": a, "1": b} → [a, b]; NULL: it is no list. */
static struct json_object *as_list(struct json_object *o)
{
	struct json_object *list = json_object_new_array(), *member;
	char key[16];
	for (int i = 0;
	     snprintf(key, sizeof key, "%d", i) > 0 && json_object_object_get_ex(o, key, &member);
	     i++)
		json_object_array_add(list, with_arrays(member));
	size_t n = json_object_array_length(list);
	if (n > 0 && n == (size_t)json_object_object_length(o))
		return list;
	json_object_put(list);
	return NULL;
}

static struct json_object *with_arrays(struct json_object *o)
{
	if (!json_object_is_type(o, json_type_object))
		return json_object_get(o);
	struct json_object *list = as_list(o);
	if (list != NULL)
		return list;
	struct json_object *out = json_object_new_object();
	json_object_object_foreach(o, key, value)
	    json_object_object_add(out, key, with_arrays(value));
	return out;
}

/* first: the member that a first word without "=" is the value of. */
static struct json_object *convert(
    const char *value, const char *first, const struct typed *types, struct err *err)
{
	struct option o;
	if (value[0] == '{') {
		struct json_object *made = json_tokener_parse(value);
		if (made == NULL)
			err_set(err, ERR_INVALID, "'%s' is no JSON", value);
		return made;
	}
	if (!option_parse(value, &o)) {
		err_set(err, ERR_INVALID, "'%s' cannot be taken apart", value);
		return NULL;
	}
	struct json_object *flat = json_object_new_object();
	const char *driver =
	    o.n > 0 && o.pair[0].key == NULL ? o.pair[0].value : option_get(&o, "driver");
	for (size_t i = 0; i < o.n; i++) {
		const char *key = o.pair[i].key != NULL ? o.pair[i].key : first, *last;
		CLEANUP_FREE char *path = xstrdup(key);
		struct json_object *in = walk(flat, path, &last);
		put_value(in, last, o.pair[i].value, find_type(types, driver, key));
	}
	struct json_object *made = with_arrays(flat);
	json_object_put(flat);
	option_fini(&o);
	return made;
}

static struct json_object *blockdev(const char *value, struct err *err)
{
	return convert(value, "driver", blockdevs, err);
}

static struct json_object *object(const char *value, struct err *err)
{
	return convert(value, "qom-type", objects, err);
}

static struct json_object *netdev(const char *value, struct err *err)
{
	return convert(value, "type", netdevs, err);
}

static struct json_object *device(const char *value, struct err *err)
{
	return convert(value, "driver", devices, err);
}

/* --- character devices: their own shape --- */
static void add_bool(struct json_object *o, const char *key, bool on)
{
	json_object_object_add(o, key, json_object_new_boolean(on));
}

static struct json_object *address(const char *type, struct json_object *data)
{
	struct json_object *o = json_object_new_object();
	add_str(o, "type", type);
	json_object_object_add(o, "data", data);
	return o;
}

static struct json_object *inet(const char *host, const char *port)
{
	struct json_object *o = json_object_new_object();
	add_str(o, "host", host != NULL ? host : "");
	add_str(o, "port", port != NULL ? port : "0");
	return address("inet", o);
}

static void chardev_socket(const struct option *o, struct json_object *data)
{
	const char *path = option_get(o, "path"), *fd = option_get(o, "fd");
	const char *reconnect = option_get(o, "reconnect");
	struct json_object *where = json_object_new_object();
	bool server = option_is(o, "server", "on");
	if (fd != NULL) {
		add_str(where, "str", fd);
		where = address("fd", where);
	} else if (path != NULL) {
		add_str(where, "path", path);
		where = address("unix", where);
	} else {
		json_object_put(where);
		where = inet(option_get(o, "host"), option_get(o, "port"));
	}
	json_object_object_add(data, "addr", where);
	add_bool(data, "server", server); /* QMP's default is true */
	if (server)
		add_bool(data, "wait", !option_is(o, "wait", "off"));
	if (option_is(o, "telnet", "on"))
		add_bool(data, "telnet", true);
	if (reconnect != NULL)
		json_object_object_add(data, "reconnect", number(strtoull(reconnect, NULL, 10)));
	add_str(data, "tls-creds", option_get(o, "tls-creds"));
}

static void chardev_file(const struct option *o, struct json_object *data)
{
	add_str(data, "out", option_get(o, "path"));
	if (option_get(o, "append") != NULL)
		add_bool(data, "append", option_is(o, "append", "on"));
}

static void chardev_device(const struct option *o, struct json_object *data)
{
	add_str(data, "device", option_get(o, "path"));
}

static void chardev_udp(const struct option *o, struct json_object *data)
{
	json_object_object_add(data, "remote", inet(option_get(o, "host"), option_get(o, "port")));
	if (option_get(o, "localaddr") != NULL || option_get(o, "localport") != NULL)
		json_object_object_add(
		    data, "local", inet(option_get(o, "localaddr"), option_get(o, "localport")));
}

static void chardev_plain(const struct option *o, struct json_object *data)
{
	(void)o;
	(void)data;
}

static void chardev_vmc(const struct option *o, struct json_object *data)
{
	add_str(data, "type", option_get(o, "name"));
}

static void chardev_port(const struct option *o, struct json_object *data)
{
	add_str(data, "fqdn", option_get(o, "name"));
}

static void chardev_dbus(const struct option *o, struct json_object *data)
{
	add_str(data, "name", option_get(o, "name"));
}

static void chardev_vdagent(const struct option *o, struct json_object *data)
{
	static const char *const keys[] = {"clipboard", "mouse"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (option_get(o, keys[i]) != NULL)
			add_bool(data, keys[i], option_is(o, keys[i], "on"));
}

static const struct {
	const char *kind;
	void (*add)(const struct option *o, struct json_object *data);
} chardevs[] = {{"socket", chardev_socket}, {"file", chardev_file}, {"pipe", chardev_device},
    {"serial", chardev_device}, {"parallel", chardev_device}, {"udp", chardev_udp},
    {"pty", chardev_plain}, {"null", chardev_plain}, {"stdio", chardev_plain},
    {"vc", chardev_plain}, {"spicevmc", chardev_vmc}, {"spiceport", chardev_port},
    {"dbus", chardev_dbus}, {"qemu-vdagent", chardev_vdagent}};

static struct json_object *chardev_args(const struct option *o, size_t kind)
{
	struct json_object *args = json_object_new_object(), *data = json_object_new_object();
	chardevs[kind].add(o, data);
	add_str(data, "logfile", option_get(o, "logfile"));
	if (option_get(o, "logappend") != NULL)
		add_bool(data, "logappend", option_is(o, "logappend", "on"));
	add_str(args, "id", option_get(o, "id"));
	json_object_object_add(args, "backend", address(chardevs[kind].kind, data));
	return args;
}

static struct json_object *chardev(const char *value, struct err *err)
{
	struct option o;
	struct json_object *args = NULL;
	if (!option_parse(value, &o)) {
		err_set(err, ERR_INVALID, "'%s' cannot be taken apart", value);
		return NULL;
	}
	const char *kind = o.n > 0 && o.pair[0].key == NULL ? o.pair[0].value : "";
	for (size_t i = 0; args == NULL && i < ARRAY_LEN(chardevs); i++)
		if (strcmp(chardevs[i].kind, kind) == 0)
			args = chardev_args(&o, i);
	if (args == NULL)
		err_set(err, ERR_UNSUPPORTED,
		    "a back end '%s' cannot be made while the machine runs", kind);
	option_fini(&o);
	return args;
}

/* --- the drive of a SCSI device of the host: a node of the drive's name --- */
static struct json_object *drive(const char *value, struct err *err)
{
	struct option o;
	struct json_object *args = NULL;
	bool parsed = option_parse(value, &o);
	const char *file = parsed ? option_get(&o, "file") : NULL;
	if (file != NULL && file[0] == '/' && option_is(&o, "if", "none")) {
		args = json_object_new_object();
		add_str(args, "driver", "host_device");
		add_str(args, "node-name", option_get(&o, "id"));
		add_str(args, "filename", file);
		if (option_is(&o, "readonly", "on"))
			add_bool(args, "read-only", true);
	} else {
		err_set(err, ERR_UNSUPPORTED,
		    "a SCSI device at '%s' can be attached only while the machine is off",
		    file != NULL ? file : value);
	}
	if (parsed)
		option_fini(&o);
	return args;
}

const struct word_kind *word_kind(const char *option)
{
	static const struct word_kind kinds[] = {
	    {"-blockdev", "blockdev-add", "node-name", "blockdev-del", "node-name", blockdev},
	    {"-drive", "blockdev-add", "node-name", "blockdev-del", "node-name", drive},
	    {"-object", "object-add", "id", "object-del", "id", object},
	    {"-chardev", "chardev-add", "id", "chardev-remove", "id", chardev},
	    {"-netdev", "netdev_add", "id", "netdev_del", "id", netdev},
	    {"-device", "device_add", "id", "device_del", "id", device},
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].option, option) == 0)
			return &kinds[i];
	return NULL;
}
