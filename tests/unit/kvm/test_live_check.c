/* QEMU's answers against a live document: what agrees says nothing, each thing that does not is a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/live_check.h"

static const char document[] =
    "<domain type='kvm'><name>w1</name><memory>65536</memory><vcpu current='1'>2</vcpu><os><type>hvm</type></os>"
    "<devices><disk type='file' device='disk'><source file='/images/a.raw'/><target dev='vda' bus='virtio'/>"
    "<alias name='virtio-disk0'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><alias name='ide0-0-0'/></disk>"
    "<interface type='user'><model type='virtio'/><alias name='net0'/></interface>"
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/></rng>"
    "<memballoon model='none'><alias name='balloon0'/></memballoon></devices></domain>";

#define DEVICES                                                                                   \
	"\"devices\":[{\"name\":\"type\",\"type\":\"string\"},"                                   \
	"{\"name\":\"virtio-disk0\",\"type\":\"child<virtio-blk-pci>\"},"                         \
	"{\"name\":\"ide0-0-0\",\"type\":\"child<ide-cd>\"},{\"name\":\"net0\",\"type\":\"child<" \
	"virtio-net-pci>\"},"                                                                     \
	"{\"name\":\"rng0-part\",\"type\":\"child<x>\"},{\"name\":\"rng0\",\"type\":\"child<virtio-rng-pci>\"}]"
#define BLOCKS                                                                                    \
	"\"blocks\":[{\"qdev\":\"/machine/peripheral/virtio-disk0/virtio-backend\",\"inserted\":" \
	"{\"image\":{\"filename\":\"/dev/fdset/3\"}}},{\"qdev\":\"ide0-0-0\"}]"
#define FDSETS "\"fdsets\":[{\"fdset-id\":3,\"fds\":[{\"fd\":9,\"opaque\":\"/images/a.raw\"}]}]"
#define NODES "\"nodes\":[{\"file\":\"/dev/fdset/3\"}]"

static const struct {
	const char *answers, *says; /* "": they agree */
} cases[] = {
    {"{" DEVICES "," BLOCKS "," FDSETS "," NODES "}", ""},
    {"{\"devices\":[{\"name\":\"virtio-disk0\",\"type\":\"child<x>\"},{\"name\":\"ide0-0-0\",\"type\":\"child<x>\"},"
     "{\"name\":\"rng0\",\"type\":\"child<x>\"}]}",
        "the document has <interface> net0, QEMU has no such device\n"},
    {"{\"objects\":[{\"name\":\"pc.ram\",\"type\":\"child<m>\"},{\"name\":\"objrng0\",\"type\":\"child<m>\"},"
     "{\"name\":\"objrng1\",\"type\":\"child<m>\"}]}",
        "QEMU has the object objrng1, which belongs to no device of the document\n"},
    {"{\"chardevs\":[{\"label\":\"charmonitor\"},{\"label\":\"charchannel0\"}]}",
        "QEMU has the character device charchannel0, which belongs to no device of the document\n"},
    {"{\"network\":\"net0: index=0,type=nic\\r\\n \\\\ hostnet0: index=0,type=user\\r\\nhostnet1: index=0,type=user\\r\\n\"}",
        "QEMU has the network backend hostnet1, which no card uses\n"},
    {"{\"blocks\":[{\"qdev\":\"virtio-disk0\",\"inserted\":{\"image\":{\"filename\":\"/images/b.raw\"}}}]}",
        "disk vda: the document has /images/a.raw, QEMU writes to /images/b.raw\n"},
    {"{\"blocks\":[{\"qdev\":\"virtio-disk0\"}]}",
        "disk vda: the document has /images/a.raw, QEMU has no medium\n"},
    {"{\"blocks\":[{\"qdev\":\"ide0-0-0\",\"inserted\":{\"image\":{\"filename\":\"/images/cd.iso\"}}}]}",
        "disk sda: the document has no medium, QEMU has /images/cd.iso\n"},
    {"{\"graph\":{\"nodes\":[{\"id\":1,\"type\":\"block-backend\",\"name\":\"\"},{\"id\":2,\"type\":\"block-driver\",\"name\":\"vda-format\"},"
     "{\"id\":3,\"type\":\"block-driver\",\"name\":\"vdb-p7-format\"}],\"edges\":[{\"parent\":1,\"child\":2}]}}",
        "QEMU has the block node vdb-p7-format, which nothing uses\n"},
    {"{\"jobs\":[{\"id\":\"job7\",\"type\":\"mirror\",\"status\":\"ready\"}]}",
        "QEMU has the job job7 (mirror, ready), the document tells of none\n"},
    {"{\"nodes\":[{\"file\":\"/dev/fdset/33\"}]," FDSETS "}",
        "QEMU holds the descriptors of set 3 (/images/a.raw), which no image uses\n"},
    {"{\"memory\":[{\"type\":\"dimm\",\"data\":{\"id\":\"dimm0\"}}]}",
        "the document has 0 memory devices, QEMU has 1\n"},
    {"{\"cpus\":[{\"vcpus-count\":1,\"qom-path\":\"/a\"},{\"vcpus-count\":1,\"qom-path\":\"/b\"}]}",
        "the document has 1 vCPUs, QEMU has 2\n"},
};

static void test_live_check(void **state)
{
	struct domain d;
	struct err err = {0};
	(void)state;
	unsigned flags = DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE;
	assert_int_equal(
	    domain_parse(document, strlen(document), "w1.xml", flags, &d, NULL, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT;
		struct json_object *o = json_tokener_parse(cases[i].answers);
		assert_non_null(o);
		const char *const argv[] = {"qemu", "-chardev", "socket,id=charmonitor", "-object",
		    "rng-random,id=objrng0", NULL};
		struct live_check_in in = {.live = &d, .answers = o, .argv = argv};
		int n = live_check(&in, &out, &err);
		buf_addc(&out, '\0');
		assert_string_equal(out.data, cases[i].says);
		assert_int_equal(n, cases[i].says[0] != '\0');
		json_object_put(o);
	}
	domain_fini(&d);
}

/* What the command line made and no device owns stays as long as QEMU does. */
static void test_live_check_command_line(void **state)
{
	struct domain d;
	struct err err = {0};
	CLEANUP_BUF struct buf out = BUF_INIT;
	(void)state;
	assert_int_equal(domain_parse(document, strlen(document), "w1.xml", DOMAIN_PARSE_LENIENT,
	                     &d, NULL, &err),
	    0);
	const char *const argv[] = {
	    "qemu", "-object", "{\"qom-type\":\"iothread\",\"id\":\"iothread1\"}", NULL};
	struct json_object *o = json_tokener_parse(
	    "{\"objects\":[{\"name\":\"iothread1\",\"type\":\"child<iothread>\"}]}");
	struct live_check_in in = {.live = &d, .answers = o, .argv = argv};
	assert_int_equal(live_check(&in, &out, &err), 0);
	in.argv = NULL;
	assert_int_equal(live_check(&in, &out, &err), 1);
	json_object_put(o);
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_live_check),
	    cmocka_unit_test(test_live_check_command_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
