#include "unit/cli/run_cli.h"

#include <sys/stat.h>

#include "core/file.h"

#define UUID(last) "6c0d1f7e-0000-4000-8000-00000000000" last
#define DOC(name, uuid, devices)                                                      \
	"<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n<domain type='qemu'>" \
	"<name>" name "</name><uuid>" uuid "</uuid><memory unit='MiB'>16</memory>"    \
	"<os><type>hvm</type></os><devices>" devices "</devices></domain>\n"

/* A libvirt host's folders in run_home/host. */
static void put(const char *path, const char *text)
{
	CLEANUP_FREE char *full = xasprintf("%s/host/%s", run_home, path);
	for (char *p = full + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	assert_int_equal(file_write_atomic(full, text, strlen(text), 0600, NULL), 0);
}

static void put_link(const char *path, const char *to)
{
	CLEANUP_FREE char *full = xasprintf("%s/host/%s", run_home, path);
	put(path, "");
	unlink(full);
	assert_int_equal(symlink(to, full), 0);
}

static void put_host(void)
{
	put("etc/libvirt/qemu/a.xml", DOC("a", UUID("1"), ""));
	put("etc/libvirt/qemu/b.xml", DOC("b", UUID("2"), ""));
	put_link("etc/libvirt/qemu/autostart/b.xml", "/etc/libvirt/qemu/b.xml");
	put("etc/libvirt/qemu/networks/default.xml", "<network><name>default</name></network>");
	put_link("etc/libvirt/qemu/networks/autostart/default.xml", "/elsewhere/default.xml");
	put("etc/libvirt/storage/imgs.xml", "<pool type='dir'><name>imgs</name></pool>");
	put("etc/libvirt/secrets/x.xml", "<secret/>");
	put("var/lib/libvirt/qemu/snapshot/a/s1.xml",
	    "<domainsnapshot><name>s1</name></domainsnapshot>");
	put("var/lib/libvirt/qemu/snapshot/gone/s1.xml", "<domainsnapshot/>");
}

static char *host(const char *sub)
{
	return xasprintf("%s/host/%s", run_home, sub);
}

static bool have(const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s/%s", run_home, path);
	return access(full, F_OK) == 0;
}

static char *text_of(const char *path)
{
	CLEANUP_FREE char *full = xasprintf("%s/%s", run_home, path);
	return run_slurp(full);
}

static int fresh_host(void **state)
{
	(void)state;
	run_setup(state);
	put_host();
	return 0;
}

static void check(const struct run *r, int status, const char *words)
{
	if (r->status != status || strstr(r->out, words) == NULL)
		fail_msg(
		    "wanted %d and '%s', got %d:\n%s%s", status, words, r->status, r->out, r->err);
}

static void test_dry_run(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *dir = host("etc/libvirt");
	RUN(&r, "import", "libvirt", "--from", dir, "--dry-run");
	check(&r, CLI_DONE, "nothing was written: 2 of 2 domains would be imported");
	assert_false(have("etc"));
	run_free(&r);
	/* Not even a cache of what is here. */
	run_define("z", DOC("z", UUID("8"), ""));
	RUN(&r, "import", "libvirt", "--from", dir, "--dry-run");
	check(&r, CLI_DONE, "nothing was written: 2 of 2 domains would be imported");
	assert_false(have("data"));
	assert_false(have("log"));
	assert_false(have("run"));
	run_free(&r);
}

static void test_all(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *dir = host("etc/libvirt");
	RUN(&r, "import", "libvirt", "--from", dir);
	check(&r, CLI_DONE,
	    "2 of 2 domains imported, 0 here already, 0 failed; kept for later use: 1 network, 1 storage pool");
	check(&r, CLI_DONE, "Not taken over: 1 secret in ");
	run_free(&r);
	assert_true(have("etc/domains/a.xml"));
	assert_true(have("etc/autostart/b.xml"));
	assert_false(have("etc/autostart/a.xml"));
	assert_true(have("etc/networks/autostart/default.xml"));
	assert_true(have("data/snapshots/a/s1.xml"));
	assert_false(have("data/snapshots/gone"));
	assert_false(have("etc/pools/autostart/imgs.xml"));
	CLEANUP_FREE char *net = text_of("etc/networks/autostart/default.xml");
	assert_string_equal(net, "<network><name>default</name></network>");
	CLEANUP_FREE char *before = text_of("etc/domains/a.xml");
	assert_non_null(strstr(before, UUID("1")));
	/* Again, and after a power cut that left one out. */
	CLEANUP_FREE char *b = xasprintf("%s/etc/domains/b.xml", run_home);
	assert_int_equal(unlink(b), 0);
	CLEANUP_FREE char *below = host("etc/libvirt/qemu");
	RUN(&r, "import", "libvirt", "--from", below);
	check(&r, CLI_DONE, "1 of 2 domains imported, 1 here already, 0 failed");
	run_free(&r);
	CLEANUP_FREE char *after = text_of("etc/domains/a.xml");
	assert_string_equal(after, before);
}

static void test_here(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *dir = host("etc/libvirt");
	run_define("a", DOC("a", UUID("9"), ""));
	run_define("z", DOC("z", UUID("2"), ""));
	RUN(&r, "import", "libvirt", "--from", dir);
	check(&r, CLI_FAILED, "domain 'a' already exists with uuid " UUID("9"));
	check(&r, CLI_FAILED, "domain 'z' is already defined with uuid " UUID("2"));
	run_free(&r);
	run_define("a", DOC("a", UUID("1"), "<emulator>/ours</emulator>"));
	RUN(&r, "import", "libvirt", "--from", dir, "--domain", "a", "--overwrite");
	check(&r, CLI_DONE, "1 of 1 domains imported");
	run_free(&r);
	CLEANUP_FREE char *a = text_of("etc/domains/a.xml");
	assert_null(strstr(a, "/ours"));
	RUN(&r, "import", "libvirt", "--from", dir, "--domain", "nobody");
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(strstr(r.err, "failed to get domain 'nobody'"));
	run_free(&r);
}

/* None of it stops the others. */
static void test_bad_files(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *dir = host("etc/libvirt"), *big = xcalloc(1, (5u << 20) + 1);
	CLEANUP_FREE char *fifo = host("etc/libvirt/qemu/fifo.xml"),
	                  *sub = host("etc/libvirt/qemu/dir.xml");
	memset(big, 'x', 5u << 20);
	put("etc/libvirt/qemu/big.xml", big);
	put("etc/libvirt/qemu/cut.xml", "<domain type='qemu'><name>cut</na");
	put("etc/libvirt/qemu/empty.xml", "");
	put("etc/libvirt/qemu/net.xml", "<network/>");
	put("etc/libvirt/qemu/dots.xml", DOC("../dots", UUID("3"), ""));
	put("etc/libvirt/qemu/twice.xml", DOC("a", UUID("4"), ""));
	put("etc/libvirt/qemu/odd name's.xml", DOC("odd name's", UUID("5"), ""));
	put("etc/libvirt/qemu/new.xml", DOC("new", UUID("6"), "<teleporter/>"));
	put("etc/libvirt/qemu/networks/up.xml", "<network><name>../../up</name></network>");
	put_link("etc/libvirt/qemu/loop.xml", "loop.xml");
	put_link("etc/libvirt/qemu/dangling.xml", "/nowhere");
	put_link("etc/libvirt/qemu/autostart/gone.xml", "/nowhere");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	RUN(&r, "import", "libvirt", "--from", dir, "--json");
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(
	    strstr(r.err, "autostart/gone.xml: a link to a domain that is not defined"));
	struct json_object *o = json_tokener_parse(r.out), *list, *fate, *name, *notes;
	assert_true(json_object_object_get_ex(o, "domains", &list));
	assert_int_equal(json_object_array_length(list), 14);
	unsigned good = 0;
	for (size_t i = 0; i < 14; i++) {
		struct json_object *vm = json_object_array_get_idx(list, i);
		json_object_object_get_ex(vm, "fate", &fate);
		json_object_object_get_ex(vm, "name", &name);
		json_object_object_get_ex(vm, "notes", &notes);
		bool ok = strcmp(json_object_get_string(fate), "imported") == 0;
		good += ok;
		/* What failed says why. */
		if (!ok)
			assert_true(json_object_array_length(notes) > 0);
	}
	assert_int_equal(good, 3); /* a, b, odd name's */
	json_object_put(o);
	run_free(&r);
	assert_true(have("etc/domains/a.xml"));
	assert_true(have("etc/domains/b.xml"));
	assert_true(have("etc/domains/odd name's.xml"));
	assert_false(have("up.xml"));
	assert_false(have("etc/dots.xml"));
}

static void test_no_host(void **state)
{
	(void)state;
	struct run r;
	RUN(&r, "import", "libvirt", "--from", "/nonexistent");
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(strstr(r.err, "cannot read the folder '/nonexistent'"));
	run_free(&r);
	CLEANUP_FREE char *none = host("etc/libvirt/qemu/autostart");
	RUN(&r, "import", "libvirt", "--from", none, "--dry-run");
	assert_int_equal(r.status, CLI_FAILED);
	run_free(&r);
}

/* The firmware's variables and this host's QEMU. */
static void test_adapts(void **state)
{
	(void)state;
	struct run r;
	CLEANUP_FREE char *dir = host("etc/libvirt");
	put("etc/libvirt/qemu/e.xml",
	    DOC("e", UUID("7"),
	        "<emulator>/usr/libexec/no-qemu-kvm</emulator><disk type='file'>"
	        "<source file='/var/gone.img'/><target dev='vda'/></disk>"));
	put("var/gone.img", "");
	put("var/lib/libvirt/qemu/save/e.save", "x");
	RUN(&r, "import", "libvirt", "--from", dir, "--domain", "e");
	check(&r, CLI_DONE, "'/usr/libexec/no-qemu-kvm' is not on this host: left out");
	check(&r, CLI_DONE,
	    "disk 'vda': '/var/gone.img': No such file or directory; it is in the copied tree");
	check(&r, CLI_DONE, "of that file goes on there");
	check(&r, CLI_DONE, "will not start yet");
	run_free(&r);
	CLEANUP_FREE char *e = text_of("etc/domains/e.xml");
	assert_null(strstr(e, "no-qemu-kvm"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_dry_run, fresh_host, run_teardown),
	    cmocka_unit_test_setup_teardown(test_all, fresh_host, run_teardown),
	    cmocka_unit_test_setup_teardown(test_here, fresh_host, run_teardown),
	    cmocka_unit_test_setup_teardown(test_bad_files, fresh_host, run_teardown),
	    cmocka_unit_test_setup_teardown(test_no_host, fresh_host, run_teardown),
	    cmocka_unit_test_setup_teardown(test_adapts, fresh_host, run_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
