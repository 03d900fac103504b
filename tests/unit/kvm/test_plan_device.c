/* Devices in and out as plans: what is built, and what is refused with which words. */
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
#include "kvm/plan_device.h"
#include "unit/golden.h"

static struct caps caps;
static struct domain live, config;
static struct home home = {.mode = HOME_PRIVATE,
    .conf = (char *)"/h",
    .run = (char *)"/h/run",
    .data = (char *)"/h/data",
    .log = (char *)"/h/log"};

#define HEAD                                                                                     \
	"<domain type='qemu'><name>web1</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>" \
	"<memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"            \
	"<features><acpi/></features><devices>"
#define PORT "<controller type='pci' model='pcie-root-port'/>"
#define DISKS                                                                                         \
	"<disk type='file'><driver type='qcow2'/><source file='/a.qcow2'/><target dev='vda'/></disk>" \
	"<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
#define NET \
	"<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
#define RNG "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
#define TAIL                                                             \
	"<controller type='usb' model='qemu-xhci'/><serial type='pty'/>" \
	"<memballoon model='none'/>\n</devices></domain>"

static void load(struct domain *d, const char *devices, bool runs)
{
	struct err err = {0};
	CLEANUP_FREE char *xml = xasprintf("%s%s%s", HEAD, devices, TAIL);
	struct domain first;
	if (domain_parse(xml, strlen(xml), "web1.xml", 0, &first, NULL, &err) < 0 ||
	    domain_complete(&first, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	if (runs)
		argv_aliases(&first);
	CLEANUP_FREE char *text = domain_format(&first, &err);
	domain_fini(&first);
	if (domain_parse(text, strlen(text), "web1",
	        DOMAIN_PARSE_LENIENT | (runs ? DOMAIN_PARSE_LIVE : 0), d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	load(&live, DISKS NET RNG RNG, true);
	load(&config, DISKS NET RNG, false);
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	caps_fini(&caps);
	domain_fini(&live);
	domain_fini(&config);
	return 0;
}

static int build(const char *verb, unsigned where, const char *key, const char *value,
    struct plan *p, struct err *err)
{
	struct json_object *args = plan_args(key, value, "file", "device.xml", NULL);
	struct plan_in in = {.home = &home,
	    .name = "web1",
	    .live = &live,
	    .config = &config,
	    .caps = &caps,
	    .where = where,
	    .args = args,
	    .id = 5};
	plan_init(p, verb, 5);
	int rc = plan_verb_find(verb)->build(&in, p, err);
	json_object_put(args);
	return rc;
}

static void refused(const char *verb, unsigned where, const char *key, const char *value,
    enum err_code code, const char *words)
{
	struct plan p;
	struct err err = {0};
	int rc = build(verb, where, key, value, &p, &err);
	plan_fini(&p);
	if (rc == 0)
		fail_msg("not refused: %s", value);
	if (err.code != code || strstr(err.msg, words) == NULL)
		fail_msg("%s: %d, wanted %d '%s': %s", value, err.code, code, words, err.msg);
}

static void check(
    const char *verb, unsigned where, const char *key, const char *value, const char *golden)
{
	struct plan p;
	struct err err = {0};
	if (build(verb, where, key, value, &p, &err) < 0)
		fail_msg("%s: %s", value, err.msg);
	CLEANUP_FREE char *words = plan_to_words(&p);
	CLEANUP_FREE char *all =
	    xasprintf("%scommit at %d\n", words, p.commit < p.n ? (int)p.commit : -1);
	CLEANUP_FREE char *path = golden_path(golden);
	golden_check(path, all);
	plan_fini(&p);
}

#define DISK(attrs, more, target, bus)                                                   \
	"<disk type='file'" attrs                                                        \
	"><driver type='raw'/><source file='/b.img'/><target dev='" target "' bus='" bus \
	"'/>" more "</disk>"

static void test_plans(void **state)
{
	(void)state;
	check("attach-disk", PLAN_LIVE, "xml", DISK("", "", "vdb", "virtio"),
	    "plan/attach-disk.words");
	check("attach-device", PLAN_LIVE | PLAN_CONFIG, "xml", DISK("", "", "sdb", "scsi"),
	    "plan/attach-scsi.words");
	check("attach-device", PLAN_CONFIG, "xml", RNG, "plan/attach-config.words");
	check("detach-disk", PLAN_LIVE | PLAN_CONFIG, "target", "vda", "plan/detach-disk.words");
	check("detach-device", PLAN_LIVE, "xml",
	    "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>",
	    "plan/detach-interface.words");
	check("detach-device-alias", PLAN_LIVE, "alias", "rng1", "plan/detach-alias.words");
	check("device-gone", PLAN_LIVE, "alias", "rng1", "plan/device-gone.words");
}

static void test_attach_refused(void **state)
{
	(void)state;
	static const struct {
		const char *xml;
		enum err_code code;
		const char *words;
	} cases[] = {
	    {"", ERR_INVALID, "there is no device in it"},
	    {"<disk", ERR_INVALID, "device.xml:2: not well-formed"},
	    {"<rng model='virtio'>\n<backend model='random'/></rng>\n\n<rng/>", ERR_INVALID,
	        "device.xml:4: <rng>: one device at a time"},
	    {"<emulator>/bin/sh</emulator>", ERR_UNSUPPORTED, "no device that can be attached"},
	    {"<thing/>", ERR_UNSUPPORTED, "<thing>"},
	    {DISK("", "", "vda", "virtio"), ERR_EXISTS,
	        "target vda already exists in domain 'web1'"},
	    {DISK("", "", "vdb", "sata"), ERR_UNSUPPORTED, "take nothing new"},
	    {DISK("", "<address type='pci' bus='0x00' slot='0x09'/>", "vdb", "virtio"),
	        ERR_UNSUPPORTED, "soldered"},
	    {DISK("", "\n<address type='pci' bus='0x02' slot='0x00' function='0x0'/>", "vdb",
	         "virtio"),
	        ERR_INVALID, "02:00.0 is taken"},
	    {"<disk type='file'><driver type='qcow2'/>\n<source file='relative'/><target dev='vdb'/></disk>",
	        ERR_INVALID, "device.xml:2: <source>"},
	    {"<console type='pty'><target type='virtio'/></console>", ERR_UNSUPPORTED,
	        "console and its log"},
	    {"<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
	        ERR_UNSUPPORTED, "socket is made when it starts"},
	    {"<filesystem type='mount'><source dir='/s'/><target dir='t'/></filesystem>",
	        ERR_UNSUPPORTED, "from its command line alone"},
	    {"<video><model type='virtio'/></video>", ERR_UNSUPPORTED, "from the start"},
	    {"<controller type='pci' model='pcie-root-port'/>", ERR_UNSUPPORTED,
	        "buses are there from the start"},
	    {"<hub type='usb'/>", ERR_UNSUPPORTED, "hub"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refused(
		    "attach-device", PLAN_LIVE, "xml", cases[i].xml, cases[i].code, cases[i].words);
}

static void test_detach_refused(void **state)
{
	(void)state;
	refused("detach-disk", PLAN_LIVE, "target", "vdz", ERR_NOT_FOUND,
	    "No disk found whose source path or target is vdz");
	refused("detach-disk", PLAN_LIVE, "target", "sda", ERR_UNSUPPORTED, "change-media");
	refused("detach-device", PLAN_LIVE, "xml", RNG, ERR_INVALID, "more than one <rng>");
	refused("detach-device", PLAN_LIVE, "xml",
	    "<rng model='virtio'><backend model='builtin'/></rng>", ERR_NOT_FOUND,
	    "no <rng> that is as described");
	refused("detach-device-alias", PLAN_LIVE, "alias", "nosuch", ERR_NOT_FOUND,
	    "no device found with alias 'nosuch'");
	refused("detach-device-alias", PLAN_LIVE | PLAN_CONFIG, "alias", "rng1", ERR_NOT_FOUND,
	    "in the definition");
	refused(
	    "detach-device-alias", PLAN_LIVE, "alias", "pci.2", ERR_UNSUPPORTED, "buses are there");
	refused("detach-device-alias", PLAN_LIVE, "alias", "serial0", ERR_UNSUPPORTED, "console");
}

/* A machine without a free port. */
static void test_no_place(void **state)
{
	(void)state;
	struct domain was = live;
	CLEANUP_FREE char *net = xasprintf("%s",
	    "<controller type='pci' model='pcie-root'/>" PORT PORT
	    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>");
	load(&live, net, true);
	refused("attach-device", PLAN_LIVE, "xml", RNG, ERR_STATE,
	    "pcie-root-port more, and buses cannot be plugged in");
	domain_fini(&live);
	live = was;
}

/* What the host knows of the image's chain becomes nodes of their own. */
static void test_chain(void **state)
{
	(void)state;
	struct plan p;
	struct err err = {0};
	struct json_object *facts = json_tokener_parse(
	    "{\"image\": {\"backing\": [{\"path\": \"/base.img\", \"format\": \"raw\", \"type\": \"file\"}]}}");
	struct json_object *args = plan_args("xml",
	    "<disk type='file'><driver type='qcow2'/><source file='/top.qcow2'/><target dev='vdb'/></disk>",
	    NULL);
	struct plan_in in = {.home = &home,
	    .name = "web1",
	    .live = &live,
	    .config = &config,
	    .caps = &caps,
	    .where = PLAN_LIVE,
	    .args = args,
	    .facts = facts,
	    .id = 5};
	plan_init(&p, "attach-disk", 5);
	if (plan_verb_find("attach-disk")->build(&in, &p, &err) < 0)
		fail_msg("%s", err.msg);
	CLEANUP_FREE char *words = plan_to_words(&p);
	assert_non_null(strstr(words, "\"filename\": \"/base.img\", \"node-name\": \"vdb-1-"));
	assert_non_null(strstr(words, "\"backing\": \"vdb-1-format\""));
	/* The document says what the operator said. */
	const char *xml = json_get_str(p.step[0].does.args, "xml");
	assert_null(strstr(xml, "/base.img"));
	plan_fini(&p);
	json_object_put(args);
	json_object_put(facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plans),
	    cmocka_unit_test(test_attach_refused),
	    cmocka_unit_test(test_detach_refused),
	    cmocka_unit_test(test_no_place),
	    cmocka_unit_test(test_chain),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
