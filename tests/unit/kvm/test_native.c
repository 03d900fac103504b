#include "unit/cm.h"

#include "core/domain.h"
#include "kvm/argv.h"
#include "kvm/native.h"
#include "unit/golden.h"

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.json");
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

static char *convert(const char *text, struct buf *notes)
{
	struct native_cmd cmd;
	struct err err = {0};
	if (native_split(text, strlen(text), &cmd, &err) < 0)
		fail_msg("%s", err.msg);
	char *xml = native_to_xml(&cmd, notes, &err);
	native_cmd_fini(&cmd);
	if (xml == NULL)
		fail_msg("%s", err.msg);
	return xml;
}

/* --- our own command lines come back as they were --- */
static char *argv_of(const char *xml)
{
	struct domain d;
	struct argv_out out;
	struct err err = {0};
	const struct argv_in in = {.run_dir = "/run/hvmux/x", .log_dir = "/var/log/hvmux/x"};
	if (domain_parse(xml, strlen(xml), "native.xml", 0, &d, NULL, &err) < 0 ||
	    domain_complete(&d, NULL, NULL, &err) < 0 || argv_build(&d, &caps, &in, &out, &err) < 0)
		fail_msg("%s\n%s", err.msg, xml);
	char *text = argv_shell(&out);
	argv_fini(&out);
	domain_fini(&d);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words in an order of their own: what is kept word for word comes last. */
static char *sorted(const char *text)
{
	struct native_cmd cmd;
	struct buf out = BUF_INIT;
	assert_int_equal(native_split(text, strlen(text), &cmd, NULL), 0);
	qsort(cmd.words, cmd.n, sizeof *cmd.words, by_text);
	for (size_t i = 0; i < cmd.n; i++)
		buf_addf(&out, "%s\n", cmd.words[i]);
	native_cmd_fini(&cmd);
	return buf_take(&out);
}

static void test_fixed_point(void **state)
{
	(void)state;
	static const char *const stems[] = {
	    "minimal", "virt-install-q35", "pc-usb-ich9", "kernel-commandline", "nic-models"};
	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		struct buf want = BUF_INIT, notes = BUF_INIT;
		CLEANUP_FREE char *file = xasprintf("argv/%s.args", stems[i]);
		CLEANUP_FREE char *path = golden_path(file);
		golden_read(path, &want);
		CLEANUP_FREE char *xml = convert(want.data, &notes), *got = argv_of(xml);
		CLEANUP_FREE char *sorted_want = sorted(want.data), *sorted_got = sorted(got);
		if (strcmp(sorted_got, sorted_want) != 0)
			fail_msg("%s: got\n%s\nfrom\n%s", path, got, xml);
		buf_fini(&want);
		buf_fini(&notes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fixed_point),
	};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
