#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/str.h"
#include "kvm/firmware.h"
#include "unit/golden.h"

static struct caps caps;
static struct firmware_env env;
static char *dirs[3];

static int setup(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	dirs[0] = golden_path("firmware/vendor");
	dirs[1] = golden_path("firmware/local");
	env = (struct firmware_env){.dirs = dirs, .nvram_dir = (char *)(uintptr_t) "/data/nvram"};
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	caps_fini(&caps);
	free(dirs[0]);
	free(dirs[1]);
	return 0;
}

/* os: what stands in <os> behind <type>; firmware: the attribute. */
static int resolve(const char *machine, const char *firmware, const char *os, const char *features,
    struct firmware *f, struct err *err)
{
	struct domain d;
	CLEANUP_FREE char *xml =
	    xasprintf("<domain type='qemu'><name>web 1</name><memory>65536</memory>"
	              "<os%s><type machine='%s'>hvm</type>%s</os>"
	              "<features><acpi/>%s</features></domain>",
	        firmware, machine, os, features);
	if (domain_parse(xml, strlen(xml), "x.xml", 0, &d, NULL, err) < 0)
		fail_msg("%s", err->msg);
	int rc = firmware_resolve(&d, &caps, &env, f, err);
	domain_fini(&d);
	return rc;
}

#define EFI " firmware='efi'"

static void test_choices(void **state)
{
	(void)state;
	static const struct {
		const char *machine, *firmware, *os, *features;
		const char *code, *vars, *template;
		bool smm, secure, writable;
	} cases[] = {
	    {"pc", "", "", "", NULL, NULL, NULL, false, false, false},
	    {"q35", EFI, "", "", "/fw/CODE.secure.fd", "/data/nvram/web 1_VARS.fd",
	        "/fw/VARS.keys.fd", true, true, false},
	    {"q35", EFI, "<firmware><feature name='enrolled-keys' enabled='no'/></firmware>", "",
	        "/fw/CODE.secure.fd", "/data/nvram/web 1_VARS.fd", "/fw/VARS.fd", true, true,
	        false},
	    {"q35", EFI, "<firmware><feature name='secure-boot' enabled='no'/></firmware>", "",
	        "/fw/CODE.fd", "/data/nvram/web 1_VARS.fd", "/fw/VARS.qcow2", false, false, false},
	    {"q35", EFI, "", "<smm state='off'/>", "/fw/CODE.fd", "/data/nvram/web 1_VARS.fd",
	        "/fw/VARS.qcow2", false, false, false},
	    {"pc-i440fx-6.2", EFI, "<nvram>/v/x.fd</nvram>", "", "/fw/CODE.fd", "/v/x.fd",
	        "/fw/VARS.qcow2", false, false, false},
	    {"q35", EFI, "<loader stateless='yes'/>", "", "/fw/STATELESS.fd", NULL, NULL, false,
	        false, false},
	    {"q35", EFI, "<nvram template='/my/VARS.fd'/>", "", "/fw/CODE.secure.fd",
	        "/data/nvram/web 1_VARS.fd", "/my/VARS.fd", true, true, false},
	    {"pc", " firmware='bios'", "", "", "/fw/bios.bin", NULL, NULL, false, false, false},
	    {"q35", " firmware='bios'", "", "", NULL, NULL, NULL, false, false, false},
	    /* Named by the document. */
	    {"q35", "", "<loader type='pflash' readonly='yes'>/fw/CODE.fd</loader>", "",
	        "/fw/CODE.fd", "/data/nvram/web 1_VARS.fd", "/fw/VARS.qcow2", false, false, false},
	    {"q35", "", "<loader type='pflash' readonly='yes' secure='yes'>/my/CODE.fd</loader>",
	        "<smm state='on'/>", "/my/CODE.fd", "/data/nvram/web 1_VARS.fd", NULL, true, true,
	        false},
	    {"pc", "", "<loader type='pflash'>/my/both.fd</loader>", "", "/my/both.fd", NULL, NULL,
	        false, false, true},
	    {"pc", "", "<loader type='pflash' readonly='yes' stateless='yes'>/my/CODE.fd</loader>",
	        "", "/my/CODE.fd", NULL, NULL, false, false, false},
	    {"pc", "", "<loader>/my/bios.bin</loader>", "", "/my/bios.bin", NULL, NULL, false,
	        false, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct firmware f;
		struct err err = {0};
		if (resolve(cases[i].machine, cases[i].firmware, cases[i].os, cases[i].features, &f,
		        &err) < 0)
			fail_msg("case %zu: %s", i, err.msg);
		if (!str_eq(f.code, cases[i].code) || !str_eq(f.vars, cases[i].vars) ||
		    !str_eq(f.template, cases[i].template))
			fail_msg("case %zu: code %s, vars %s, template %s", i,
			    f.code ? f.code : "-", f.vars ? f.vars : "-",
			    f.template ? f.template : "-");
		assert_int_equal(f.given, cases[i].code != NULL);
		assert_int_equal(f.smm, cases[i].smm);
		assert_int_equal(f.secure, cases[i].secure);
		assert_int_equal(f.code_writable, cases[i].writable);
		firmware_fini(&f);
	}
}

static void test_none_fits(void **state)
{
	(void)state;
	struct firmware f;
	struct err err = {0};
	assert_int_equal(resolve("pc", EFI, "<loader stateless='yes'/>", "", &f, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "no UEFI firmware on this host"));
	assert_non_null(strstr(err.msg, "pc-i440fx-7.2"));
}

/* KVM without System Management Mode: what needs it is passed over, or the wish for it refused. */
static void test_no_smm(void **state)
{
	(void)state;
	struct firmware f;
	struct err err = {0};
	env.no_smm = true;
	assert_int_equal(resolve("q35", EFI, "", "", &f, &err), 0);
	assert_string_equal(f.code, "/fw/CODE.fd");
	assert_false(f.smm);
	firmware_fini(&f);
	assert_int_equal(
	    resolve("q35", EFI, "<firmware><feature name='secure-boot' enabled='yes'/></firmware>",
	        "", &f, &err),
	    -1);
	assert_non_null(strstr(err.msg, "needs System Management Mode"));
	env.no_smm = false;
}

static void test_network(void **state)
{
	(void)state;
	struct firmware f;
	struct err err = {0};
	assert_int_equal(
	    resolve("q35", "",
	        "<loader type='pflash' readonly='yes'>/c.fd</loader><nvram type='network'>"
	        "<source protocol='nbd' name='vars'><host name='a.b' port='99'/></source></nvram>",
	        "", &f, &err),
	    0);
	assert_int_equal(f.vars_type, NVRAM_NBD);
	assert_string_equal(f.vars, "vars");
	assert_string_equal(f.vars_host, "a.b");
	assert_int_equal(f.vars_port, 99);
	firmware_fini(&f);
}

/* Variables are copied from the template once, and never again. */
static void test_prepare(void **state)
{
	(void)state;
	char dir[] = "/tmp/hvmux-firmware.XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct home h;
	struct err err = {0};
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	CLEANUP_FREE char *code = xasprintf("%s/code.fd", dir);
	CLEANUP_FREE char *template = xasprintf("%s/vars.fd", dir);
	CLEANUP_FREE char *vars = home_data_file(&h, "nvram", "x_VARS.fd");
	struct firmware f = {.given = true, .has_vars = true, .code = code, .vars = vars};
	assert_int_equal(firmware_prepare(&f, &h, &err), -1);
	assert_non_null(strstr(err.msg, "cannot read"));
	assert_int_equal(file_write_atomic(code, "code", 4, 0600, &err), 0);
	assert_int_equal(firmware_prepare(&f, &h, &err), -1);
	assert_non_null(strstr(err.msg, "no template is known"));
	f.template = template;
	assert_int_equal(file_write_atomic(template, "first", 5, 0600, &err), 0);
	f.template_format = (char *)(uintptr_t) "qcow2";
	assert_int_equal(firmware_prepare(&f, &h, &err), -1);
	assert_non_null(strstr(err.msg, "is to be raw, but the template"));
	f.template_format = NULL;
	if (firmware_prepare(&f, &h, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(file_write_atomic(template, "other", 5, 0600, &err), 0);
	assert_int_equal(firmware_prepare(&f, &h, &err), 0);
	CLEANUP_BUF struct buf text = BUF_INIT;
	assert_int_equal(file_read(vars, 100, &text, &err), 0);
	assert_int_equal(text.len, 5);
	assert_memory_equal(text.data, "first", 5);
	home_fini(&h);
	assert_int_equal(file_remove_tree(dir, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_none_fits),
	    cmocka_unit_test(test_no_smm),
	    cmocka_unit_test(test_network),
	    cmocka_unit_test(test_prepare),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
