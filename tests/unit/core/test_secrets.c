#include "unit/cm.h"

#include <sys/stat.h>

#include "core/secrets.h"

#define ID "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"

static char *dir;
static struct home home;

static void put(const char *name, const char *text, mode_t mode)
{
	CLEANUP_FREE char *path = xasprintf("%s/secrets/%s", dir, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

static void found(const char *type, const char *uuid, const char *usage, const char *want)
{
	struct err err = {0};
	CLEANUP_FREE char *got = secrets_find(&home, type, uuid, usage, &err);
	if (got == NULL)
		fail_msg("%s", err.msg);
	assert_string_equal(got, want);
}

static void refused(
    const char *type, const char *uuid, const char *usage, enum err_code code, const char *words)
{
	struct err err = {0};
	assert_null(secrets_find(&home, type, uuid, usage, &err));
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, words));
	assert_null(strstr(err.msg, "c2VjcmV0"));
}

static void by_name(void **state)
{
	(void)state;
	put(ID ".base64", "c2VjcmV0\n", 0600);
	put(ID ".xml",
	    "<secret ephemeral='no' private='yes'><uuid>" ID "</uuid>"
	    "<usage type='ceph'><name>client.libvirt secret</name></usage></secret>",
	    0600);
	put("broken.xml", "<secret><usage", 0600);
	found("ceph", ID, NULL, "c2VjcmV0");
	found("ceph", "0A81F5B2-8403-7B23-C8D6-21CCC2F80D6F", NULL, "c2VjcmV0");
	found("ceph", NULL, "client.libvirt secret", "c2VjcmV0");
	found(NULL, NULL, "client.libvirt secret", "c2VjcmV0");
	refused("iscsi", NULL, "client.libvirt secret", ERR_NOT_FOUND, "there is no secret for");
	refused("ceph", NULL, "other", ERR_NOT_FOUND, "'other'");
	refused("ceph", "../../etc/passwd", NULL, ERR_NOT_FOUND, "there is no secret");
	refused("ceph", "11111111-8403-7b23-c8d6-21ccc2f80d6f", NULL, ERR_NOT_FOUND, ".base64");
	refused("ceph", NULL, NULL, ERR_NOT_FOUND, "there is no secret");
}

static void not_good(void **state)
{
	(void)state;
	put(ID ".base64", "c2VjcmV0", 0644);
	refused("ceph", ID, NULL, ERR_DENIED, "chmod 600");
	put(ID ".base64", "c2VjcmV0!", 0600);
	refused("ceph", ID, NULL, ERR_INVALID, "is not base64");
	put(ID ".base64", "c2VjcmV", 0600);
	refused("ceph", ID, NULL, ERR_INVALID, "is not base64");
	put(ID ".base64", "", 0600);
	refused("ceph", ID, NULL, ERR_INVALID, "is not base64");
}

static int set_up(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	home = (struct home){.mode = HOME_PRIVATE, .conf = dir};
	CLEANUP_FREE char *secrets = xasprintf("%s/secrets", dir);
	return mkdir(secrets, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_name), cmocka_unit_test(not_good)};
	return cmocka_run_group_tests_name("secrets", tests, set_up, tear_down);
}
