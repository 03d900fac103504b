#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/file.h"
#include "kvm/argv.h"
#include "kvm/caps.h"
#include "unit/plan_golden.h"

/* What a machine is like: a disk vda with one image, and perhaps a second one. */
struct machine {
	bool paused, raw, two, uefi, filtered, hostdev, transient;
	bool merged;         /* its disk lies on what was below an overlay, which QEMU has opened */
	const char *inside;  /* QEMU's list of what vda's image holds */
	const char *blocked; /* why QEMU cannot migrate */
	const char *list;    /* of the documents' */
	const char *there;   /* a file that is in the way */
	uint64_t free;       /* bytes; 0 plenty */
	const char *other;   /* another device in the live document */
};

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	int rc = file_read(path, 1u << 20, &json, &err);
	free(path);
	if (rc == 0)
		rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	return rc;
}

static int free_caps(void **state)
{
	(void)state;
	caps_fini(&caps);
	return 0;
}

static struct json_object *parse(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	for (char *at = text; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	struct json_object *o = json_tokener_parse(text);
	if (o == NULL)
		fail_msg("no JSON: %s", text);
	free(text);
	return o;
}

static void domain(const struct machine *m, struct domain *d)
{
	struct err err = {0};
	char *xml = xasprintf(
	    "<domain type='qemu'><name>web1</name><memory unit='MiB'>192</memory><os><type arch='x86_64' "
	    "machine='q35'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='%s'/><source "
	    "file='/images/web1.%s'/><target dev='vda' bus='virtio'/></disk>%s%s<disk type='file' device='cdrom'><target dev='sda' "
	    "bus='sata'/><readonly/></disk></devices></domain>",
	    m->raw ? "raw" : "qcow2", m->raw ? "img" : "qcow2",
	    m->two ? "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source "
	             "file='/images/data.qcow2'/><target dev='vdb' bus='virtio'/></disk>"
	           : "",
	    m->other != NULL ? m->other : "");
	if (domain_parse(xml, strlen(xml), "web1", 0, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	free(xml);
}

static void add_node(struct json_object *list, const char *target, const char *node,
    const char *driver, const char *file, const char *inside)
{
	json_object_array_add(list,
	    parse(
	        "{'node-name': '%s', 'drv': '%s', 'backing_file_depth': 0, 'image': {'virtual-size': 1048576, "
	        "'snapshots': [%s]}}",
	        node, driver, inside != NULL ? inside : ""));
	json_object_array_add(
	    list, parse("{'node-name': '%s-file', 'drv': 'file', 'file': '%s'}", target, file));
}

static struct json_object *nodes(const struct machine *m)
{
	struct json_object *list = json_object_new_array();
	add_node(list, "vda", m->merged ? "#block160" : "vda-format", m->raw ? "raw" : "qcow2",
	    m->raw ? "/images/web1.img" : "/images/web1.qcow2", m->inside);
	if (m->two)
		add_node(list, "vdb", "vdb-format", "qcow2", "/images/data.qcow2", m->inside);
	if (m->filtered)
		json_object_array_add(
		    list, parse("{'node-name': 'vda-throttle', 'drv': 'throttle'}"));
	return list;
}

static struct json_object *stats(const struct machine *m, const struct domain *d)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < (m->two ? 2 : 1); i++) {
		char id[ARGV_ID_MAX];
		argv_disk_id(d, i, id);
		const char *target = d->disks[i].target;
		struct json_object *o =
		    parse("{'node-name': '%s%s', 'parent': {'node-name': '%s-file'}}",
		        m->merged && i == 0 ? "#block160" : target,
		        m->merged && i == 0 ? "" : "-format", target);
		if (m->filtered && i == 0) {
			struct json_object *top = parse("{'node-name': 'vda-throttle'}");
			json_object_object_add(top, "backing", o);
			o = top;
		}
		char *qdev = xasprintf("/machine/peripheral/%s/virtio-backend", id);
		json_object_object_add(o, "qdev", json_object_new_string(qdev));
		free(qdev);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *chains(const struct machine *m)
{
	return parse("{'vda': {'links': [{'path': '/images/web1.%s', 'format': '%s'}]}%s}",
	    m->raw ? "img" : "qcow2", m->raw ? "raw" : "qcow2",
	    m->two ? ", 'vdb': {'links': [{'path': '/images/data.qcow2', 'format': 'qcow2'}]}"
	           : "");
}

static struct json_object *host(const struct machine *m)
{
	unsigned long long free_bytes = m->free != 0 ? m->free : 1ull << 40;
	struct json_object *o = parse(
	    "{'rss_kib': 100000, 'free': {'/images/web1.qcow2': %llu, '/save/web1.save': %llu}, 'there': {%s}}",
	    free_bytes, free_bytes, m->there != NULL ? m->there : "");
	if (m->uefi) {
		json_object_object_add(o, "nvram", json_object_new_string("/nvram/web1.fd"));
		json_object_object_add(o, "nvram_format", json_object_new_string("raw"));
		json_object_object_add(
		    o, "nvram_copy", json_object_new_string("/snapshots/web1/snap1.nvram"));
	}
	return o;
}

static void build(struct buf *out, const char *title, const struct machine *m, const char *verb,
    const char *request)
{
	struct domain live = {0}, config = {0};
	domain(m, &live);
	domain(m, &config);
	struct json_object *facts = json_object_new_object();
	json_object_object_add(facts, "chains", chains(m));
	json_object_object_add(facts, "query-blockstats", stats(m, &live));
	json_object_object_add(facts, "query-named-block-nodes", nodes(m));
	json_object_object_add(
	    facts, "query-status", parse("{'running': %s}", m->paused ? "false" : "true"));
	json_object_object_add(facts, "query-block-jobs", parse("[]"));
	json_object_object_add(facts, "query-migrate",
	    parse("{%s%s%s}", m->blocked != NULL ? "'blocked-reasons': ['" : "",
	        m->blocked != NULL ? m->blocked : "", m->blocked != NULL ? "']" : ""));
	json_object_object_add(
	    facts, "snapshots", parse("{'list': [%s]}", m->list != NULL ? m->list : ""));
	json_object_object_add(facts, "host", host(m));
	struct plan_in in = {.name = "web1",
	    .id = 7,
	    .facts = facts,
	    .live = &live,
	    .config = m->transient ? NULL : &config,
	    .caps = &caps,
	    .now_ns = 1795305968000000000ull,
	    .where = PLAN_LIVE};
	struct json_object *args = parse("%s", request);
	plan_golden_build(out, title, verb, &in, json_object_to_json_string_ext(args, 0));
	json_object_put(args);
	json_object_put(facts);
	domain_fini(&live);
	domain_fini(&config);
}

static void check(const char *file, struct buf *out)
{
	char *path = golden_path(file);
	golden_check(path, out->data);
	free(path);
	buf_fini(out);
}

#define SNAP(more) "{'xml': '<domainsnapshot><name>snap1</name></domainsnapshot>'" more "}"
#define MEM "<memory file=\\\"/save/web1.save\\\"/>"
#define WITH(xml, more) \
	"{'xml': '<domainsnapshot><name>snap1</name>" xml "</domainsnapshot>'" more "}"

static void test_internal(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct machine m = {0}, two = {.two = true}, paused = {.paused = true},
	                     uefi = {.uefi = true}, filtered = {.filtered = true},
	                     merged = {.merged = true}, raw = {.raw = true},
	                     full = {.free = 1 << 20}, blocked = {.blocked = "vhost-user backend"},
	                     taken = {.list = "{'name': 'snap1'}"},
	                     inside = {.inside = "{'name': 'snap1', 'vm-state-size': 0}"},
	                     device = {
	                         .other = "<hostdev mode='subsystem' type='usb'><source><vendor "
	                                  "id='0x1234'/><product id='0x5678'/></source></hostdev>"};
	build(&out, "one disk", &m, "snapshot-create", SNAP(""));
	build(&out, "two disks, and a guest that stands still", &two, "snapshot-create", SNAP(""));
	build(&out, "of a paused guest", &paused, "snapshot-create", SNAP(", 'no_metadata': true"));
	build(&out, "with UEFI", &uefi, "snapshot-create", SNAP(""));
	build(&out, "with UEFI, and no document", &uefi, "snapshot-create",
	    SNAP(", 'no_metadata': true"));
	build(&out, "ended afterwards", &m, "snapshot-create", SNAP(", 'halt': true"));
	build(&out, "below a limit", &filtered, "snapshot-create", SNAP(", 'no_metadata': true"));
	build(&out, "on what lay below an overlay", &merged, "snapshot-create",
	    SNAP(", 'no_metadata': true"));
	build(&out, "a raw image", &raw, "snapshot-create", SNAP(""));
	build(&out, "no room", &full, "snapshot-create", SNAP(""));
	build(&out, "QEMU cannot", &blocked, "snapshot-create", SNAP(""));
	build(&out, "a device of the host's", &device, "snapshot-create", SNAP(""));
	build(&out, "the name is taken", &taken, "snapshot-create", SNAP(""));
	build(&out, "… inside of the image", &inside, "snapshot-create", SNAP(""));
	build(&out, "a disk left out", &two, "snapshot-create",
	    WITH("<disks><disk name=\\\"vdb\\\" snapshot=\\\"no\\\"/></disks>", ""));
	build(&out, "a disk that is not there", &m, "snapshot-create",
	    WITH("<disks><disk name=\\\"vdz\\\"/></disks>", ""));
	build(&out, "quiesced", &m, "snapshot-create", SNAP(", 'quiesce': true"));
	check("plan/snapshot-internal.txt", &out);
}

static void test_external(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct machine m = {0}, two = {.two = true}, raw = {.raw = true},
	                     there = {.there = "'/images/web1.snap1': true"},
	                     filtered = {.filtered = true};
	build(&out, "disks alone", &two, "snapshot-create",
	    SNAP(", 'disk_only': true, 'quiesce': true"));
	build(&out, "of a raw image", &raw, "snapshot-create",
	    SNAP(", 'disk_only': true, 'no_metadata': true"));
	build(&out, "below a limit", &filtered, "snapshot-create",
	    SNAP(", 'disk_only': true, 'no_metadata': true"));
	build(&out, "memory in a file", &m, "snapshot-create", WITH(MEM, ", 'no_metadata': true"));
	build(&out, "… while the guest runs", &m, "snapshot-create",
	    WITH(MEM, ", 'no_metadata': true, 'live': true"));
	build(&out, "an overlay that is there", &there, "snapshot-create",
	    SNAP(", 'disk_only': true"));
	build(&out, "… and used", &there, "snapshot-create",
	    SNAP(", 'disk_only': true, 'reuse_external': true, 'no_metadata': true"));
	build(&out, "… but it is not there", &m, "snapshot-create",
	    SNAP(", 'disk_only': true, 'reuse_external': true"));
	build(&out, "two disks into one file", &two, "snapshot-create",
	    WITH(
	        "<disks><disk name=\\\"vda\\\" snapshot=\\\"external\\\"><source file=\\\"/x\\\"/></disk><disk "
	        "name=\\\"vdb\\\" snapshot=\\\"external\\\"><source file=\\\"/x\\\"/></disk></disks>",
	        ", 'disk_only': true"));
	build(&out, "both kinds", &two, "snapshot-create",
	    WITH("<disks><disk name=\\\"vda\\\" snapshot=\\\"internal\\\"/></disks>",
	        ", 'disk_only': true"));
	build(&out, "a disk without a word of the memory", &m, "snapshot-create",
	    WITH("<disks><disk name=\\\"vda\\\" snapshot=\\\"external\\\"/></disks>", ""));
	check("plan/snapshot-external.txt", &out);
}

#define DOMAIN(machine_, disk_)                                                                      \
	"<domain type=\\\"qemu\\\"><name>web1</name><memory unit=\\\"MiB\\\">192</memory><os><type " \
	"arch=\\\"x86_64\\\" machine=\\\"" machine_                                                  \
	"\\\">hvm</type></os><devices><disk type=\\\"file\\\" device=\\\"disk\\\"><driver "          \
	"name=\\\"qemu\\\" type=\\\"qcow2\\\"/><source file=\\\"" disk_                              \
	"\\\"/><target dev=\\\"vda\\\" bus=\\\"virtio\\\"/></disk><disk type=\\\"file\\\" "          \
	"device=\\\"cdrom\\\"><target dev=\\\"sda\\\" bus=\\\"sata\\\"/><readonly/></disk></devices></domain>"
#define DOCUMENT(name_, state_, kind_, machine_)                                             \
	"{'name': '" name_ "', 'xml': '<domainsnapshot><name>" name_ "</name><state>" state_ \
	"</state><memory snapshot=\\\"" kind_ "\\\"/><disks><disk name=\\\"vda\\\" "         \
	"snapshot=\\\"internal\\\"/></disks>" DOMAIN(                                        \
	    machine_, "/images/web1.qcow2") "</domainsnapshot>'}"

static void test_revert(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const char *inside = "{'name': 'snap1', 'vm-state-size': 1000}";
	const struct machine m = {.inside = inside,
	                         .list = DOCUMENT("snap1", "running", "internal", "q35")},
	                     still = {.inside = inside,
	                         .list = DOCUMENT("snap1", "paused", "internal", "q35")},
	                     paused = {.paused = true,
	                         .inside = inside,
	                         .list = DOCUMENT("snap1", "running", "internal", "q35")},
	                     other = {.inside = inside,
	                         .list = DOCUMENT("snap1", "running", "internal", "pc")},
	                     off = {.inside = inside,
	                         .list = DOCUMENT("snap1", "shutoff", "no", "q35")},
	                     gone = {.list = DOCUMENT("snap1", "running", "internal", "q35")};
	build(&out, "a guest that runs", &m, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "to one that stood still", &still, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "… and is to run", &still, "snapshot-revert",
	    "{'name': 'snap1', 'running': true}");
	build(&out, "a paused one", &paused, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "other hardware", &other, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "without memory", &off, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "gone from the image", &gone, "snapshot-revert", "{'name': 'snap1'}");
	build(&out, "unknown", &m, "snapshot-revert", "{'name': 'snap9'}");
	check("plan/snapshot-revert.txt", &out);
}

static void test_delete(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct machine m = {.inside = "{'name': 'snap1', 'vm-state-size': 1000}",
	                         .list = DOCUMENT("snap1", "running", "internal", "q35")},
	                     gone = {.list = DOCUMENT("snap1", "running", "internal", "q35")};
	build(&out, "inside of the image", &m, "snapshot-delete", "{'name': 'snap1'}");
	build(&out, "its document alone", &m, "snapshot-delete",
	    "{'name': 'snap1', 'metadata': true}");
	build(&out, "gone from the image", &gone, "snapshot-delete", "{'name': 'snap1'}");
	build(&out, "its children, of which there are none", &m, "snapshot-delete",
	    "{'name': 'snap1', 'children_only': true}");
	check("plan/snapshot-delete.txt", &out);
}

static void test_save(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct machine m = {0}, paused = {.paused = true}, full = {.free = 1 << 20},
	                     blocked = {.blocked = "vfio"}, transient = {.transient = true};
	build(
	    &out, "without a definition", &transient, "managedsave", "{'path': '/save/web1.save'}");
	build(&out, "a guest that runs", &m, "save", "{'path': '/save/web1.save'}");
	build(&out, "a paused one", &paused, "managedsave", "{'path': '/save/web1.save'}");
	build(&out, "no room", &full, "save", "{'path': '/save/web1.save'}");
	build(&out, "QEMU cannot", &blocked, "save", "{'path': '/save/web1.save'}");
	build(&out, "another domain's document", &m, "save",
	    "{'path': '/save/web1.save', 'xml': '<domain type=\\\"qemu\\\"><name>web2</name><memory "
	    "unit=\\\"MiB\\\">192</memory><os><type arch=\\\"x86_64\\\" machine=\\\"q35\\\">hvm</type></os></domain>'}");
	check("plan/save.txt", &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_internal),
	    cmocka_unit_test(test_external),
	    cmocka_unit_test(test_revert),
	    cmocka_unit_test(test_delete),
	    cmocka_unit_test(test_save),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
