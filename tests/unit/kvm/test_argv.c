#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kvm/argv.h"
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

static void parse(const char *text, size_t n, struct domain *d)
{
	struct err err = {0};
	if (domain_parse(text, n, "test.xml", 0, d, NULL, &err) < 0 ||
	    domain_complete(d, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void resolve_firmware(const struct domain *d, struct firmware *out)
{
	struct err err = {0};
	char *dirs[] = {golden_path("firmware/vendor"), NULL};
	const struct firmware_env env = {
	    .dirs = dirs, .nvram_dir = (char *)(uintptr_t) "/data/nvram"};
	if (firmware_resolve(d, &caps, &env, out, &err) < 0)
		fail_msg("%s", err.msg);
	free(dirs[0]);
}

static void check_golden(const char *stem)
{
	struct buf xml = BUF_INIT;
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	char *in_path = xasprintf("%s.xml", stem), *out_path = xasprintf("%s.args", stem);
	struct argv_in in = {.run_dir = "/run/hvmux/x",
	    .log_dir = "/var/log/hvmux/x",
	    .ram_dir = "/data/ram/x",
	    .now = 1234567890,
	    .utc_offset = 3600};
	struct firmware firmware;
	golden_read(in_path, &xml);
	parse(xml.data, xml.len, &d);
	resolve_firmware(&d, &firmware);
	in.firmware = &firmware;
	if (argv_build(&d, &caps, &in, &out, &err) < 0)
		fail_msg("%s: %s", in_path, err.msg);
	firmware_fini(&firmware);
	char *text = argv_shell(&out);
	golden_check(out_path, text);
	free(text);
	argv_fini(&out);
	domain_fini(&d);
	buf_fini(&xml);
	free(in_path);
	free(out_path);
}

static void test_goldens(void **state)
{
	(void)state;
	golden_each("argv/*.xml", check_golden);
	golden_each("argv_host/*.xml", check_golden);
}

#define DOC(type, more, devices)                                           \
	"<domain type='" type "'><name>x</name><memory>8192</memory>" more \
	"<features><acpi/></features><devices>" devices "</devices></domain>"
#define OS "<os><type>hvm</type></os>"

static bool has(const struct argv_out *out, const char *option, const char *value)
{
	for (size_t i = 0; i + 1 < out->argc; i++)
		if (strcmp(out->argv[i], option) == 0 && strcmp(out->argv[i + 1], value) == 0)
			return true;
	return false;
}

static void test_descriptors(void **state)
{
	(void)state;
	static const char doc[] = DOC("qemu", OS,
	    "<serial type='pty'/><console type='pty'><target type='virtio'/></console>"
	    "<graphics type='vnc'><listen type='socket'/></graphics>");
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	const struct argv_in in = {
	    .run_dir = "/r", .log_dir = "/l", .fd_first = 10, .run_dir_fd = 20};
	parse(doc, sizeof doc - 1, &d);
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), 0);
	assert_true(has(&out, "-chardev", "socket,id=charmonitor,fd=10,server=on,wait=off"));
	assert_true(has(&out, "-chardev", "socket,id=charserial0,fd=11,server=on,wait=off"));
	assert_true(has(&out, "-chardev", "socket,id=charconsole1,fd=12,server=on,wait=off"));
	assert_true(has(&out, "-vnc", "vnc=unix:/proc/self/fd/20/vnc.sock"));
	assert_int_equal(out.n_sockets, 3);
	assert_int_equal(out.n_consoles, 2);
	assert_int_equal(out.sockets[0].kind, ARGV_SOCKET_QMP);
	assert_string_equal(out.sockets[0].file, "qmp.sock");
	assert_int_equal(out.sockets[2].kind, ARGV_SOCKET_CONSOLE);
	assert_int_equal(out.sockets[2].index, 1);
	assert_string_equal(out.sockets[2].file, "serial1.sock");
	argv_fini(&out);
	domain_fini(&d);
}

/* QEMU would not say itself why it does not start. */
static void test_vhost_user_server(void **state)
{
	(void)state;
	static const char doc[] = DOC("qemu", OS,
	    "<interface type='vhostuser'><mac address='52:54:00:00:00:01'/>"
	    "<source type='unix' path='/run/v1' mode='server'/><model type='virtio'/></interface>");
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	const struct argv_in in = {.run_dir = "/r", .log_dir = "/l"};
	parse(doc, sizeof doc - 1, &d);
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), 0);
	assert_true(has(&out, "-chardev", "socket,id=charnet0,path=/run/v1,server=on"));
	assert_non_null(strstr(out.notes, "once a switch has connected to '/run/v1'"));
	argv_fini(&out);
	domain_fini(&d);
}

static void test_kvm_model(void **state)
{
	(void)state;
	static const char doc[] = DOC("kvm", OS "<cpu mode='host-passthrough'/>", "");
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	struct caps_kvm kvm = {.usable = true, .cpu_host = "qemu64"};
	struct argv_in in = {.run_dir = "/r", .log_dir = "/l", .kvm = &kvm};
	parse(doc, sizeof doc - 1, &d);
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), 0);
	assert_true(has(&out, "-cpu", "qemu64"));
	assert_non_null(strstr(out.notes, "'qemu64' instead of the host's own"));
	argv_fini(&out);
	strcpy(kvm.cpu_host, "host");
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), 0);
	assert_true(has(&out, "-cpu", "host"));
	assert_null(out.notes);
	argv_fini(&out);
	kvm.usable = false;
	strcpy(kvm.why, "no /dev/kvm here");
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "no /dev/kvm here"));
	domain_fini(&d);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *words;
	} cases[] = {
	    {DOC("qemu", "<os><type machine='pc-q35-99.0'>hvm</type></os>", ""),
	        "machine 'pc-q35-99.0' is not known to /usr/bin/qemu-system-x86_64 (version 7.2.22)"},
	    {DOC("qemu", "<os><type machine='isapc'>hvm</type></os>", ""),
	        "families of 'pc' and 'q35'"},
	    {DOC("qemu", "<os><type machine='microvm'>hvm</type></os>", ""), "not supported"},
	    {DOC("qemu", "<os><type machine='pc-q35-8.1'>hvm</type></os>", ""),
	        "the nearest that it has is 'pc-q35-7.2'"},
	    {DOC("qemu", "<os><type machine='pc-i440fx-rhel7.6.0'>hvm</type></os>", ""),
	        "the nearest that it has is 'pc-i440fx-7.2'"},
	    {DOC("qemu", OS "<vcpu>256</vcpu>", ""),
	        "256 vCPUs, machine 'pc-i440fx-7.2' has at most 255"},
	    {DOC("qemu", OS "<cpu><model>Zilog-Z80</model></cpu>", ""), "no CPU model 'Zilog-Z80'"},
	    {DOC("qemu", OS, "<interface type='user'><model type='isa-debug-exit'/></interface>"),
	        "model 'isa-debug-exit' is not supported"},
	    {DOC("qemu", OS, "<watchdog model='itco'/>"), "'itco' needs machine 'q35'"},
	    {DOC("qemu", OS,
	         "<disk type='volume'><source pool='p' volume='v'/><target dev='vda'/></disk>"),
	        "volume 'v' of pool 'p' is not known"},
	    {DOC("qemu", OS,
	         "<disk type='network'><source protocol='sheepdog' name='v'/><target dev='vda'/></disk>"),
	        "protocol 'sheepdog' is no longer known to QEMU"},
	};
	const struct argv_in in = {.run_dir = "/r", .log_dir = "/l"};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct domain d;
		struct argv_out out;
		struct err err = {0};
		parse(cases[i].doc, strlen(cases[i].doc), &d);
		assert_int_equal(argv_build(&d, &caps, &in, &out, &err), -1);
		assert_int_equal(err.code, ERR_UNSUPPORTED);
		if (strstr(err.msg, cases[i].words) == NULL)
			fail_msg("'%s' does not say '%s'", err.msg, cases[i].words);
		assert_null(out.argv);
		domain_fini(&d);
	}
}

static void test_long_run_dir(void **state)
{
	(void)state;
	static const char doc[] =
	    DOC("qemu", OS, "<graphics type='vnc'><listen type='socket'/></graphics>");
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	char dir[120];
	memset(dir, 'd', sizeof dir - 1);
	dir[0] = '/';
	dir[sizeof dir - 1] = '\0';
	struct argv_in in = {.run_dir = dir, .log_dir = "/l"};
	parse(doc, sizeof doc - 1, &d);
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), -1);
	assert_non_null(strstr(err.msg, "at most 107"));
	in.run_dir_fd = 9;
	assert_int_equal(argv_build(&d, &caps, &in, &out, &err), 0);
	argv_fini(&out);
	domain_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_kvm_model),
	    cmocka_unit_test(test_vhost_user_server),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_long_run_dir),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
