#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_alias.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_words.h"
#include "unit/golden.h"

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	return rc;
}

static int free_caps(void **state)
{
	(void)state;
	caps_fini(&caps);
	return 0;
}

static void load_domain(struct domain *d)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = golden_path("plan/devices.xml");
	struct err err = {0};
	golden_read(path, &xml);
	if (domain_parse(xml.data, xml.len, path, 0, d, NULL, &err) < 0 ||
	    domain_complete(d, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	argv_aliases(d);
}

/* What plugs each device in, and what takes it out again, or why not. */
static void add_device(struct buf *out, const struct plan_in *in, struct device_ref r)
{
	struct plan p;
	struct err err = {0};
	CLEANUP_FREE char *id = argv_device_id(in->live, r);
	const char *what = id != NULL ? id : device_element_name(in->live, r);
	plan_init(&p, "attach-device", 7);
	int rc = plan_argv_device(&p, in, in->live, r, what, &err);
	CLEANUP_FREE char *words = plan_to_words(&p);
	if (rc == 0)
		buf_addf(out, "--- %s\n%s", what, words);
	else
		buf_addf(out, "--- %s: %s\n", what, err.msg);
	plan_fini(&p);
	if (rc < 0 || id == NULL)
		return;
	plan_init(&p, "detach-device", 8);
	plan_argv_unplug(&p, id, what);
	assert_int_equal(plan_argv_remove(&p, in, in->live, r, &err), 0);
	CLEANUP_FREE char *back = plan_to_words(&p);
	buf_addf(out, "... and out\n%s", back);
	plan_fini(&p);
}

static void check(bool other_user, const char *file)
{
	struct domain d;
	struct buf out = BUF_INIT;
	struct home home = {.mode = HOME_PRIVATE,
	    .conf = (char *)"/h",
	    .run = (char *)"/h/run",
	    .data = (char *)"/h/data",
	    .log = (char *)"/h/log"};
	load_domain(&d);
	struct plan_in in = {.home = &home,
	    .name = "web1",
	    .live = &d,
	    .caps = &caps,
	    .where = PLAN_LIVE,
	    .other_user = other_user};
	DEVICE_FOREACH (&d, r) {
		bool port =
		    r.kind == DEVICE_CONTROLLER && d.controllers[r.index].type == CONTROLLER_PCI;
		bool same = r.kind != DEVICE_DISK && r.kind != DEVICE_OTHER;
		if (!port && !(other_user && same))
			add_device(&out, &in, r);
	}
	CLEANUP_FREE char *path = golden_path(file);
	golden_check(path, out.data);
	buf_fini(&out);
	domain_fini(&d);
}

static void test_devices(void **state)
{
	(void)state;
	check(false, "plan/devices.words");
	check(true, "plan/devices-other-user.words");
}

/* --- after a snapshot --- */
static const char blocks[] =
    "[{\"qdev\": \"/machine/peripheral/virtio-disk1/virtio-backend\", \"inserted\": {\"node-name\": \"vdb-p3-format\"}},"
    " {\"qdev\": \"/machine/peripheral/virtio-disk0/virtio-backend\", \"inserted\": {\"node-name\": \"vda-format\"}}]";
static const char nodes[] =
    "[{\"node-name\": \"vdb-p3-storage\", \"drv\": \"file\", \"file\": \"/dev/fdset/1300000\"},"
    " {\"node-name\": \"vdb-p3-format\", \"drv\": \"qcow2\", \"file\": \"/dev/fdset/1300000\"},"
    " {\"node-name\": \"vdb-file\", \"drv\": \"file\", \"file\": \"/dev/fdset/3\"}]";
static const char graph[] =
    "{\"nodes\": [{\"id\": 1, \"type\": \"block-backend\", \"name\": \"\"},"
    " {\"id\": 2, \"type\": \"block-driver\", \"name\": \"vdb-p3-format\"},"
    " {\"id\": 3, \"type\": \"block-driver\", \"name\": \"vdb-p3-storage\"},"
    " {\"id\": 4, \"type\": \"block-driver\", \"name\": \"vdb-format\"},"
    " {\"id\": 5, \"type\": \"block-driver\", \"name\": \"vdb-file\"},"
    " {\"id\": 6, \"type\": \"block-driver\", \"name\": \"base\"},"
    " {\"id\": 7, \"type\": \"block-driver\", \"name\": \"vda-format\"},"
    " {\"id\": 8, \"type\": \"block-driver\", \"name\": \"#block12\"}],"
    " \"edges\": [{\"parent\": 1, \"child\": 2, \"name\": \"root\"},"
    " {\"parent\": 2, \"child\": 3, \"name\": \"file\"}, {\"parent\": 2, \"child\": 4, \"name\": \"backing\"},"
    " {\"parent\": 4, \"child\": 5, \"name\": \"file\"}, {\"parent\": 4, \"child\": 6, \"name\": \"backing\"},"
    " {\"parent\": 7, \"child\": 6, \"name\": \"backing\"}, {\"parent\": 4, \"child\": 8, \"name\": \"x\"}]}";

static void has_step(
    const struct plan *p, size_t i, const char *command, const char *key, const char *value)
{
	assert_true(i < p->n);
	assert_string_equal(p->step[i].does.name, command);
	struct json_object *v = NULL;
	assert_true(json_object_object_get_ex(p->step[i].does.args, key, &v));
	assert_string_equal(json_object_get_string(v), value);
	assert_true((p->step[i].flags & PLAN_MAY_FAIL) != 0);
}

/* The nodes are those of now, the uppermost first; what another disk reads, too, stays. */
static void test_nodes_of_now(void **state)
{
	(void)state;
	static const char doc[] =
	    "<domain type='qemu'><name>x</name><memory>8192</memory><os><type>hvm</type></os><devices>"
	    "<disk type='file'><driver type='qcow2'/><source file='/a'/><target dev='vda'/></disk>"
	    "<disk type='file'><driver type='qcow2'/><source file='/b'/><target dev='vdb'/></disk>"
	    "</devices></domain>";
	struct domain d;
	struct plan p;
	struct err err = {0};
	struct home home = {.mode = HOME_PRIVATE,
	    .conf = (char *)"/h",
	    .run = (char *)"/h/run",
	    .data = (char *)"/h/data",
	    .log = (char *)"/h/log"};
	assert_int_equal(domain_parse(doc, sizeof doc - 1, "x", 0, &d, NULL, &err), 0);
	assert_int_equal(domain_complete(&d, NULL, NULL, &err), 0);
	argv_aliases(&d);
	struct json_object *facts = json_object_new_object();
	json_object_object_add(facts, "query-block", json_tokener_parse(blocks));
	json_object_object_add(facts, "query-named-block-nodes", json_tokener_parse(nodes));
	json_object_object_add(facts, "x-debug-query-block-graph", json_tokener_parse(graph));
	struct plan_in in = {.home = &home, .name = "x", .live = &d, .caps = &caps, .facts = facts};
	plan_init(&p, "detach-disk", 9);
	assert_int_equal(
	    plan_argv_remove(&p, &in, &d, (struct device_ref){DEVICE_DISK, 1}, &err), 0);
	has_step(&p, 0, "blockdev-del", "node-name", "vdb-p3-format");
	has_step(&p, 1, "blockdev-del", "node-name", "vdb-p3-storage");
	has_step(&p, 2, "remove-fd", "fdset-id", "1300000");
	has_step(&p, 3, "blockdev-del", "node-name", "vdb-format");
	has_step(&p, 4, "blockdev-del", "node-name", "vdb-file");
	has_step(&p, 5, "remove-fd", "fdset-id", "3");
	has_step(&p, 6, "leaving", "alias", "virtio-disk1");
	assert_int_equal(p.n, 7);
	plan_fini(&p);
	json_object_put(facts);
	domain_fini(&d);
}

/* --- types --- */
static void converts(const char *option, const char *value, const char *expected)
{
	struct err err = {0};
	struct json_object *o = word_kind(option)->convert(value, &err);
	if (o == NULL)
		fail_msg("%s %s: %s", option, value, err.msg);
	assert_string_equal(json_object_to_json_string_ext(
	                        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
	    expected);
	json_object_put(o);
}

static void test_types(void **state)
{
	(void)state;
	converts("-blockdev",
	    "driver=rbd,node-name=a,server.0.host=h,server.0.port=6789,server.1.host=i,user=x",
	    "{\"driver\":\"rbd\",\"node-name\":\"a\",\"server\":[{\"host\":\"h\",\"port\":\"6789\"},{\"host\":\"i\"}],\"user\":\"x\"}");
	converts("-blockdev", "driver=nfs,node-name=a,user=7",
	    "{\"driver\":\"nfs\",\"node-name\":\"a\",\"user\":7}");
	converts("-object", "memory-backend-ram,id=m,size=4k,host-nodes=0-2,host-nodes=5,share=off",
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":4096,\"host-nodes\":[0,1,2,5],\"share\":false}");
	converts("-device", "pc-dimm,id=d,addr=4294967296,slot=1",
	    "{\"driver\":\"pc-dimm\",\"id\":\"d\",\"addr\":4294967296,\"slot\":1}");
	converts("-device", "virtio-net-pci,id=n,addr=0x0,mq=on,write-cache=on",
	    "{\"driver\":\"virtio-net-pci\",\"id\":\"n\",\"addr\":\"0x0\",\"mq\":true,\"write-cache\":\"on\"}");
	converts("-device", "scsi-hd,id=s,wwn=0xf000c50015ea71ad",
	    "{\"driver\":\"scsi-hd\",\"id\":\"s\",\"wwn\":17294039173261062573}");
	converts("-chardev", "socket,id=c,path=/a,,b,server=on,wait=off,logfile=/l,logappend=on",
	    "{\"id\":\"c\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":\"unix\",\"data\":{\"path\":\"/a,b\"}},"
	    "\"server\":true,\"wait\":false,\"logfile\":\"/l\",\"logappend\":true}}}");
	assert_null(word_kind("-global"));
	struct err err = {0};
	assert_null(word_kind("-chardev")->convert("msmouse,id=x", &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_nodes_of_now),
	    cmocka_unit_test(test_types),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
