/* domain_diff: what the next start changes, and nothing that a start fills in. */
#include "unit/cm.h"

#include "core/buf.h"
#include "core/domain_diff.h"
#include "unit/golden.h"

#define DOC(more, devices)                                                      \
	"<domain type='kvm'><name>a</name><memory unit='MiB'>192</memory>" more \
	"<devices>" devices "</devices></domain>"

/* "changes|disk vda|driver cache|none|writeback" a line. */
static char *differences(const char *live, const char *next)
{
	struct domain_diff d;
	struct err err = {0};
	struct buf b = BUF_INIT;
	if (domain_diff_read(live, strlen(live), next, strlen(next), "a", &d, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < d.n; i++) {
		const struct domain_diff_item *x = &d.item[i];
		buf_addf(&b, "%s|%s|%s|%s|%s\n", domain_diff_kind_name(x->kind), x->device,
		    x->setting, x->now != NULL ? x->now : "-", x->next != NULL ? x->next : "-");
	}
	domain_diff_fini(&d);
	return buf_take(&b);
}

static void expect(const char *live, const char *next, const char *want)
{
	char *text = differences(live, next);
	assert_string_equal(text, want);
	free(text);
}

static void test_what_a_start_fills_in(void **state)
{
	(void)state;
	expect(
	    DOC("<currentMemory unit='KiB'>196608</currentMemory><title>now</title>",
	        "<disk type='file'><source file='/a' index='2'/><backingStore/>"
	        "<target dev='vda'/><alias name='virtio-disk0'/><address type='pci' slot='0x3'/></disk>"
	        "<interface type='bridge'><mac address='52:54:00:00:00:0a'/><source bridge='b'/>"
	        "<target dev='vnet4'/><alias name='net0'/></interface>"
	        "<serial type='pty'><source path='/dev/pts/1'/><target port='0'/></serial>"
	        "<graphics type='vnc' port='5900' autoport='yes' listen='127.0.0.1'/>"
	        "<vsock model='virtio'><cid auto='yes' address='5'/></vsock>"),
	    DOC("<currentMemory unit='MiB'>192</currentMemory>",
	        "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"
	        "<interface type='bridge'><mac address='52:54:00:00:00:0A'/><source bridge='b'/>"
	        "<target dev='vnet0'/></interface>"
	        "<serial type='pty'><target port='0'/></serial>"
	        "<graphics type='vnc' port='-1' autoport='yes'/>"
	        "<vsock model='virtio'><cid auto='yes' address='7'/></vsock>"),
	    "");
}

/* A start writes down which vCPUs it has; a definition that says how many alone is not without them. */
static void test_vcpus(void **state)
{
	static const char list[] =
	    "<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='yes'/></vcpus>";
	CLEANUP_FREE char *live = xasprintf("<domain>%s</domain>", list);
	(void)state;
	expect(live, "<domain><vcpu>2</vcpu></domain>", "");
	expect(live, "<domain><vcpu current='1'>2</vcpu></domain>", "changes|vcpu|current|-|1\n");
	expect(live,
	    "<domain><vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='no'/></vcpus></domain>",
	    "changes|vcpus|vcpu[1] enabled|yes|no\n");
}

static void test_devices(void **state)
{
	(void)state;
	expect(
	    DOC("<vcpu current='2'>4</vcpu>",
	        "<disk type='file' device='cdrom'><source file='/x.iso'/>"
	        "<target dev='sda' bus='sata'/><readonly/></disk>"
	        "<disk type='file' device='disk'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>"
	        "<sound model='ich9'/><sound model='ac97'/>"),
	    DOC("<vcpu>4</vcpu>",
	        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
	        "<disk type='file' device='disk'><source file='/c'/><target dev='vdc' bus='virtio'/></disk>"
	        "<sound model='ich9'/><sound model='es1370'/>"),
	    "changes|vcpu|current|2|-\n"
	    "changes|disk sda|source file|/x.iso|-\n"
	    "changes|disk sda|readonly|yes|-\n"
	    "goes|disk vdb||file disk virtio /b|-\n"
	    "changes|sound 1|model|ac97|es1370\n"
	    "comes|disk vdc||-|file disk virtio /c\n");
}

static void test_passwords(void **state)
{
	(void)state;
	expect(DOC("", "<graphics type='vnc' passwd='old'/>"),
	    DOC("", "<graphics type='vnc' passwd='new'/>"),
	    "changes|graphics vnc|passwd|***|***\n");
}

static void test_no_document(void **state)
{
	(void)state;
	struct domain_diff d;
	struct err err = {0};
	static const char good[] = DOC("", ""), bad[] = "<domain><devices></domain>";
	assert_int_equal(
	    domain_diff_read(good, sizeof good - 1, bad, sizeof bad - 1, "a", &d, &err), -1);
	assert_int_equal(d.n, 0);
	assert_non_null(strstr(err.msg, "a:1"));
}

/* Each document that the command line is tested with differs from itself in nothing. */
static void check_same(const char *stem)
{
	char *path = xasprintf("%s.xml", stem);
	struct buf xml = BUF_INIT;
	struct domain_diff d;
	struct err err = {0};
	golden_read(path, &xml);
	assert_int_equal(domain_diff_read(xml.data, xml.len, xml.data, xml.len, path, &d, &err), 0);
	if (d.n > 0)
		fail_msg("%s: %s %s", path, d.item[0].device, d.item[0].setting);
	domain_diff_fini(&d);
	buf_fini(&xml);
	free(path);
}

static void test_same(void **state)
{
	(void)state;
	golden_each("argv/*.xml", check_same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_a_start_fills_in),
	    cmocka_unit_test(test_vcpus),
	    cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_passwords),
	    cmocka_unit_test(test_no_document),
	    cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
